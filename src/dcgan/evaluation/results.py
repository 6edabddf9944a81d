"""Evaluations written into the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from dcgan.data.sources.paths import digest
from dcgan.evaluation.copying import Copying
from dcgan.evaluation.evaluator import Evaluation
from dcgan.metrics.registry import METRICS
from dcgan.render.quality import quality_curves
from dcgan.render.sheet import Row, save_image, stacked
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.scores import Measured, panel_of, write_best
from dcgan.runtime.files import write_json
from dcgan.runtime.wording import digits

_PAIR_SIDE = 96
"""Pixels of the longer side of an image on the sheet of nearest pairs."""


def keep_evaluation(folder: RunFolder, found: Evaluation, *, place: Path | None = None) -> Path:
    """Write an evaluation as JSON into the run's ``evaluations`` or ``place``; returns the file.

    If copies were searched for, the nearest images go into :func:`nearest_sheet`.
    """
    path = (place or folder.evaluations) / f"{found.checkpoint}-{_protocol(found)}.json"
    write_json(path, {"time": now(), **found.to_json()})
    if found.copying is not None:
        save_image(_pairs(found.copying), nearest_sheet(path))
    return path


def _pairs(copying: Copying) -> Image.Image:
    """Generated images above their training images, with distances: the nearest and typical."""
    real = copying.real_distance
    beside = "" if real is None else f" (held-out real images: {digits(real)} at the median)"
    rows = []
    for title, pairs in (
        (
            "generated images nearest to a training image (blank and repeated training images are"
            f" left out), with distance{beside}",
            copying.nearest,
        ),
        ("generated images at about the median distance", copying.typical),
    ):
        distances = [digits(distance) for distance in pairs.distances]
        rows += [
            Row(pairs.generated, title=title),
            Row(pairs.training, distances, title="the training images nearest to them"),
        ]
    return stacked(rows, len(copying.nearest.distances), side=_PAIR_SIDE)


def keep_all_evaluations(
    folder: RunFolder, found: Sequence[Evaluation], *, is_own: bool, place: Path | None = None
) -> Path:
    """Write the evaluations of all checkpoints, and plot them over images seen; returns the figure.

    They go into the run's ``evaluations`` or ``place``, with a JSON file of the figure's name. If
    the real images are the run's own and there is no ``place``, ``best.json`` names the best one.
    """
    figure = (place or folder.evaluations) / f"all-{_protocol(found[0])}.png"
    evaluations = [one.to_json() for one in found]
    write_json(figure.with_suffix(".json"), {"time": now(), "evaluations": evaluations})
    quality_curves(
        [
            panel_of({one.images_seen: one[metric.name] for one in found})
            for metric in METRICS
            if metric.axis is not None
        ],
        figure,
    )
    best = best_of(found)
    if is_own and place is None:
        entry = Measured(best.images_seen, best["frechet_distance"], best.checkpoint)
        write_best(folder, entry, by="evaluate --all")
    return figure


def _protocol(found: Evaluation) -> str:
    """Part of a file's name: different evaluations must have different files."""
    score = found.scores[0]
    extractor = score.extractor.replace(":", "-")
    name = f"{extractor}-{found.dataset}-{score.generated}-seed{score.seed}"
    if found.copying is None:
        return name
    return f"{name}-copies-{digest([found.copying.held_out])[:8]}"


def best_of(found: Sequence[Evaluation]) -> Evaluation:
    """The one with the lowest Fréchet distance."""
    return min(found, key=lambda one: one["frechet_distance"].value)


def nearest_sheet(path: Path) -> Path:
    """The sheet of the images nearest to training images, for an evaluation's JSON file."""
    return path.with_name(f"{path.stem}-nearest.png")
