"""Compare the quality of recipes and of the standard PyTorch DCGAN example over wall-clock time.

    python benchmarks/time_to_quality.py mnist CONTESTANT [CONTESTANT ...] --minutes 10
        [--first 10] [--seeds 0 1 2] [--threads 2] [--device cpu] [--source IMAGES] [--size N]
        [--extractor classifier] [--data-root DIR] [--results DIR]

Contestants are named in `contestants.yaml`: a recipe with settings on top, or the plain loop (the
example) on a recipe's networks. Each trains for the given time. It is scored at times that grow by
a factor of 1.4; scoring does not count. The metric is the Fréchet distance (FD) of 10,000 generated
images to 10,000 real ones, on features of a classifier trained on the labels of the dataset, or of
another extractor. The classifier also gives the shares of the classes. All contestants use the
averaged generator, if they have one, with batch norm statistics estimated again.

Each contestant and seed writes one JSON file and one sheet when it has finished. Finished ones are
not run again. Interrupted ones resume, with their clock.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

import dcgan
from dcgan.bench.plain import PlainLoop
from dcgan.config import RunConfig, merge, parse_config
from dcgan.data import ImageDataset, PixelScale, load_dataset, open_source, survey
from dcgan.evaluation.extractors import open_extractor
from dcgan.evaluation.real_features import real_features
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.labels import label_shares
from dcgan.models.batch_norm import reestimate_batch_norm
from dcgan.render.sheet import save_image, sheet
from dcgan.runtime.progress import TerminalReporter
from dcgan.training.planning.arguments import collect_settings
from dcgan.training.planning.auto import resolve_auto
from dcgan.training.planning.time_plan import can_be_planned, plan_size
from dcgan.training.trial import images_per_second

HERE = Path(__file__).parent
COUNT = 10_000
FACTOR = 1.4
"""How much later each stop is than the last."""
SAVED_EVERY = 300.0
"""Seconds after which the plain loop is saved, in case it is interrupted."""

Draw = Callable[[int], NDArray[np.uint8]]


@dataclass(frozen=True)
class Contestant:
    """A recipe with settings on top.

    ``loop: plain`` is the loop everybody copies, ``loop: one-stage`` that of `one_stage.py`.
    """

    recipe: str
    loop: str = "ours"
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    """Where it ends, if the time is not up before."""


@dataclass(frozen=True)
class Task:
    """Which images, at which size if not their own, how long, when the ``first`` scoring is, and
    the device of the networks and of the feature extractor."""

    source: str
    root: str | None
    seed: int
    seconds: float
    first: float
    images: float = inf
    size: int | None = None
    device: str = "cpu"


class Measuring:
    """FD and shares of classes, always compared with the same real images."""

    def __init__(
        self,
        dataset: ImageDataset,
        extractor: str = "classifier",
        *,
        count: int = COUNT,
        device: str = "cpu",
    ) -> None:
        self.extractor = open_extractor(
            extractor, dataset, device=device, reporter=TerminalReporter()
        )
        count = min(count, len(dataset) // 2)
        order = chosen_order(len(dataset))[: 2 * count]
        known = real_features(dataset, order, self.extractor)
        self.count = count
        self._real = Moments.of(known.values[:count])
        self.floor = frechet_distance(self._real, Moments.of(known.values[count:]))

    def __call__(self, draw: Draw) -> dict[str, Any]:
        found = self.extractor(draw(self.count))
        measured: dict[str, Any] = {"fd": frechet_distance(self._real, Moments.of(found.values))}
        if found.probabilities is not None:
            shares = label_shares(found.probabilities)
            measured["shares"] = [round(float(share), 4) for share in shares]
        return measured


def stops(task: Task) -> Iterator[float]:
    """When to score, in seconds."""
    at = task.first
    while at < task.seconds / FACTOR**0.5:
        yield at
        at *= FACTOR
    yield task.seconds


def recipe_snapshots(
    asked: Contestant, task: Task, folder: Path, after: float
) -> Iterator[tuple[float, int, Draw]]:
    """Train in parts; each resumes the last exactly as if training had not stopped."""
    brief = {"records": {"tensorboard": False, "sheets": 1, "keep": 1}}
    out = folder / "run"
    settings = merge(brief, asked.settings)
    if not out.exists():
        settings = merge(settings, _for_all_of_it(asked, task))
    images, seconds = 0, after
    for at in stops(task):
        if at <= after:
            continue
        # as fast as until now, it would have seen more images by then than it is to see
        is_end = images * at >= task.images * seconds > 0
        run = dcgan.train(
            task.source,
            recipe=asked.recipe,
            out=out,
            seed=task.seed,
            size=task.size,
            images=int(task.images) if is_end else None,
            minutes=None if is_end else at / 60,
            device=task.device,
            data_root=task.root,
            resume=out.exists(),
            settings=settings,
        )
        last = dcgan.open_run(out, checkpoint="last", device=task.device)
        images, seconds = last.images_seen, run.log()[-1]["seconds"]
        yield seconds, images, _draw_run(last)


def _for_all_of_it(asked: Contestant, task: Task) -> dict[str, Any]:
    """The settings that ``auto`` chooses for the whole time, not for the first part."""
    whole = {"length": {"images": None, "minutes": task.seconds / 60}}
    model = configuration(replace(asked, settings=merge(asked.settings, whole)), task).model
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    return {
        "model": {
            player: {"width": network.width}
            for player, network in networks.items()
            if network.layers is None
        }
    }


def _draw_run(run: dcgan.Run) -> Draw:
    return lambda count: run.sample(count, seed=1)


def plain_snapshots(
    asked: Contestant, task: Task, folder: Path, after: float
) -> Iterator[tuple[float, int, Draw]]:
    """The standard PyTorch DCGAN example; its clock does not run while it is scored or saved."""
    dataset = open_data(task)
    images_NCHW = take(dataset, np.arange(len(dataset)))
    loop = PlainLoop(configuration(asked, task), images_NCHW, device=task.device)
    saved = folder / "plain.pt"
    before = loop.load(saved) if saved.exists() else 0.0
    times = (at for at in stops(task) if at > after)
    at, save_at, began = next(times, inf), before + SAVED_EVERY, time.perf_counter()
    for _ in loop.steps():
        now = before + time.perf_counter() - began
        is_due = now >= at or loop.images_seen >= task.images
        if not is_due and now < save_at:
            continue
        loop.save(saved, now)
        if is_due:
            yield now, loop.images_seen, _draw_plain(loop)
            at = next(times, inf)
        before, save_at, began = now, now + SAVED_EVERY, time.perf_counter()
        if at == inf:
            return


def _draw_plain(loop: PlainLoop) -> Draw:
    generator = copy.deepcopy(loop.generator)
    reestimate_batch_norm(generator, loop.latent, 0)
    generator.eval()

    @torch.inference_mode()
    def draw(count: int) -> NDArray[np.uint8]:
        parts = []
        for start in range(0, count, 64):
            latent_BZ = loop.latent.numbered(1, start, min(count, start + 64))
            image_BCHW = generator(latent_BZ.to(loop.device))
            parts.append(PixelScale().denormalize(image_BCHW).cpu().numpy())
        return np.concatenate(parts)

    return draw


def configuration(asked: Contestant, task: Task) -> RunConfig:
    """The contestant's configuration for these images, on this machine if its time is limited."""
    config = parse_config(
        collect_settings(
            task.source,
            recipe=asked.recipe,
            data_root=task.root,
            shortcuts={"seed": task.seed, "size": task.size},
            settings=asked.settings,
        )
    )
    opened = open_source(config.data.source, config.data.root)
    seen, device = survey(opened, limit=256), torch.device(task.device)
    if config.length.minutes is not None and can_be_planned(config):
        config, _, _ = plan_size(config, seen, device, images_per_second)
    return resolve_auto(config, seen, device)[0]


def open_data(task: Task) -> ImageDataset:
    """All images, as every contestant sees them."""
    opened = open_source(task.source, task.root)
    seen = survey(opened, limit=256)
    size = (task.size, task.size) if task.size else seen.median_size
    return load_dataset(opened, size, 3 if seen.is_color else 1)


def compete(name: str, asked: Contestant, task: Task, measure: Measuring, results: Path) -> None:
    """Run one contestant with one seed, and write its scores."""
    path = results / f"{name}-{task.seed}.json"
    if path.exists():
        print(f"{path} is there already", flush=True)
        return
    folder = results / "unfinished" / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    so_far = folder / "points.json"
    points: list[dict[str, Any]] = json.loads(so_far.read_text()) if so_far.exists() else []
    snapshots = plain_snapshots if asked.loop == "plain" else recipe_snapshots
    after = points[-1]["seconds"] if points else 0.0
    for seconds, images, draw in snapshots(asked, task, folder, after):
        points.append({"seconds": round(seconds, 1), "images": images, **measure(draw)})
        print(f"{name} {task.seed}: {points[-1]}", flush=True)
        save_image(sheet(draw(100)), path.with_suffix(".png"))
        so_far.write_text(json.dumps(points))
        if images >= task.images:
            break
    found = {
        "contestant": name,
        "seed": task.seed,
        "settings": {"recipe": asked.recipe, "loop": asked.loop, **asked.settings},
        "date": f"{date.today()}",
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "extractor": f"{measure.extractor.label} ({measure.extractor.about})",
        "count": measure.count,
        "floor": measure.floor,
        "points": points,
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder)


def contestants(data: str) -> dict[str, Contestant]:
    """All contestants of `contestants.yaml` for a dataset."""
    listed = yaml.safe_load((HERE / "contestants.yaml").read_text(encoding="utf-8"))[data]
    return {name: Contestant(**asked) for name, asked in listed.items()}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="mnist, cifar10 or emoji")
    parser.add_argument("names", nargs="+", metavar="CONTESTANT")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--first", type=float, default=10.0, help="seconds to the first scoring")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--source", help="images in place of the named dataset")
    parser.add_argument("--size", type=int, help="of the images, if not their own")
    parser.add_argument("--extractor", default="classifier", help="feature extractor")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    listed = contestants(asked.data)
    size = f"-{asked.size}px" if asked.size else ""
    folder = asked.results / f"{asked.data}{size}"
    folder.mkdir(parents=True, exist_ok=True)
    measure = None
    for seed in asked.seeds:
        for name in asked.names:
            one = listed[name]
            task = Task(
                asked.source or asked.data,
                asked.data_root,
                seed,
                60 * asked.minutes,
                asked.first,
                size=asked.size,
                device=asked.device,
            )
            dataset = open_data(task)
            measure = measure or Measuring(dataset, asked.extractor, device=asked.device)
            if one.epochs is not None:
                task = replace(task, images=one.epochs * len(dataset))
            compete(name, one, task, measure, folder)


if __name__ == "__main__":
    main()
