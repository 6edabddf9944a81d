"""How to resume a run, for messages."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from dcgan.config import RunConfig
from dcgan.runs.dataset import FROM_PYTHON
from dcgan.runtime.shell import call
from dcgan.runtime.wording import duration
from dcgan.training.context import RunContext
from dcgan.training.state import TrainingState


def resume_call(folder: Path, config: RunConfig, **length: float) -> str:
    """The call that resumes a run, in backticks; ``minutes=…`` or ``images=…`` make it longer.

    Data and settings come from the run folder, except for images from a Python program.
    """
    if config.data.source == FROM_PYTHON:
        longer = "".join(f", {name}={value}" for name, value in length.items())
        return f"dcgan.train(images, out={str(folder)!r}, resume=True{longer})"
    return call("train", out=folder, resume=True, **length)


def twice_as_long(config: RunConfig, images_seen: int, seconds: float) -> dict[str, float]:
    """The length, in total, that doubles a run: in minutes if it was bounded by minutes."""
    if config.length.minutes is None:
        return {"images": 2 * images_seen}
    # a run ends with the step in which its time is over, a little later than asked for
    asked = config.length.minutes
    minutes = 2 * (asked if seconds / 60 < 1.2 * asked else seconds / 60)
    return {"minutes": round(minutes, 2) if minutes < 2 else ceil(minutes)}


def complete_already(run: RunContext, state: TrainingState) -> str:
    """A note for a resumed run that has its length already."""
    length = twice_as_long(run.config, state.images_seen, state.seconds)
    has = f"{state.images_seen:,} images"
    if run.config.length.minutes is not None:
        has += f" in {duration(state.seconds / 60)}"
    return (
        f"complete already, with {has}. Lengths count from the start of the run. For twice as"
        f" long: {resume_call(run.folder.path, run.config, **length)}"
    )
