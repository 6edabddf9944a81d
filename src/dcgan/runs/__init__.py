"""The run folder: layout, checkpoints, logs; opening a finished run without any training code."""

from dcgan.runs.folder import RunFolder
from dcgan.runs.run import Run, open_run

__all__ = ["Run", "RunFolder", "open_run"]


def __dir__() -> list[str]:
    return __all__
