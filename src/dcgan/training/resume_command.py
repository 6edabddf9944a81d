"""How a run is resumed, as messages tell it."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from dcgan.config import RunConfig
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runtime.shell import command
from dcgan.training.state import TrainingState


def resume_call(folder: Path, config: RunConfig, **length: float) -> str:
    """What to type to resume a run, with ``minutes=…`` or ``images=…`` where it shall be longer.

    Data and settings come from the run folder, but for images that a Python program gave.
    """
    if config.data.source == FROM_PYTHON:
        longer = "".join(f", {name}={value}" for name, value in length.items())
        return f"dcgan.train(images, out={str(folder)!r}, resume=True{longer})"
    words = [word for name, value in length.items() for word in (f"--{name}", str(value))]
    return command("train", "--out", folder, "--resume", *words)


def twice_as_long(config: RunConfig, images_seen: int, seconds: float) -> dict[str, float]:
    """The length, in total, that doubles a run: in minutes where it was bounded by minutes."""
    if config.length.minutes is None:
        return {"images": 2 * images_seen}
    # a run ends with the step in which its time is over, a little later than was asked for
    asked = config.length.minutes
    minutes = 2 * (asked if seconds / 60 < 1.2 * asked else seconds / 60)
    return {"minutes": round(minutes, 2) if minutes < 2 else ceil(minutes)}


def complete_already(folder: Path, config: RunConfig, state: TrainingState) -> str:
    """A note for who resumes a run that has its length."""
    length = twice_as_long(config, state.images_seen, state.seconds)
    has = f"{state.images_seen:,} images"
    if config.length.minutes is not None:
        has += f" in {state.seconds / 60:.3g} minutes"
    return (
        f"complete already, with {has}; lengths count from the start of the run. For twice as"
        f" long: {resume_call(folder, config, **length)}"
    )
