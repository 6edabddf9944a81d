"""Test the choices in a recipe: one change at a time, on the same number of images.

    python benchmarks/search.py mnist VARIANT [VARIANT ...] --images 150000
        [--seeds 0] [--size 64 --extractor random] [--data-root DIR] [--results DIR]
    python benchmarks/search.py mnist VARIANT [VARIANT ...] --cost     times steps, in turns
    python benchmarks/search.py mnist --images 150000                  prints the table

A variant is one change of `variants.yaml` on top of the recipe `auto`, or several joined by +. Each
trains once, to the end of its schedule, and is scored as in `time_to_quality.py`. Each variant and
seed adds one line to `results.jsonl` and writes one sheet; a result that is in the file is not run
again. The cost of an image is timed separately, in processor time of one thread: each variant runs
between two turns of the first one, and its time is divided by their mean. The median of many turns
counts, so that other work on the machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml
from averaged_steps import Lookahead, ScheduleFree, averaged_steps
from class_norms import class_norms
from easy_first import easy_first
from found_classes import clusters
from frozen_features import frozen_features
from muon import muon
from one_stage import one_stage
from one_stage import update as one_stage_update
from shortcuts import AddsImages, Excited, Residual, shortcuts
from time_to_quality import HERE, Contestant, Measuring, Task, configuration, open_data

import dcgan
from dcgan.config import merge
from dcgan.config.tree import resolved
from dcgan.layer_tables import resolve_networks
from dcgan.render.sheet import save_image, sheet
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.planning.classes import with_classes
from dcgan.training.planning.clusters import find_clusters, label_clusters
from dcgan.training.rules import Batch
from dcgan.training.step import update
from dcgan.vocabulary import CLUSTERS

_FILE = "results.jsonl"
"""All results, one a line; ``data`` names the dataset and the length, or ``costs-DATASET``."""

LOOPS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "one-stage": one_stage,
    "frozen-features": frozen_features,
    "frozen-random": partial(frozen_features, is_random=True),
    "parts-of-classes": partial(clusters, 4, by_pixels=True, of_each_class=True),
    "feature-classes-10": partial(clusters, 10, by_pixels=False),
    "feature-classes": partial(clusters, 40, by_pixels=False),
    "class-norms": class_norms,
    "muon": partial(muon, momentum=0.9, scale=0.2),
    "muon-0.5": partial(muon, momentum=0.9, scale=0.5),
    "muon-without-momentum": partial(muon, momentum=0.0, scale=0.5),
    "easy-first": easy_first,
    "lookahead": partial(averaged_steps, Lookahead),
    "schedule-free": partial(averaged_steps, ScheduleFree),
    "residual": partial(shortcuts, Residual),
    "images": partial(shortcuts, AddsImages),
    "excitation": partial(shortcuts, Excited),
}
"""What `loop` of a variant means: training and networks that the package does not have."""

_BRIEF = {
    "records": {"tensorboard": False, "sheets": 1, "keep": 1},
    "metrics": {"metric": "off"},
}


def variant(name: str) -> Contestant:
    """What a name of `variants.yaml` means, or several joined by +."""
    listed = yaml.safe_load((HERE / "variants.yaml").read_text(encoding="utf-8"))
    one = Contestant("auto")
    for change in name.split("+"):
        asked = listed[change]
        settings = merge(one.settings, asked.get("settings", {}))
        one = replace(one, **{**asked, "settings": settings})
    return one


class Turns:
    """One variant that trains some steps at a time."""

    def __init__(self, asked: Contestant, task: Task) -> None:
        device = torch.device("cpu")
        config, dataset = configuration(asked, task), open_data(task)
        if config.model.condition == CLUSTERS:
            label_clusters(dataset, find_clusters(dataset))
        networks = with_classes(resolve_networks(config), config, dataset)
        with LOOPS.get(asked.loop, nullcontext)():
            self._state = build_state(config, networks, device)
        self._batches = build_batches(config, networks, dataset, device)
        self._plan = build_plan(config, self._batches, networks.latent, device)
        self._update = one_stage_update if asked.loop == "one-stage" else update
        self._steps = self._train()

    def _train(self) -> Iterator[None]:
        state, latent = self._state, self._plan.rules.latent
        for real_BCHW, class_BK in self._batches.with_classes(0):
            self._plan.prepare(state)
            latent_BZ = latent.sample(self._batches.batch, state.latents)
            batch = Batch(real_BCHW, latent_BZ, class_BK)
            self._update(state.players, batch, self._plan.rules, self._plan.step_plan(state))
            state.images_seen += self._batches.batch
            state.discriminator_steps += 1
            yield

    def seconds(self, images: int) -> float:
        """Of processor time for one image, over a turn of so many."""
        steps = images // self._batches.batch
        began = time.process_time()
        for _ in range(steps):
            next(self._steps)
        return (time.process_time() - began) / (steps * self._batches.batch)


def costs(names: list[str], task: Task, images: int, turns: int = 11) -> dict[str, list[float]]:
    """Time of an image, as parts of the first one's: lower quartile, median and upper quartile.

    Each turn has so many images; 512 are whole rounds of lazy penalties for every batch size that
    is tried.
    """
    base, *trained = (Turns(variant(name), task) for name in (names[0], *names))
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns + 1):
        before = base.seconds(images)
        for name, one in zip(names, trained, strict=True):
            seconds, after = one.seconds(images), base.seconds(images)
            if turn > 0:  # the first is for warming up
                found[name].append(2 * seconds / (before + after))
            before = after
    return {name: [round(q, 3) for q in quantiles(ratios)] for name, ratios in found.items()}


def stored(folder: Path) -> list[dict[str, Any]]:
    """The results of one dataset and length, such as ``search/mnist-150000``, oldest first."""
    path = folder.with_name(_FILE)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [one for one in map(json.loads, lines) if one["data"] == folder.name]


def store(folder: Path, result: dict[str, Any]) -> None:
    """Add one result."""
    with folder.with_name(_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"data": folder.name, **result}, separators=(",", ":")) + "\n")


def try_one(
    name: str, asked: Contestant, task: Task, images: int, measure: Measuring, folder: Path
) -> None:
    """Train one variant with one seed, and store its scores."""
    if any((one["variant"], one["seed"]) == (name, task.seed) for one in stored(folder)):
        return
    with TemporaryDirectory() as temporary, LOOPS.get(asked.loop, nullcontext)():
        began = time.process_time()
        train = partial(dcgan.train, task.source, seed=task.seed, data_root=task.root)
        whole = merge(_BRIEF, merge({"length": {"images": images}}, asked.settings))
        start = Path(temporary) / "start" if asked.loop in STARTS else None
        if start is not None:
            first, then = STARTS[asked.loop](asked, task, images)
            train(recipe=asked.recipe, out=start, settings=merge(whole, first))
            whole = merge(whole, then)
        run = train(
            recipe=asked.recipe,
            out=Path(temporary) / "run",
            size=task.size,
            init=start,
            settings=whole,
        )
        trained = time.process_time()
        last = dcgan.open_run(run.path, checkpoint="last")
        found = {
            "variant": name,
            "seed": task.seed,
            "settings": {"recipe": asked.recipe, "loop": asked.loop, **asked.settings},
            "images": last.images_seen,
            "wall_seconds": run.log()[-1]["seconds"],
            "processor_seconds": round(trained - began, 1),
            **measure(lambda count: last.sample(count, seed=1)),
            "floor": measure.floor,
            "extractor": f"{measure.extractor.label} ({measure.extractor.about})",
            "date": f"{date.today()}",
            "torch": torch.__version__,
        }
        folder.mkdir(parents=True, exist_ok=True)
        save_image(sheet(last.sample(100, seed=1)), folder / f"{name}-{task.seed}.png")
    store(folder, found)
    print(f"{name} {task.seed}: FD {found['fd']:.3f}", flush=True)


def _small_batches(asked: Contestant, task: Task, images: int) -> _Parts:
    """A third of the images in batches of half the size."""
    batch = resolved(configuration(asked, task).optim.batch)
    first = {"length": {"images": images // 3}, "optim": {"batch": batch // 2}}
    return first, {"length": {"images": images - images // 3}}


def _coarse(asked: Contestant, task: Task, images: int) -> _Parts:
    """Half the size, without the layers at the image, for a third of the images; then all."""
    config = configuration(asked, task)
    height, width = config.data.size
    first = {
        "data": {"size": f"{height // 2}x{width // 2}"},
        "length": {"images": images // 3},
        "model": {
            "generator": {"width": 2 * config.model.generator.width},
            "discriminator": {"width": 2 * config.model.discriminator.width},
        },
    }
    return first, {}


_Parts = tuple[dict[str, Any], dict[str, Any]]

STARTS: dict[str, Callable[[Contestant, Task, int], _Parts]] = {
    "coarse": _coarse,
    "small-batches-first": _small_batches,
}
"""Loops in two parts, of which the second starts from the first: settings of both."""


def table(folder: Path) -> str:
    """All results as Markdown, best first."""
    by_name: dict[str, list[float]] = {}
    for one in sorted(stored(folder), key=lambda one: (one["variant"], one["seed"])):
        by_name.setdefault(one["variant"], []).append(one["fd"])
    costs_of = folder.with_name(f"costs-{folder.name.partition('-')[0]}")
    cost = {one["variant"]: one["cost"] for one in stored(costs_of)}
    lines = ["| variant | FD of each seed | relative time per image |", "|---|---|---|"]
    for name, values in sorted(by_name.items(), key=lambda item: median(item[1])):
        relative = f"{cost[name][1]:.2f}" if name in cost else ""
        lines.append(f"| `{name}` | {', '.join(f'{fd:.2f}' for fd in values)} | {relative} |")
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="mnist, or cifar10")
    parser.add_argument("names", nargs="*", metavar="VARIANT")
    parser.add_argument(
        "--cost",
        type=int,
        nargs="?",
        const=512,
        help="instead, time turns of this many images, compared with the first variant",
    )
    parser.add_argument("--images", type=int, default=150_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--source", help="images in place of the named dataset")
    parser.add_argument("--size", type=int, help="of the images, if not their own")
    parser.add_argument("--extractor", default="classifier", help="feature extractor")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "search")
    asked = parser.parse_args()
    torch.set_num_threads(1 if asked.cost else asked.threads)
    size = f"-{asked.size}px" if asked.size else ""
    folder = asked.results / f"{asked.data}{size}-{asked.images}"
    if not asked.names:
        print(table(folder))
    if asked.cost:
        task = Task(asked.source or asked.data, asked.data_root, 0, 0, 0)
        for name, ratios in costs(asked.names, task, asked.cost).items():
            store(asked.results / f"costs-{asked.data}", {"variant": name, "cost": ratios})
        return
    measure = None
    for seed in asked.seeds:
        for name in asked.names:
            task = Task(asked.source or asked.data, asked.data_root, seed, 0, 0, size=asked.size)
            measure = measure or Measuring(open_data(task), asked.extractor)
            try_one(name, variant(name), task, asked.images, measure, folder)


if __name__ == "__main__":
    main()
