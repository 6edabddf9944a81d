"""What the network sees of a picture."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import damage_named
from dcgan.data.pixels.draft import Draft
from dcgan.data.pixels.fit import cover, fit
from dcgan.data.pixels.remarks import listening
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.survey import values_of
from dcgan.data.sources.base import Source
from dcgan.errors import DataError, OutOfReach
from dcgan.vocabulary import Fit

_PAUSES = (0.2, 1.0, 3.0)
"""Seconds before what is out of reach is asked for again."""


@dataclass(frozen=True)
class View:
    """Size, channels and fit.

    Parameters
    ----------
    size : (height, width)
    channels : 1 to 4
        See :func:`dcgan.data.pixels.color.to_channels`.
    how, background
        See :func:`dcgan.data.pixels.fit.fit`.
    values : Values
        Black and white in images of more than 8 bits per channel; what is not given, the source's
        images tell.
    """

    size: tuple[int, int]
    channels: int
    how: Fit = "crop"
    background: str = "#ffffff"
    values: Values = UNKNOWN

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one picture."""
        return (self.channels, *self.size)

    @property
    def image_bytes(self) -> int:
        """Bytes of one picture."""
        return self.channels * self.size[0] * self.size[1]

    @property
    def is_ragged(self) -> bool:
        """Whether pictures are held larger than they are shown, each in a size of its own."""
        return self.how == "cover-random"

    def of(self, source: Source, index: int) -> NDArray[np.uint8]:
        """One picture, uint8 (C, H, W); where the view is ragged, one side may be longer.

        Raises
        ------
        UnreadableImage
            With the reason.
        DataError
            It cannot be had, and not a little later either; or the dataset does not tell which of
            its values are black and white.
        """
        return self.remarked(source, index)[0]

    def remarked(self, source: Source, index: int) -> tuple[NDArray[np.uint8], set[str]]:
        """One picture as :meth:`of` gives it, and what is worth saying about it."""
        with listening() as remarks:
            image = _read(source, index, self.size)
            draft = Draft.found(image)
            values = self.values
            if not values.knows(image.mode):
                values = values_of(source, values)
            with damage_named():  # some damage only shows when the colours are converted
                image = to_channels(image, self.channels, self.background, values)
                if self.is_ragged:
                    fitted = cover(image, self.size, draft)
                else:
                    fitted = fit(image, self.size, self.how, self.background, draft)
                pixels = np.asarray(fitted)
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0), remarks

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self) | {"size": list(self.size)}


def _read(source: Source, index: int, at_least: tuple[int, int]) -> Image.Image:
    """One picture, asked for again where it was only out of reach."""
    for pause in (*_PAUSES, None):
        try:
            return source.read(index, at_least)
        except OutOfReach as error:
            if pause is None:
                raise DataError(
                    f"{source.name}: {source.title(index)} {error}; the same command goes on once"
                    " it can be had"
                ) from error
            time.sleep(pause)
    raise AssertionError
