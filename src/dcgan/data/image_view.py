"""What the network sees of an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import damage_named
from dcgan.data.pixels.draft import Draft
from dcgan.data.pixels.fit import cover, fit
from dcgan.data.pixels.remarks import listening
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.survey import values_of
from dcgan.data.sources.base import Source
from dcgan.data.sources.reach import patiently
from dcgan.vocabulary import Fit


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
        Black and white in images of more than 8 bits per channel; found from the source's images
        if not set.
    """

    size: tuple[int, int]
    channels: int
    how: Fit = "crop"
    background: str = "#ffffff"
    values: Values = UNKNOWN

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        return (self.channels, *self.size)

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.channels * self.size[0] * self.size[1]

    @property
    def is_ragged(self) -> bool:
        """Whether images are held larger than they are shown, in different sizes."""
        return self.how == "cover-random"

    def of(self, source: Source, index: int) -> NDArray[np.uint8]:
        """One image, uint8 (C, H, W); if the view is ragged, one side may be longer.

        Raises
        ------
        UnreadableImage
            With the reason.
        DataError
            It is out of reach after several tries; or which of the dataset's values are black and
            white is unknown.
        """
        return self.remarked(source, index)[0]

    def remarked(self, source: Source, index: int) -> tuple[NDArray[np.uint8], set[str]]:
        """One image as :meth:`of` returns it, and remarks on it."""
        with listening() as remarks:
            image = patiently(source, index, lambda: source.read(index, self.size))
            draft: Draft | None = image.info.get("draft")
            values = self.values
            if not values.knows(image.mode):
                values = values_of(source, values)
            with damage_named():  # some damage is only found when colors are converted
                image = to_channels(image, self.channels, self.background, values)
                if self.is_ragged:
                    fitted = cover(image, self.size, draft)
                else:
                    fitted = fit(image, self.size, self.how, self.background, draft)
                pixels = np.asarray(fitted)
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0), remarks

    def to_json(self) -> dict[str, Any]:
        """A dictionary for JSON."""
        return asdict(self) | {"size": list(self.size)}
