"""Which checkpoints a run has because of its images seen, and which because of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from dcgan.config import RunConfig, resolved
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.folder import RunFolder
from dcgan.runs.scores import read_scores


@dataclass(frozen=True)
class PlannedCheckpoints:
    """The checkpoints that an uninterrupted run of the same settings has on any machine.

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

    @classmethod
    def of(cls, config: RunConfig) -> Self:
        """Those of a resolved configuration."""
        return cls(resolved(config.records.checkpoint_every), resolved(config.optim.batch))

    def is_due(self, images_seen: int) -> bool:
        """Whether the step to so many images passed a multiple of ``every``."""
        return images_seen // self.every > (images_seen - self.batch) // self.every

    def others(self, folder: RunFolder) -> list[str]:
        """Names of the checkpoints that are neither due nor were among the best when scored."""
        measured = {one.checkpoint for one in read_scores(folder)}
        names = [path.name for path in list_checkpoints(folder.checkpoints)]
        return [name for name in names if name not in measured and not self.is_due(int(name))]
