"""Evaluations written into the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcgan.evaluation.evaluator import Evaluation
from dcgan.render.quality import Panel, quality_curves
from dcgan.render.sheet import captioned_rows, save_image
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.scores import Measured, write_best
from dcgan.runtime.files import write_json

_DRAWN = ("frechet_distance", "kernel_distance", "precision", "recall", "coverage")


def keep_evaluation(folder: RunFolder, found: Evaluation, *, place: Path | None = None) -> Path:
    """Write one evaluation, and the pictures nearest to the training pictures.

    Parameters
    ----------
    folder : RunFolder
    found : Evaluation
    place : path, optional
        The folder to write into; default the run's ``evaluations``.

    Returns
    -------
    Path
        The JSON file; beside it lies the sheet, where copies were looked for.
    """
    path = (place or folder.evaluations) / f"{found.checkpoint}-{_protocol(found)}.json"
    write_json(path, {"time": now(), **found.to_json()})
    if found.copying is not None:
        save_image(
            captioned_rows(
                {
                    "generated, nearest to a training picture": found.copying.generated,
                    "that training picture": found.copying.training,
                }
            ),
            nearest_sheet(path),
        )
    return path


def keep_all_evaluations(
    folder: RunFolder, found: Sequence[Evaluation], *, is_own: bool, place: Path | None = None
) -> Path:
    """Write the evaluations of all checkpoints, and draw them over images seen.

    Parameters
    ----------
    folder : RunFolder
    found : sequence of Evaluation
    is_own : bool
        Measured against what the run was trained on: then ``best.json`` names the best, unless
        all is written elsewhere.
    place : path, optional
        The folder to write into; default the run's ``evaluations``.

    Returns
    -------
    Path
        The drawing; beside it lies a JSON file.
    """
    stem = f"all-{_protocol(found[0])}"
    there = place or folder.evaluations
    write_json(
        there / f"{stem}.json",
        {"time": now(), "evaluations": [one.to_json() for one in found]},
    )
    panels = []
    for measure in _DRAWN:
        first = found[0][measure]
        title = f"{first.name}, {first.generated:,} generated and {first.real:,} real"
        values = {one.images_seen: one[measure].value for one in found}
        panels.append(Panel(title, values, first.floor, first.better))
    drawing = there / f"{stem}.png"
    quality_curves(panels, drawing)
    best = best_of(found)
    if is_own and place is None:
        entry = Measured(best.images_seen, best["frechet_distance"], best.checkpoint)
        write_best(folder, entry, by="evaluate --all")
    return drawing


def _protocol(found: Evaluation) -> str:
    """For a file's name: one evaluation must not take the place of another."""
    score = found.scores[0]
    extractor = score.extractor.replace(":", "-")
    return f"{extractor}-{found.dataset}-{score.generated}-seed{score.seed}"


def best_of(found: Sequence[Evaluation]) -> Evaluation:
    """The one with the least Fréchet distance."""
    return min(found, key=lambda one: one["frechet_distance"].value)


def nearest_sheet(path: Path) -> Path:
    """Where the pictures nearest to training pictures lie, beside an evaluation's JSON."""
    return path.with_name(f"{path.stem}-nearest.png")
