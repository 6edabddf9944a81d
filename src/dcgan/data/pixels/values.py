"""Images with more than 8 bits per channel: which of their values are black and white."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.pixels.remarks import remark
from dcgan.errors import DataError, UnreadableImage

Range = tuple[float, float]
"""The values that become black and white."""

Kind = Literal["integers", "floats"]

KINDS: tuple[Kind, ...] = ("integers", "floats")

SETTING: dict[Kind, str] = {"integers": "data.integer_range", "floats": "data.float_range"}

_WORDS: dict[Kind, str] = {"integers": "integers of more than 8 bits", "floats": "floats"}

_FULL_16: Range = (0.0, 65535.0)

_WHITES = (1, 255, 1023, 4095, 16383, 65535, 2**31 - 1)
"""White in masks, and in integers of 8, 10, 12, 14, 16 and 31 bits, as cameras and scanners write
them."""

_OVERSHOOT = 0.25
"""Resizing with a sharp filter exceeds black and white by up to a tenth at an edge, although the
range stays the same. Values may lie outside the range by this share of it."""

_DEEP, _FEW = 0.1, 0.05
"""Overshoot below 0 is less than a tenth of an image's brightest value in all but 5 % of the
pixels. Of images in -1 to 1, about half of the pixels are further below 0."""

_DIMMEST = 1 / 8
"""The brightest pixel of a dataset reaches at least this share of the range; if all pixels are
darker, the range is another one."""

_STRAYS = 0.05
"""At most this share of the images may have an unknown range; they are then skipped."""


def kind_of(mode: str) -> Kind | None:
    """The kind of values of one of Pillow's modes; None if they have 8 bits or fewer."""
    if mode == "F":
        return "floats"
    return "integers" if mode == "I" or mode.startswith("I;16") else None


@dataclass(frozen=True)
class Values:
    """The values that are black and white in a dataset.

    Parameters
    ----------
    integers, floats : (low, high), optional
        None: no image that was looked at has such values.
    """

    integers: Range | None = None
    floats: Range | None = None

    @classmethod
    def stored(cls, section: Mapping[str, Any]) -> Self | None:
        """Read from the section ``data`` of a run's configuration; None if it is too old."""
        names = [SETTING[kind].removeprefix("data.") for kind in KINDS]
        if any(name not in section for name in names):
            return None
        return cls(*(_parse(section[name]) for name in names))

    def knows(self, mode: str) -> bool:
        """Whether images of one of Pillow's modes can be converted."""
        kind = kind_of(mode)
        return kind is None or getattr(self, kind) is not None

    def to_gray(self, image: Image.Image) -> Image.Image:
        """Convert an image of 16-bit or 32-bit integers or of floats to 8-bit gray.

        Values outside the range become black or white, with a remark. Without a known range,
        16-bit images have the range 0 to 65535.

        Returns
        -------
        PIL.Image.Image
            Of mode L; LA if one value is transparent (``tRNS`` of a PNG).

        Raises
        ------
        UnreadableImage
            A value is infinite or not a number, or no range is known.
        """
        kind = kind_of(image.mode)
        assert kind is not None
        value_HW = _finite(image)
        limits: Range | None = getattr(self, kind)
        if limits is None and image.mode != "I" and kind == "integers":
            limits = _FULL_16
        if limits is None:
            raise UnreadableImage(
                f"one of few images with {_WORDS[kind]}, and which of its values are black and"
                f" white is unknown: set `{SETTING[kind]}`"
            )
        low, high = limits
        level_HW = (value_HW - low) * (255 / (high - low))
        if level_HW.size and (level_HW.min() < -0.5 or level_HW.max() > 255.5):
            remark(f"values outside {written(limits)} are black or white")
        gray = Image.fromarray(level_HW.clip(0, 255).round().astype(np.uint8))
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            opaque_HW = value_HW != transparent
            gray.putalpha(Image.fromarray(opaque_HW.astype(np.uint8) * np.uint8(255)))
        if "icc_profile" in image.info:
            gray.info["icc_profile"] = image.info["icc_profile"]
        return gray


UNKNOWN = Values()
"""For datasets with 8 bits per channel, which are most."""


@dataclass(frozen=True)
class Spread:
    """The range of the values of some images of one kind.

    Attributes
    ----------
    kind : {"integers", "floats"}
    low, high : float
        The least and the greatest value.
    below : float in [0, 1]
        Share of pixels that are too far below 0 for overshoot.
    pixels : int
    whole : bool
        All values are whole numbers.
    share : float in [0, 1]
        Share of images of this kind among those that were looked at.
    """

    kind: Kind
    low: float
    high: float
    below: float
    pixels: int
    whole: bool
    share: float = 1.0

    @classmethod
    def of(cls, image: Image.Image) -> Self:
        """The spread of one image.

        Raises
        ------
        UnreadableImage
            A value is infinite or not a number.
        """
        kind = kind_of(image.mode)
        assert kind is not None
        value_HW = _finite(image)
        return cls(
            kind=kind,
            low=float(value_HW.min()),
            high=float(value_HW.max()),
            below=float((value_HW < -_DEEP * max(0.0, value_HW.max())).mean()),
            pixels=value_HW.size,
            whole=bool((value_HW == np.rint(value_HW)).all()),
        )

    def with_(self, other: Self) -> Self:
        """The spread of both."""
        pixels = self.pixels + other.pixels
        return replace(
            self,
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            below=(self.below * self.pixels + other.below * other.pixels) / pixels,
            pixels=pixels,
            whole=self.whole and other.whole,
        )

    def range(self) -> Range | None:
        """Black and white, or None if the values do not tell.

        For floats 0 to 1, -1 to 1 or 0 to 255, which they may exceed by a quarter; for whole
        numbers 0 to 1, or to the white of 8, 10, 12, 14, 16 or 31 bits. The brightest pixel must
        reach an eighth of the range.
        """
        if self.low == self.high == 0:  # all black, whatever white is
            return (0.0, 1.0) if self.kind == "floats" else _FULL_16
        if self.kind == "integers" or (self.whole and self.high > 1):
            white = next((white for white in _WHITES if self.high <= white), None)
            if white is None or self.low < 0:
                return None
            return (0.0, float(white)) if self.high >= _DIMMEST * white else None
        for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
            most = _OVERSHOOT * (high - low)
            is_within = low - most <= self.low and _DIMMEST * high <= self.high <= high + most
            if is_within and (low < 0 or self.below < _FEW):
                return low, high
        return None

    @property
    def is_unknown(self) -> bool:
        """Whether the range must be set, since too many images need it."""
        return self.range() is None and self.share > _STRAYS

    def in_words(self) -> str:
        """Such as "floats from -0.1 to 1.08"."""
        return f"{_WORDS[self.kind]} from {self.low:g} to {self.high:g}"


def decided(spreads: Iterable[Spread], given: Values) -> Values:
    """The values of a dataset: those given, else those that its images show.

    Raises
    ------
    DataError
        Neither is known, for more images than may be skipped.
    """
    values = given
    for one in spreads:
        if getattr(given, one.kind) is not None:
            continue
        if one.is_unknown:
            raise DataError(
                f"images hold {one.in_words()}: which values are black and white is unknown."
                " Recognized are floats in 0 to 1, -1 to 1 or 0 to 255, and integers of 8, 10, 12,"
                f" 14 or 16 bits. Set the range, such as `{SETTING[one.kind]}={one.low:g}:"
                f"{one.high:g}`"
            )
        values = replace(values, **{one.kind: one.range()})
    return values


def written(limits: Range, between: str = " to ") -> str:
    """A range in words.

    >>> written((0.0, 4095.0))
    '0 to 4095'
    """
    return between.join(repr(value).removesuffix(".0") for value in limits)


def _parse(text: str) -> Range | None:
    if text == "auto":
        return None
    low, high = map(float, str(text).split(":"))
    return low, high


def _finite(image: Image.Image) -> NDArray[np.float64]:
    value_HW = np.asarray(image, dtype=np.float64)
    if image.mode == "F" and not np.isfinite(value_HW).all():
        raise UnreadableImage("holds values that are infinite or not a number")
    return value_HW
