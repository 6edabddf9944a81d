"""When things are due, from images seen alone, so that a resumed run does the same."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

_FORGIVEN = 1e-9
"""Added before a logarithm is rounded down: the number of images may be a due point exactly."""


@dataclass(frozen=True)
class Geometric:
    """Due at ``first``, ``first · ratio``, ``first · ratio²``, …: dense early, sparse late.

    Points that would be closer than ``apart`` images are this far apart instead.

    Examples
    --------
    >>> due = Geometric(first=10, ratio=2, apart=30)
    >>> [images for images in range(0, 300, 10) if due.passed(images - 10, images)]
    [10, 40, 80, 160]
    """

    first: int
    ratio: float
    apart: int

    @classmethod
    def spread(cls, first: int, last: int, count: int, apart: int) -> Geometric:
        """With ``count`` points from first to last, evenly spaced in the logarithm; fewer, where
        they would be closer than ``apart``."""
        if last <= first or count < 2:
            return cls(last, 2.0, apart)
        # more points than images would be too close for floats
        return cls(first, (last / first) ** (1 / (min(count, last) - 1)), apart)

    def passed(self, before: int, after: int) -> bool:
        """Whether a due point lies in (before, after]."""
        return self._points_up_to(after) > self._points_up_to(before)

    def _points_up_to(self, images: int) -> int:
        if images < self.first:
            return 0
        # from here on, the ratio makes larger steps than ``apart``
        wide = self.apart / (self.ratio - 1)
        even = max(0, ceil((wide - self.first) / self.apart - _FORGIVEN))
        grows_from = self.first + even * self.apart
        if images < grows_from:
            return 1 + (images - self.first) // self.apart
        return 1 + even + int(log(images / grows_from) / log(self.ratio) + _FORGIVEN)


@dataclass(frozen=True)
class Widening:
    """Due often at first, then at growing distances, and finally every ``every`` images.

    Parameters
    ----------
    first : float
        Images before the first due point, and the smallest distance between two.
    every : float
        The distance between due points from ``dense * every`` images on; at least ``first``.
    dense : int
        In between, each distance is 1/``dense`` of the images seen, so that any run of
        ``dense * first`` images or more has at least ``dense`` due points.
    sparse : int, optional
        From ``sparse * every`` images on, each distance is again 1/``sparse`` of the images seen.

    Examples
    --------
    >>> due = Widening(first=10, every=40, dense=1)
    >>> [images for images in range(0, 200, 10) if due.passed(images - 10, images)]
    [10, 20, 40, 80, 120, 160]
    """

    first: float
    every: float
    dense: int
    sparse: int | None = None

    def passed(self, before: int, after: int) -> bool:
        """Whether a due point lies in (before, after]."""
        return self._points_up_to(after) > self._points_up_to(max(0, before))

    def _points_up_to(self, images: float) -> int:
        if images < self.dense * self.first:
            return int(images // self.first)
        if images < self.dense * self.every:
            return self.dense + int(self._growths(images / self.first, self.dense) + _FORGIVEN)
        growths = ceil(self._growths(self.dense * self.every / self.first, self.dense) - _FORGIVEN)
        if self.sparse is None or images < self.sparse * self.every:
            return growths + int(images // self.every)
        later = self._growths(images / self.every, self.sparse)
        return growths + self.sparse + int(later + _FORGIVEN)

    def _growths(self, images: float, density: int) -> float:
        """How often ``density`` grows by 1/``density`` of itself until it is ``images``."""
        return log(images / density) / log(1 + 1 / density)
