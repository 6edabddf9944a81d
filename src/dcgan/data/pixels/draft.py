"""A JPEG decoded at a fraction of its size: where its pixels are in the full image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

SIDEWAYS = {5, 6, 7, 8}
"""EXIF orientations that exchange height and width."""

_FROM_THE_RIGHT, _FROM_THE_BOTTOM = {2, 3, 7, 8}, {3, 4, 6, 7}
"""EXIF orientations whose upright image begins at the stored image's right or bottom edge."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True)
class Draft:
    """How an upright image decoded at 1/2, 1/4 or 1/8 of its size covers the full image.

    Such an image holds its draft in ``image.info["draft"]``.

    A decoder rounds the sides up, so the last row and column of a draft cover fewer pixels of the
    full image than the others. After turning the image upright, they may be the first.

    Parameters
    ----------
    by : {2, 4, 8}
        Pixels of the full image along one side of a draft's pixel.
    height, width : int
        Of the full image, upright.
    top, left : float
        Where the full image begins, in pixels of the draft.
    """

    by: int
    height: int
    width: int
    top: float
    left: float

    @classmethod
    def of(cls, size: tuple[int, int], by: int, orientation: int) -> Self:
        """The draft of an image stored as (width, height) with an EXIF orientation of 1 to 8."""
        width, height = size
        right, bottom = (-(-side // by) - side / by for side in size)
        left = right if orientation in _FROM_THE_RIGHT else 0.0
        top = bottom if orientation in _FROM_THE_BOTTOM else 0.0
        if orientation in SIDEWAYS:
            return cls(by, width, height, left, top)
        return cls(by, height, width, top, left)

    def box(self, box: Box) -> Box:
        """A box of the full image in pixels of the draft."""
        left, top, right, bottom = (edge / self.by for edge in box)
        return self.left + left, self.top + top, self.left + right, self.top + bottom
