"""When things are due, from images seen alone: pure, so that a resumed run does the same."""

from __future__ import annotations

from dataclasses import dataclass
from math import log


@dataclass(frozen=True)
class Every:
    """Due each time another ``images`` have been seen."""

    images: int

    def passed(self, before: int, after: int) -> bool:
        """Whether a due point lies in (before, after]."""
        return after // self.images > before // self.images


@dataclass(frozen=True)
class Geometric:
    """Due at ``first``, ``first · ratio``, ``first · ratio²``, …: dense early, sparse late."""

    first: int
    ratio: float

    @classmethod
    def spread(cls, first: int, last: int, count: int) -> Geometric:
        """So that the ``count`` points from first to last are evenly spaced in the logarithm."""
        if last <= first or count < 2:
            return cls(last, 2.0)
        # more points than images would lie so close that no number tells them apart
        return cls(first, (last / first) ** (1 / (min(count, last) - 1)))

    def passed(self, before: int, after: int) -> bool:
        """Whether a due point lies in (before, after]."""
        return self._points_up_to(after) > self._points_up_to(before)

    def _points_up_to(self, images: int) -> int:
        if images < self.first:
            return 0
        # the small addition forgives rounding where images is a due point exactly
        return 1 + int(log(images / self.first) / log(self.ratio) + 1e-9)
