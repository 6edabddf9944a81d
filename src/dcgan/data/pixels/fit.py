"""Resize an image of any size to exactly the size that the network uses."""

from __future__ import annotations

import math

from PIL import Image, ImageColor

from dcgan.data.pixels.draft import Box, Draft
from dcgan.vocabulary import Fit

LONGEST_COVER = 4
"""A cover's longer side is at most this many times ``size``: of a panorama, the middle remains."""

_FILTER = Image.Resampling.BICUBIC
"""Pillow widens the filter when it shrinks, so this antialiases."""

_GAP = 12.0
"""An image that shrinks more than 24 times is first averaged over whole blocks, to no less than 12
times the final size. For 9400×9400 pixels that takes 0.1 s instead of 0.9 s. On noise of every
coarseness, pixels differ by at most 1 of 255 levels (with a gap of 8 by up to 4, at the edges)."""


def fit(
    image: Image.Image,
    size: tuple[int, int],
    how: Fit = "crop",
    background: str = "#ffffff",
    draft: Draft | None = None,
) -> Image.Image:
    """Resize with antialiasing to exactly ``size``.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode L, LA, RGB or RGBA.
    size : (height, width)
    how : {"crop", "pad", "stretch", "cover-random"}
        Crop the longer side about the center; pad the shorter side; change the aspect; or, here,
        the same as "crop": :func:`cover` keeps what random crops are taken from.
    background : str, default "#ffffff"
        Color of the padding.
    draft : Draft, optional
        Of an image decoded at a fraction of its size: the result is that of the full image, as
        nearly as the decoded pixels allow.
    """
    height, width = size
    full = _full_size(image, draft)
    if draft is None and full == size:
        return image
    if how == "stretch":
        return _resize(image, (0, 0, full[1], full[0]), size, draft)
    if how != "pad":
        return _resize(image, _center_crop(full, size), size, draft)
    scale = min(width / full[1], height / full[0])
    inner = (max(1, round(full[0] * scale)), max(1, round(full[1] * scale)))
    canvas = Image.new(image.mode, (width, height), ImageColor.getcolor(background, image.mode))
    whole = _resize(image, (0, 0, full[1], full[0]), inner, draft)
    canvas.paste(whole, ((width - inner[1]) // 2, (height - inner[0]) // 2))
    return canvas


def cover(image: Image.Image, size: tuple[int, int], draft: Draft | None = None) -> Image.Image:
    """Resize with antialiasing so that one side equals ``size`` and the other is at least that.

    Parameters are those of :func:`fit`.
    """
    height, width = size
    full = _full_size(image, draft)
    scale = min(full[1] / width, full[0] / height)
    covering = (
        max(height, min(LONGEST_COVER * height, round(full[0] / scale))),
        max(width, min(LONGEST_COVER * width, round(full[1] / scale))),
    )
    return fit(image, covering, draft=draft)


def _full_size(image: Image.Image, draft: Draft | None) -> tuple[int, int]:
    """Height and width of the full image."""
    return (image.height, image.width) if draft is None else (draft.height, draft.width)


def _center_crop(full: tuple[int, int], size: tuple[int, int]) -> Box:
    """The largest box about the center of an image that has the aspect of ``size``."""
    scale = min(full[1] / size[1], full[0] / size[0])
    width, height = max(1, round(size[1] * scale)), max(1, round(size[0] * scale))
    left, top = (full[1] - width) // 2, (full[0] - height) // 2
    return left, top, left + width, top + height


def _resize(
    image: Image.Image, box: Box, size: tuple[int, int], draft: Draft | None
) -> Image.Image:
    """Resize a box of the full image to (height, width)."""
    left, top, right, bottom = box if draft is None else draft.box(box)
    outer = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
    inner = (left - outer[0], top - outer[1], right - outer[0], bottom - outer[1])
    if outer != (0, 0, *image.size):  # else a copy of up to 350 MB
        # crop first: in resize(box=), the filter would mix in pixels from outside the box
        image = image.crop(outer)
    return image.resize((size[1], size[0]), _FILTER, box=inner, reducing_gap=_GAP)
