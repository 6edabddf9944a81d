"""Means of the steps' statistics since the last log line, on the device."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dcgan.training.rules import Statistics


class RunningMeans:
    """Sums and counts of named scalars; a checkpoint keeps them, so that the log line after a
    resume averages the same steps as that of an unbroken run.

    Attributes
    ----------
    counts : dict of str to int
        How often each name was added. Not every step has every statistic.

    Examples
    --------
    >>> means = RunningMeans()
    >>> means.add({"loss": torch.tensor(1.0)})
    >>> means.add({"loss": torch.tensor(3.0)})
    >>> means.take()
    {'loss': tensor(2.)}
    >>> means.take()
    {}
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._sums: dict[str, Tensor] = {}

    def add(self, statistics: Statistics) -> None:
        """Add one step's statistics; nothing waits for the device."""
        for name, value in statistics.items():
            known = self._sums.get(name)
            self._sums[name] = value.clone() if known is None else known.add_(value)
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> Statistics:
        """The means, still on the device; afterwards everything is zero again."""
        means = {name: total / self.counts[name] for name, total in self._sums.items()}
        self._sums, self.counts = {}, {}
        return means

    def sums(self) -> dict[str, Tensor]:
        """What a checkpoint keeps in addition to :attr:`counts`."""
        return dict(self._sums)

    def restore(
        self, sums: Mapping[str, Tensor], counts: Mapping[str, int], device: torch.device
    ) -> None:
        """Continue from a checkpoint."""
        # cloned: a tensor read from a checkpoint is mapped from its file, and sums are added to
        self._sums = {name: sums[name].clone().to(device) for name in counts}
        self.counts = dict(counts)
