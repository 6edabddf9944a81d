"""Which checkpoints belong to a run by its images seen, and which to the course of time."""

from __future__ import annotations

from dataclasses import dataclass

from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import read_scores
from dcgan.training.planning.triggers import Every


@dataclass(frozen=True)
class PlannedCheckpoints:
    """The checkpoints that an unbroken run of the same settings has on any machine.

    Others are saved because time has passed or a signal came. A resume needs the newest of them;
    nothing else may depend on them.

    Parameters
    ----------
    every : int
        Images between checkpoints.
    batch : int
        Images per step.
    """

    every: int
    batch: int

    def is_due(self, images_seen: int) -> bool:
        """Whether the step to so many images passed a multiple of ``every``."""
        return Every(self.every).passed(images_seen - self.batch, images_seen)

    def others(self, folder: RunFolder) -> list[str]:
        """Names of the checkpoints that are neither due nor among the best when measured."""
        measured = {one.checkpoint for one in read_scores(folder)}
        names = [path.name for path in list_checkpoints(folder.checkpoints)]
        return [name for name in names if name not in measured and not self.is_due(int(name))]
