"""A picture of any size made exactly the size the network works at."""

from __future__ import annotations

from typing import Literal

from PIL import Image, ImageColor

Fit = Literal["crop", "pad", "stretch", "cover-random"]
"""Cut the longer side about the centre; pad the shorter one; change the aspect; cut the longer side
anew, at random, each time the picture is shown."""

LONGEST_COVER = 4
"""A cover's longer side is at most this many times the size: of a panorama, the middle remains."""

_FILTER = Image.Resampling.BICUBIC
"""Pillow widens the filter when it shrinks, so this antialiases."""

_GAP = 12.0
"""What is shrunk more than 24 times is first averaged over whole blocks, to no less than 12 times
the size wanted. Of 9400×9400 pixels that takes 0.1 s in place of 0.9 s. On noise of every
coarseness, pixels differ by at most 1 level of 255 (with a gap of 8 by up to 4, at the edges)."""


def fit(
    image: Image.Image, size: tuple[int, int], how: Fit = "crop", background: str = "#ffffff"
) -> Image.Image:
    """Resize with antialiasing to exactly ``size``.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode L, LA, RGB or RGBA.
    size : (height, width)
    how : {"crop", "pad", "stretch", "cover-random"}
        The last is cut about the centre here, like "crop"; :func:`cover` keeps what it draws from.
    background : str
        ``#rrggbb`` of the padding.
    """
    height, width = size
    if (image.height, image.width) == size:
        return image
    if how == "stretch":
        return _resized(image, width, height)
    if how == "pad":
        return _pad(image, height, width, background)
    return _crop(image, height, width)


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Resize with antialiasing so that one side is as in ``size`` and the other at least so.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode L, LA, RGB or RGBA.
    size : (height, width)
    """
    height, width = size
    scale = min(image.width / width, image.height / height)
    covering = (
        max(height, min(LONGEST_COVER * height, round(image.height / scale))),
        max(width, min(LONGEST_COVER * width, round(image.width / scale))),
    )
    return fit(image, covering)


def _crop(image: Image.Image, height: int, width: int) -> Image.Image:
    scale = min(image.width / width, image.height / height)
    inner_width = max(1, round(width * scale))
    inner_height = max(1, round(height * scale))
    left = (image.width - inner_width) // 2
    top = (image.height - inner_height) // 2
    cut = image
    if (inner_width, inner_height) != image.size:  # else a copy of up to 350 MB
        # first: resize(box=) would let pixels from outside the box bleed in through the filter
        cut = image.crop((left, top, left + inner_width, top + inner_height))
    return _resized(cut, width, height)


def _pad(image: Image.Image, height: int, width: int, background: str) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    colour = ImageColor.getcolor(background, image.mode)
    canvas = Image.new(image.mode, (width, height), colour)
    canvas.paste(_resized(image, *inner), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), _FILTER, reducing_gap=_GAP)
