"""Runs side by side: different settings, scores, curves, and samples of the same latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import fspath
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import ConfigError
from dcgan.evaluation.evaluator import Evaluator, refuse_few, refuse_few_images
from dcgan.evaluation.extractors import open_extractor, refuse_unknown
from dcgan.evaluation.sampler import Sampler, Samplers, samplers
from dcgan.metrics.registry import metrics_on
from dcgan.metrics.score import Score
from dcgan.render.runs_page import side_by_side
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runs.dataset import open_dataset
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import read_scores
from dcgan.runs.settings import differences, section_of, stored_settings
from dcgan.runtime.arguments import refuse_seed
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked

_SAMPLES = 16
"""Images of each run in the figure."""

NOT_COMPARED = ("records", "metrics", "device", "data.cache", "data.memory_gb", "data.root")
"""Settings that do not affect what a run learned."""


@dataclass(frozen=True)
class Spread:
    """Mean of one metric over several sets of latents, with the real-image baseline."""

    metric: str
    mean: float
    deviation: float
    """Standard deviation, with a divisor one less than the number of sets."""
    baseline: float | None


@dataclass(frozen=True)
class Compared:
    """One of the runs compared.

    Parameters
    ----------
    name : str
        The shortest end of its path that no other run shares.
    trained_images, trained_seconds
        How many images it was trained on in total, and for how long.
    weights : int
        Number of weights of its generator.
    samples : uint8 (N, C, H, W)
        Samples, of the same latents for all runs.
    spreads : tuple of Spread
        Empty if no scores were computed.
    """

    name: str
    path: str
    checkpoint: str
    images_seen: int
    trained_images: int
    trained_seconds: float
    weights: int
    samples: NDArray[np.uint8]
    log: list[dict[str, Any]]
    spreads: tuple[Spread, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "run": self.path,
            "checkpoint": self.checkpoint,
            "images_seen": self.images_seen,
            "trained_images": self.trained_images,
            "trained_seconds": self.trained_seconds,
            "generator_weights": self.weights,
            "scores": [asdict(spread) for spread in self.spreads],
        }


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[Compared, ...]
    differences: Mapping[str, tuple[Any, ...]]
    """Setting → its value in each run, for settings that differ."""
    protocol: str
    """What the scores were computed on, or why there are none."""

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "differences": {key: list(values) for key, values in self.differences.items()},
            "protocol": self.protocol,
        }


@checked
@isolated()
def compare(
    runs: Samplers,
    data: StrPath | None = None,
    *,
    images: int = 5_000,
    repeats: int = 3,
    extractor: StrPath = "auto",
    seed: int = 0,
    data_root: StrPath | None = None,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Compare runs at the checkpoints that they are opened at.

    Parameters
    ----------
    runs : sequence of Run or path
        At least two; paths are opened at their best checkpoint.
    data : str, optional
        The real images; default the training data of the first run.
    images : int, default 5,000
        Generated images of each set; 0: compute no scores.
    repeats : int, default 3
        Sets of latents, at least 2. The spread over them shows how reliable a score is.
    extractor : str
        See :func:`dcgan.evaluation.extractors.open_extractor`.
    seed : int
        Of the latents in the figure, and of the first set.
    data_root, reporter
        As for :func:`dcgan.evaluation.evaluate_runs.evaluate`.

    Raises
    ------
    ConfigError
        Fewer than two runs or repeats, or a run given twice.
    """
    runs = samplers(runs)
    if len(runs) < 2:
        raise ConfigError("runs", [str(run.path) for run in runs], "use at least two runs")
    if len({run.checkpoint.resolve() for run in runs}) < len(runs):
        problem = "one is given twice. Use different runs or checkpoints"
        raise ConfigError("runs", [str(run.path) for run in runs], problem)
    if images:
        refuse_few(images)
    refuse_seed(seed)
    extractor = fspath(extractor)
    refuse_unknown(extractor)
    if repeats < 2:
        raise ConfigError("repeats", repeats, "use at least 2: a spread needs two scores")
    for problem in filter(None, map(log_problem, runs)):
        reporter.note(problem)
    spreads: list[tuple[Spread, ...]] = [()] * len(runs)
    shapes = {run.networks.image_shape for run in runs}
    if images == 0:
        protocol = "no scores were computed"
    elif len(shapes) > 1:
        protocol = "no scores were computed: the runs generate images of different shapes"
    else:
        first = runs[0]
        dataset = open_dataset(
            first.folder, first.networks, data, data_root=data_root, reporter=reporter
        )
        refuse_few_images(len(dataset))
        network = open_extractor(extractor, dataset, device=first.device, reporter=reporter)
        evaluator = Evaluator(dataset, network, images=images, brief=True, reporter=reporter)
        spreads = [_spreads(evaluator, run, range(seed, seed + repeats)) for run in runs]
        protocol = (
            f"{repeats} sets of {evaluator.count:,} generated images, compared with"
            f" {evaluator.split}; features of {network.label}: {network.about}"
        )
    compared = zip(runs, _names([run.path for run in runs]), spreads, strict=True)
    return Comparison(
        tuple(_compared(run, name, spread, seed) for run, name, spread in compared),
        differences([stored_settings(run.folder) for run in runs], ignore=NOT_COMPARED),
        protocol,
    )


def draw_comparison(found: Comparison, path: StrPath) -> None:
    """Write the figure: samples of the same latents, and curves."""
    scores = training_scores(found)
    first = next(iter(scores.values()), {})
    side_by_side(
        {f"{run.name}, {run.images_seen:,} images seen": run.samples for run in found.runs},
        {run.name: run.log for run in found.runs},
        {
            name: {images: score.value for images, score in of_run.items()}
            for name, of_run in scores.items()
        },
        Path(path),
        measure=next(iter(first.values())).label if first else "",
    )


def training_scores(found: Comparison) -> dict[str, dict[int, Score]]:
    """Run → images seen → score during training; empty unless those of all runs are comparable."""
    measured = {run.name: read_scores(RunFolder(Path(run.path))) for run in found.runs}
    scores = [one.score for entries in measured.values() for one in entries]
    protocols = {one.protocol[:-1] for one in scores}  # each run has latents of its own seed
    if len(protocols) != 1 or not all(measured.values()) or "data.source" in found.differences:
        return {}
    return {name: {one.images: one.score for one in entries} for name, entries in measured.items()}


def log_problem(run: Sampler) -> str | None:
    """One line that says what is missing in a run's log; None if nothing is."""
    log = run.folder.log
    damaged = log.damaged()
    last = run.folder.last_logged()
    newest = run.folder.latest_checkpoint()
    seen = 0 if newest is None else int(newest.name)
    every = section_of(stored_settings(run.folder), "records").get("log_every", 0)
    problems = []
    if damaged:
        problems.append(f"{damaged} damaged line{'s' if damaged > 1 else ''}")
    if seen - last > (every if isinstance(every, int) else 0):
        problems.append(f"truncated, no line after {last:,} of {seen:,} images")
    if not problems:
        return None
    return f"{log.path}: {', and '.join(problems)}. Curves and totals show only the rest"


def _spreads(evaluator: Evaluator, run: Sampler, seeds: range) -> tuple[Spread, ...]:
    evaluations = [evaluator.evaluate(run, seed=seed) for seed in seeds]
    spreads = []
    for metric in metrics_on("features"):
        scores = [evaluation[metric.name] for evaluation in evaluations]
        values = [score.value for score in scores]
        spreads.append(Spread(metric.name, mean(values), stdev(values), scores[0].baseline))
    return tuple(spreads)


def _compared(run: Sampler, name: str, spreads: tuple[Spread, ...], seed: int) -> Compared:
    log = run.log()
    return Compared(
        name=name,
        path=str(run.path),
        checkpoint=checkpoint_name(run.checkpoint),
        images_seen=run.images_seen,
        trained_images=max(run.images_seen, log[-1]["images"] if log else 0),
        trained_seconds=log[-1].get("seconds", 0.0) if log else 0.0,
        weights=sum(weight.numel() for weight in run.generator.parameters()),
        samples=run.sample(_SAMPLES, seed=seed),
        log=log,
        spreads=spreads,
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that differ.

    >>> _names([Path("a/x"), Path("b/x")])
    ['a/x', 'b/x']
    """
    full = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, full)) + 1):
        names = ["/".join(parts[-count:]) for parts in full]
        if len(set(names)) == len(names):
            return names
    return names
