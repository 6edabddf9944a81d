"""Images and texts on one sheet.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import ceil, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from dcgan.errors import DataError
from dcgan.runtime.files import StrPath, written_whole
from dcgan.runtime.memory import shortage

GAP = 2
"""Pixels between images of a sheet, and around them."""

_INK = "#222222"
_FONT_SIZE, _TITLE_SIZE = 11, 13
_BELOW_BASELINE = 2
"""Pixels of a row of text below its baseline."""

LEGIBLE_SIDE = 64
"""Small images are enlarged by a whole factor until their longer side is about this long."""

SUFFIXES = (".png", ".jpg", ".jpeg")
"""Suffixes of sheets; a ``.webp`` may be a sheet or an animation."""

_JPEG_QUALITY = 95

_TRANSPARENT = ("PNG", "TIFF", "WEBP")
"""Formats that keep the transparency of an image."""

_MOST_SIDE = 16_000
"""Pixels. Many viewers and encoders fail on much larger sheets."""

Cell = Image.Image | str | None
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def pillow_image(image_CHW: NDArray[np.uint8]) -> Image.Image:
    """One image (C, H, W) with 1 to 4 channels as a Pillow image."""
    pixels = np.moveaxis(image_CHW, 0, 2)
    return Image.fromarray(
        np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    )


def enlarged(
    image_CHW: NDArray[np.uint8],
    side: int | None = None,
    *,
    smooth: bool = False,
    about: int = LEGIBLE_SIDE,
) -> Image.Image:
    """One image (C, H, W), enlarged by nearest neighbor or, if ``smooth``, by Lanczos.

    Its longer side gets ``side`` pixels; default: a whole factor to about ``about`` pixels.
    """
    image = pillow_image(image_CHW)
    width, height = enlarged_size(image.size, side, about)
    if (width, height) == image.size:
        return image
    method = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return image.resize((width, height), method)


def enlarged_size(
    size: tuple[int, int], side: int | None = None, about: int = LEGIBLE_SIDE
) -> tuple[int, int]:
    """Width and height that :func:`enlarged` gives an image of this width and height."""
    factor = side / max(size) if side else max(1, round(about / max(size)))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def compose(
    rows: Sequence[Sequence[Cell]], *, font_size: int = _FONT_SIZE, is_centered: bool = True
) -> Image.Image:
    """A table of images and texts on white, with a gap of two pixels between them.

    Parameters
    ----------
    rows : sequence of sequence of Image, str or None
        None leaves a cell empty. Columns are as wide as their widest image. A text that is longer
        continues over empty cells on its right, and is shortened before the next text.
    font_size : int
    is_centered : bool
        Whether texts are centered in their column where they fit.
    """
    font = caption_font(font_size)
    modes = {cell.mode for row in rows for cell in row if isinstance(cell, Image.Image)}
    mode = modes.pop() if len(modes) == 1 else "RGB"
    widths = [0] * max(map(len, rows))
    heights = [0] * len(rows)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, Image.Image):
                widths[column] = max(widths[column], cell.width)
                heights[number] = max(heights[number], cell.height)
            elif cell:
                heights[number] = max(heights[number], font_size + _BELOW_BASELINE)
    lefts = [GAP + sum(widths[:column]) + GAP * column for column in range(len(widths) + 1)]
    ends = [
        lefts[column] + ceil(font.getlength(cell)) + GAP
        for row in rows
        for column, cell in enumerate(row)
        if isinstance(cell, str) and not any(row[column + 1 :])
    ]
    size = (max(lefts[-1], *ends, 0), sum(heights) + GAP * (len(rows) + 1))
    paper = Image.new(mode, size, ImageColor.getcolor("white", mode))
    pen, ink = ImageDraw.Draw(paper), ImageColor.getcolor(_INK, mode)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        right = size[0]
        for column in reversed(range(len(row))):
            cell, left = row[column], lefts[column]
            if isinstance(cell, Image.Image):
                paper.paste(cell if not modes else on_white(cell), (left, top))
            elif cell:
                text = _shortened(cell, font, right - left)
                right = left - GAP
                spare = widths[column] - font.getlength(text)
                start = left + max(0, spare / 2) if is_centered else left
                pen.text((start, top + font_size), text, fill=ink, font=font, anchor="ls")
        top += height + GAP
    return paper


def _shortened(text: str, font: Font, most: int) -> str:
    """As much of a text as fits into so many pixels."""
    if font.getlength(text) <= most:
        return text
    while text and font.getlength(text + "…") > most:
        text = text[:-1]
    return text + "…"


def sheet(
    images_NCHW: NDArray[np.uint8],
    *,
    columns: int | None = None,
    captions: Sequence[str] = (),
    side: int | None = None,
    smooth: bool = False,
) -> Image.Image:
    """Images in reading order, see :func:`stacked`."""
    return stacked([Row(images_NCHW, captions)], columns, side=side, smooth=smooth)


@dataclass(frozen=True)
class Row:
    """Images side by side on a sheet.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
    captions : sequence of str
        Below the images; there may be none.
    title : str
        Above the images.
    """

    images: NDArray[np.uint8]
    captions: Sequence[str] = ()
    title: str = ""


def stacked(
    rows: Sequence[Row],
    columns: int | None = None,
    *,
    side: int | None = None,
    smooth: bool = False,
) -> Image.Image:
    """Several rows of equally many images, one below the other, continued below if they are long.

    Parameters
    ----------
    rows : sequence of Row
        The i-th images of all rows are in one column.
    columns : int, optional
        Images side by side; default: about as many as N is high.
    side, smooth
        As for :func:`enlarged`; default: to about 64 pixels.

    Raises
    ------
    DataError
        No images, or a sheet that is too large for most viewers.
    """
    count, _, *size = rows[0].images.shape
    has_captions = all(row.captions for row in rows)
    columns = columns or ceil(sqrt(count))
    refuse_too_large(count, size, rows=len(rows), captions=has_captions, columns=columns, side=side)
    cells: list[Sequence[Cell]] = []
    for start in range(0, count, columns):
        for row in rows:
            if row.title:
                cells.append([row.title])
            part = row.images[start : start + columns]
            cells.append([enlarged(image, side, smooth=smooth) for image in part])
            if row.captions:
                cells.append(row.captions[start : start + columns])
    return compose(cells)


def refuse_too_large(
    count: int,
    size: Sequence[int],
    *,
    rows: int = 1,
    captions: bool = False,
    columns: int | None = None,
    side: int | None = None,
) -> None:
    """Raise ``DataError`` for a sheet that is too large for most viewers, or for the free memory.

    Parameters
    ----------
    count : int
        Images of a row of :func:`stacked`.
    size : (height, width)
        Of one image.
    rows : int
    captions : bool
        Whether all rows have captions.
    columns, side
        As for :func:`stacked`.
    """
    if count == 0:
        raise DataError("a sheet needs at least one image")
    columns = min(count, columns or ceil(sqrt(count)))
    height, width = enlarged_size((size[0], size[1]), side)
    below = captions * (_FONT_SIZE + _BELOW_BASELINE + GAP)
    high = rows * ceil(count / columns) * (height + below + GAP) + GAP
    wide = columns * (width + GAP) + GAP
    otherwise = "Use fewer images, or choose a folder, .npz or .zip as `out`"
    if max(high, wide) > _MOST_SIDE:
        raise DataError(
            f"a sheet of {count} images would be {wide}x{high} pixels; at most {_MOST_SIDE} per"
            f" side. {otherwise}"
        )
    lacking = shortage(high * wide + rows * count * size[0] * size[1])
    if lacking:
        raise DataError(f"a sheet of {count} images needs at least {lacking}. {otherwise}")


def captioned_rows(
    rows: Mapping[str, NDArray[np.uint8]], columns: int | None = None
) -> Image.Image:
    """Images below each other, each row under its title.

    Parameters
    ----------
    rows : mapping of str to uint8 (N, C, H, W)
        Title → images.
    columns : int, optional
        Images side by side; default all of a row.

    Raises
    ------
    DataError
        No rows.
    """
    if not rows:
        raise DataError("a comparison needs at least one row of images")
    cells: list[Sequence[Cell]] = []
    for title, images in rows.items():
        cells.append([title])
        across = columns or len(images)
        for start in range(0, len(images), across):
            cells.append([on_white(enlarged(one)) for one in images[start : start + across]])
    return compose(cells, font_size=_TITLE_SIZE, is_centered=False)


def save_image(image: Image.Image, path: StrPath) -> None:
    """Write an image atomically, in the format of the suffix.

    In a format without transparency, the background becomes white. Raises ``DataError`` for a
    suffix of no format.
    """
    image_format = format_of(path)
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": _JPEG_QUALITY},
        "WEBP": {"lossless": True},
    }
    if image_format not in _TRANSPARENT and image.mode in ("LA", "RGBA"):
        image = on_white(image).convert(image.mode.removesuffix("A"))
    with written_whole(Path(path)) as unfinished:
        image.save(unfinished, format=image_format, **options.get(image_format, {}))


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, on a white background."""
    if image.mode not in ("LA", "RGBA"):
        return image.convert("RGB")
    opaque = Image.new("RGBA", image.size, "white")
    opaque.alpha_composite(image.convert("RGBA"))
    return opaque.convert("RGB")


@cache
def caption_font(size: int) -> Font:
    """DejaVu Sans, a part of Matplotlib: Pillow's own font lacks most accented letters."""
    matplotlib = find_spec("matplotlib")
    assert matplotlib is not None and matplotlib.origin is not None
    path = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(path, size) if path.is_file() else ImageFont.load_default(size)


def format_of(path: StrPath) -> str:
    """Pillow's name of the suffix's format; ``DataError`` if it can write none of that suffix."""
    path = Path(path)
    image_format = Image.registered_extensions().get(path.suffix.lower())
    if image_format not in Image.SAVE:  # of some formats, such as .psd, it only reads images
        raise DataError(f"{path}: {path.suffix!r} is no image format to write. Use .png")
    return image_format
