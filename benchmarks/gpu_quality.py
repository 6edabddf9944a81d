"""The parts of `gpu.sh` about quality over time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import time_to_quality
from gpu_setup import Asked, Found, narrow, narrower, save_images

from dcgan.config import merge
from dcgan.data import open_source
from dcgan.errors import DataError
from dcgan.render.sheet import save_image, sheet


def quality(asked: Asked, *, name: str) -> Iterator[Found]:
    """Scores over training time of `auto`, or of the plain loop with the paper's networks."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source, note = _images_to_learn(asked, folder)
        seconds = 0.05 if asked.quick else {"auto": 75.0, "plain": 45.0}[name]
        first = seconds if asked.quick else seconds / 4
        task = time_to_quality.Task(
            source, asked.data_root, 0, seconds, first, size=32, device=asked.device
        )
        dataset = time_to_quality.open_data(task)
        measure = time_to_quality.Measuring(
            dataset, "pretrained", count=32 if asked.quick else 10_000, device=asked.device
        )
        about = (
            f"{note}. FD of {measure.count:,} images on the features of `pretrained`;"
            f" {measure.count:,} other real images score {measure.floor:.3g}; lower is better. The"
            " clock does not run during evaluations."
        )
        rows = []
        for took, images, draw in _snapshots(name, asked, task, folder):
            fd = measure(draw)["fd"]
            rows.append({"seconds": took, "images": images, "images/s": images / took, "FD": fd})
            save_image(sheet(draw(64)), asked.out / f"quality-{name}.png")
            yield {"about": about, "rows": rows}


def _images_to_learn(asked: Asked, folder: Path) -> tuple[str, str]:
    """What was asked for if it is there, else shapes; and which, in words."""
    if asked.quick:
        pixels = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)
        save_images(pixels, folder / "images")
        return str(folder / "images"), "Random images"
    try:
        open_source(asked.images, asked.data_root)
    except DataError as error:
        return "shapes", f"`shapes`, because of {str(error).partition('. ')[0]}"
    return asked.images, f"`{asked.images}`"


def _snapshots(
    name: str, asked: Asked, task: time_to_quality.Task, folder: Path
) -> Iterator[tuple[float, int, time_to_quality.Draw]]:
    small: dict[str, Any] = {"data": {"size": 32}}
    if asked.quick:
        small["data"]["cache"] = "off"
        small |= {"optim": {"batch": 4}, "precision": "fp32", "threads": 1}
    if name == "auto":
        if asked.quick:
            small["model"] = narrow("auto")["model"]
        entered = time_to_quality.Contestant("auto", settings=small)
        return time_to_quality.recipe_snapshots(entered, task, folder, 0.0)
    entered = time_to_quality.contestants("cifar10")["paper-32"]
    settings = merge(entered.settings, small)
    if asked.quick:
        settings = merge(settings, {"model": narrower(entered.settings["model"])})
    entered = replace(entered, loop="plain", settings=settings)
    return time_to_quality.plain_snapshots(entered, task, folder, 0.0)
