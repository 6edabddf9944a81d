"""Many images on one sheet.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dcgan.errors import DataError
from dcgan.runtime.files import StrPath, written_whole
from dcgan.runtime.memory import available_memory, in_words

_GAP = 2
_PAPER, _INK = 255, 34
_CAPTION, _FONT_SIZE = 15, 11
"""Pixels below an image for its caption."""

_LEGIBLE_SIDE = 64
"""Small images are enlarged by a whole factor until their larger side is about this long."""

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Of files that hold a sheet; a ``.webp`` may be one, or a film."""

_JPEG_QUALITY = 95

_MOST_SIDE = 16_000
"""PNG viewers and encoders give up on much larger sheets."""


def pillow_image(image_CHW: NDArray[np.uint8]) -> Image.Image:
    """One image (C, H, W) with 1 to 4 channels as a Pillow image."""
    pixels = np.moveaxis(image_CHW, 0, 2)
    return Image.fromarray(
        np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    )


def sheet(
    images_NCHW: NDArray[np.uint8],
    *,
    columns: int | None = None,
    enlarge: int | None = None,
    captions: Sequence[str] = (),
) -> Image.Image:
    """Images in reading order on white, with a gap between them.

    Parameters
    ----------
    images_NCHW : uint8 (N, C, H, W)
    columns : int, optional
        Default: about as many as rows.
    enlarge : int, optional
        Whole factor, nearest neighbour; default: until an image is about 64 pixels large.
    captions : sequence of str, optional
        One below each image.

    Raises
    ------
    DataError
        No images, or so many that no viewer would open the sheet.
    """
    count, channels, height, width = images_NCHW.shape
    below = _CAPTION if captions else 0
    columns, factor, shape = _layout(count, (height, width), columns, enlarge, below)
    cell = (height * factor + below + _GAP, width * factor + _GAP)
    paper = np.full((channels, *shape), _PAPER, dtype=np.uint8)
    large = images_NCHW.repeat(factor, axis=2).repeat(factor, axis=3)
    for index, image in enumerate(large):
        row, column = divmod(index, columns)
        top, left = row * cell[0] + _GAP, column * cell[1] + _GAP
        paper[:, top : top + image.shape[1], left : left + image.shape[2]] = image
    drawn = pillow_image(paper)
    pen, font = ImageDraw.Draw(drawn), caption_font(_FONT_SIZE)
    colours = channels - (channels % 2 == 0)
    ink = (_INK,) * colours + (255,) * (channels - colours)
    for index, caption in enumerate(captions):
        row, column = divmod(index, columns)
        place = (_GAP / 2 + (column + 0.5) * cell[1], (row + 1) * cell[0] - _GAP)
        pen.text(place, caption, fill=ink, font=font, anchor="ms")
    return drawn


def stacked(
    rows: Sequence[tuple[NDArray[np.uint8], Sequence[str]]],
    columns: int | None = None,
    *,
    enlarge: int | None = None,
) -> Image.Image:
    """Several rows of equally many images, one below the other, folded where they get long.

    Parameters
    ----------
    rows : sequence of (uint8 (N, C, H, W), captions)
        The first image of each row stands above that of the next.
    columns : int, optional
        After which all rows go on below; default: about as many as the sheet then has images in
        height.
    enlarge : int, optional
        As for :func:`sheet`.

    Raises
    ------
    DataError
        As for :func:`sheet`.
    """
    count = len(rows[0][0])
    columns = columns or max(1, ceil(sqrt(count)))
    blank = np.full_like(rows[0][0][:1], _PAPER)
    images, captions = [], []
    for start in range(0, count, columns):
        part = slice(start, start + columns)
        for row, texts in rows:
            missing = columns - len(row[part])
            images += [row[part], np.repeat(blank, missing, axis=0)]
            captions += [*texts[part], *[""] * missing]
    return sheet(np.concatenate(images), columns=columns, enlarge=enlarge, captions=captions)


def refuse_too_large(
    count: int, size: tuple[int, int], *, rows: int = 1, captions: bool = False
) -> None:
    """Raise ``DataError`` when a sheet of so many images of (height, width) would be too large.

    Parameters
    ----------
    count : int
    size : (height, width)
    rows : int
        Of which :func:`stacked` sets one above the other.
    captions : bool
    """
    columns = max(1, ceil(sqrt(count)))
    cells = count if rows == 1 else rows * columns * ceil(count / columns)
    _, _, shape = _layout(cells, size, columns, None, _CAPTION if captions else 0)
    room, needed = available_memory(), shape[0] * shape[1] + cells * size[0] * size[1]
    if room is not None and needed > room:
        raise DataError(
            f"a sheet of {count} images takes at least {in_words(needed)} of memory, and"
            f" {in_words(room)} is free; write a folder, .npz or .zip instead"
        )


def _layout(
    count: int,
    size: tuple[int, int],
    columns: int | None,
    enlarge: int | None,
    below: int = 0,
) -> tuple[int, int, tuple[int, int]]:
    """Columns, whole factor of enlargement, and (height, width) of the sheet."""
    if count == 0:
        raise DataError("a sheet needs at least one image")
    height, width = size
    columns = columns or ceil(sqrt(count))
    factor = enlarge or max(1, round(_LEGIBLE_SIDE / max(height, width)))
    shape = (
        ceil(count / columns) * (height * factor + below + _GAP) + _GAP,
        columns * (width * factor + _GAP) + _GAP,
    )
    if max(shape) > _MOST_SIDE:
        raise DataError(
            f"a sheet of {count} images would be {shape[1]}x{shape[0]} pixels, over {_MOST_SIDE};"
            " write a folder, .npz or .zip instead"
        )
    return columns, factor, shape


def save_image(image: Image.Image, path: StrPath) -> None:
    """Write a picture so that it is there whole or not at all; the suffix names the format.

    JPEG knows no transparency: it is laid on white. Raises ``DataError`` for a suffix of no format.
    """
    image_format = format_of(path)
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": _JPEG_QUALITY},
        "WEBP": {"lossless": True},
    }
    if image_format == "JPEG" and image.mode in ("LA", "RGBA"):
        image = on_white(image).convert(image.mode.removesuffix("A"))
    with written_whole(Path(path)) as unfinished:
        image.save(unfinished, format=image_format, **options.get(image_format, {}))


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB; transparent ones are laid on white."""
    if image.mode not in ("LA", "RGBA"):
        return image.convert("RGB")
    opaque = Image.new("RGBA", image.size, "white")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque.convert("RGB")


@cache
def caption_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans, which Matplotlib brings along: Pillow's own font lacks most accented letters."""
    found = find_spec("matplotlib")
    for folder in found.submodule_search_locations or [] if found else []:
        path = Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


def format_of(path: StrPath) -> str:
    """Pillow's name of the format that the suffix names; ``DataError`` where it names none."""
    path = Path(path)
    image_format = Image.registered_extensions().get(path.suffix.lower())
    if image_format is None:
        raise DataError(f"{path}: no picture format ends in {path.suffix!r}; take .png")
    return image_format
