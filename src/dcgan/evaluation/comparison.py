"""Runs side by side: what was set differently, what came of it, and the same latents drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import ConfigError
from dcgan.evaluation.evaluator import Evaluator, refuse_few, refuse_few_images
from dcgan.evaluation.extractors import open_extractor, refuse_unknown
from dcgan.evaluation.sampler import Sampler
from dcgan.render.runs_page import side_by_side
from dcgan.runs.dataset import open_dataset
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import read_scores
from dcgan.runs.settings import differences, stored_settings
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter

MEASURES = ("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage")

_DRAWN = 16
"""Images of each run on the sheet."""

_UNTOLD = ("records", "metrics", "device", "data.cache", "data.memory_gb", "data.root")
"""Settings that say nothing of what a run learned."""


@dataclass(frozen=True)
class Spread:
    """One measure over several draws of latents.

    Parameters
    ----------
    measure : str
    mean : float
    deviation : float
        Standard deviation over the draws (divisor one less than their number).
    floor : float, optional
        What real images get.
    """

    measure: str
    mean: float
    deviation: float
    floor: float | None

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "measure": self.measure,
            "mean": self.mean,
            "deviation": self.deviation,
            "floor": self.floor,
        }


@dataclass(frozen=True)
class Compared:
    """One of the runs compared.

    Parameters
    ----------
    name : str
        The shortest end of its path that no other run shares.
    path : str
    checkpoint : str
    images_seen : int
    trained_images, trained_seconds
        How far it was trained in all, and for how long.
    weights : int
        Numbers in its generator.
    drawn : uint8 (N, C, H, W)
        The same latents as of all others.
    log : list of dict
        Its log lines.
    spreads : tuple of Spread
        Empty where nothing was measured.
    """

    name: str
    path: str
    checkpoint: str
    images_seen: int
    trained_images: int
    trained_seconds: float
    weights: int
    drawn: NDArray[np.uint8]
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
            "scores": [spread.to_json() for spread in self.spreads],
        }


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Parameters
    ----------
    runs : tuple of Compared
    differences : mapping of str to tuple
        Setting → its value in each run, where they differ.
    protocol : str
        What the numbers rest on, or why there are none.
    """

    runs: tuple[Compared, ...]
    differences: Mapping[str, tuple[Any, ...]]
    protocol: str

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "runs": [run.to_json() for run in self.runs],
            "differences": {key: list(values) for key, values in self.differences.items()},
            "protocol": self.protocol,
        }


@isolated()
def compare(
    runs: Sequence[Sampler],
    data: StrPath | None = None,
    *,
    images: int = 5_000,
    draws: int = 3,
    extractor: StrPath = "auto",
    seed: int = 0,
    data_root: StrPath | None = None,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Compare runs at the checkpoints they are opened at.

    Parameters
    ----------
    runs : sequence of Sampler
        At least two.
    data : str, optional
        The real pictures to measure against; default what the first run was trained on.
    images : int, default 5,000
        Generated in each draw; 0: measure nothing.
    draws : int, default 3
        Of as many latents each; their spread says how far a number can be trusted.
    extractor : str
        See :func:`dcgan.evaluation.extractors.open_extractor`.
    seed : int
        Of the latents drawn on the sheet, and of the first draw.
    data_root, reporter, progress
        As for :func:`dcgan.evaluation.evaluate_runs.evaluate`.

    Raises
    ------
    ConfigError
        Fewer than two runs or draws.
    """
    if len(runs) < 2:
        raise ConfigError("runs", len(runs), "give at least two run folders")
    if len({run.checkpoint.resolve() for run in runs}) < len(runs):
        raise ConfigError("runs", [str(run.path) for run in runs], "the same one is given twice")
    if images:
        refuse_few(images)
    extractor = fspath(extractor)
    refuse_unknown(extractor)
    if draws < 2:
        raise ConfigError("draws", draws, "at least 2, or there is no spread")
    for problem in filter(None, map(log_problem, runs)):
        reporter.note(problem)
    spreads: list[tuple[Spread, ...]] = [()] * len(runs)
    shapes = {run.networks.image_shape for run in runs}
    if images == 0:
        protocol = "nothing was measured"
    elif len(shapes) > 1:
        protocol = "nothing was measured: the runs draw images of different shapes"
    else:
        dataset = open_dataset(
            runs[0].folder,
            runs[0].networks,
            data,
            data_root=data_root,
            reporter=reporter,
        )
        refuse_few_images(len(dataset))
        network = open_extractor(extractor, dataset, device=runs[0].device, reporter=reporter)
        evaluator = Evaluator(dataset, network, images=images, brief=True, reporter=reporter)
        spreads = [_spreads(evaluator, run, range(seed, seed + draws)) for run in runs]
        protocol = (
            f"{draws} draws of {evaluator.count:,} images, to {evaluator.split}, on"
            f" {network.label}: {network.about}"
        )
    names = _names([run.path for run in runs])
    found = zip(runs, names, spreads, strict=True)
    return Comparison(
        tuple(_compared(run, name, spread, seed) for run, name, spread in found),
        differences([stored_settings(run.folder) for run in runs], ignore=_UNTOLD),
        protocol,
    )


def draw_comparison(found: Comparison, path: StrPath) -> None:
    """The page: sheets of the same latents and curves; with what was measured while training,
    where all runs were measured by one protocol."""
    measured = {run.name: read_scores(RunFolder(Path(run.path))) for run in found.runs}
    scores = [one.score for entries in measured.values() for one in entries]
    alike = {one.protocol[:-1] for one in scores}  # each run has latents of its own seed
    quality = {}
    if len(alike) == 1 and all(measured.values()) and "data.source" not in found.differences:
        quality = {
            name: {one.images: one.score.value for one in entries}
            for name, entries in measured.items()
        }
    side_by_side(
        {f"{run.name}, {run.images_seen:,} images seen": run.drawn for run in found.runs},
        {run.name: run.log for run in found.runs},
        quality,
        Path(path),
        measure=scores[0].measure.replace("_", " ") if quality else "",
    )


def log_problem(run: Sampler) -> str | None:
    """One line that says what is missing in a run's log; None where nothing is."""
    log = run.folder.log
    damaged = log.damaged()
    last = run.folder.last_logged()
    newest = run.folder.latest_checkpoint()
    seen = 0 if newest is None else int(newest.name)
    found = []
    if damaged:
        found.append(f"{damaged} damaged line{'s' if damaged > 1 else ''}")
    if seen - last > _log_interval(run.folder):
        found.append(f"truncated, no line after {last:,} of {seen:,} images")
    if not found:
        return None
    return f"{log.path}: {', and '.join(found)}. Curves and totals show only what is left"


def _log_interval(folder: RunFolder) -> int:
    """The most images between two lines of the log."""
    every = stored_settings(folder).get("records", {}).get("log_every", 0)
    return every if isinstance(every, int) else 0


def _spreads(evaluator: Evaluator, run: Sampler, seeds: range) -> tuple[Spread, ...]:
    draws = [evaluator.evaluate(run, seed=seed) for seed in seeds]
    spreads = []
    for measure in MEASURES:
        values = [draw[measure].value for draw in draws]
        spreads.append(Spread(measure, mean(values), stdev(values), draws[0][measure].floor))
    return tuple(spreads)


def _compared(run: Sampler, name: str, spreads: tuple[Spread, ...], seed: int) -> Compared:
    log = run.log()
    return Compared(
        name=name,
        path=str(run.path),
        checkpoint=run.checkpoint.name,
        images_seen=run.images_seen,
        trained_images=max(run.images_seen, log[-1]["images"] if log else 0),
        trained_seconds=log[-1].get("seconds", 0.0) if log else 0.0,
        weights=sum(weight.numel() for weight in run.generator.parameters()),
        drawn=run.sample(_DRAWN, seed=seed),
        log=log,
        spreads=spreads,
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many before it as it takes to tell them apart.

    >>> _names([Path("a/x"), Path("b/x")])
    ['a/x', 'b/x']
    """
    full = [path.absolute().parts for path in paths]
    for count in range(1, max(map(len, full)) + 1):
        names = ["/".join(parts[-count:]) for parts in full]
        if len(set(names)) == len(names):
            return names
    return names
