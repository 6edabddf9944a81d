"""The paper's figure of latent arithmetic: exemplars, means, and what their sum looks like.

K exemplars · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dcgan.render.animation import enlarged
from dcgan.render.sheet import caption_font, on_white

_PAPER, _INK, _FAINT = "#ffffff", "#222222", "#888888"
_SIDE, _GAP, _MARGIN, _SIGN = 64, 4, 12, 34
_FONT, _LARGE = 13, 26


@dataclass(frozen=True)
class Column:
    """One concept: its sign, its name, its exemplars and the image of their mean."""

    sign: str
    name: str
    exemplars_KCHW: NDArray[np.uint8]
    mean_CHW: NDArray[np.uint8]


def equation(
    columns: Sequence[Column],
    result_9CHW: NDArray[np.uint8],
    control_CHW: NDArray[np.uint8],
    nearest: tuple[NDArray[np.uint8], str] | None = None,
) -> Image.Image:
    """The figure as one picture.

    Parameters
    ----------
    columns : sequence of Column
    result_9CHW : uint8 (9, C, H, W)
        Neighbours with the result itself fifth: the centre of three by three.
    control_CHW : uint8 (C, H, W)
        The same sum in pixels.
    nearest : (uint8 (C, H, W), str), optional
        The real picture nearest to the result, and what stands beside it.
    """
    font, large = caption_font(_FONT), caption_font(_LARGE)
    first = enlarged(control_CHW, _SIDE)
    width, height = first.width + _GAP, first.height + _GAP
    rows = max(3, *(len(column.exemplars_KCHW) for column in columns))
    top = _MARGIN + _FONT + 2 * _GAP
    below = top + rows * height + 2 * _GAP
    right = _MARGIN + len(columns) * (_SIGN + width) + _SIGN
    text_width = max(round(font.getlength(column.name)) for column in columns)
    paper = Image.new(
        "RGB",
        (
            right + 3 * width + _MARGIN + max(0, text_width - 3 * width),
            below + (1 if nearest is None else 2) * height + _MARGIN,
        ),
        _PAPER,
    )
    pen = ImageDraw.Draw(paper)

    def put(image_CHW: NDArray[np.uint8], left: int, upper: int) -> None:
        paper.paste(on_white(enlarged(image_CHW, _SIDE)), (left, upper))

    left = _MARGIN
    for column in columns:
        middle = (left + _SIGN // 2, below + height // 2)
        pen.text(middle, column.sign, fill=_INK, font=large, anchor="mm")
        left += _SIGN
        caption = _shortened(column.name, font, width + _SIGN - _GAP)
        pen.text((left, _MARGIN), caption, fill=_INK, font=font)
        for row, image_CHW in enumerate(column.exemplars_KCHW):
            put(image_CHW, left, top + row * height)
        put(column.mean_CHW, left, below)
        left += width
    pen.line([(_MARGIN + _SIGN, below - _GAP), (left - _GAP, below - _GAP)], fill=_FAINT)
    pen.text((left + _SIGN // 2, below + height // 2), "=", fill=_INK, font=large, anchor="mm")
    pen.text((right, _MARGIN), "sum, and around it", fill=_INK, font=font)
    for number, image_CHW in enumerate(result_9CHW):
        row, across = divmod(number, 3)
        put(image_CHW, right + across * width, top + row * height)
    put(control_CHW, right + width, below)
    pen.text((right, below), "pixels:", fill=_FAINT, font=font)
    if nearest is not None:
        nearest_CHW, caption = nearest
        put(nearest_CHW, right + width, below + height)
        pen.text((right, below + height), caption.replace(", ", "\n"), fill=_FAINT, font=font)
    return paper


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, most: int) -> str:
    """As much of a text as fits into so many pixels."""
    if font.getlength(text) <= most:
        return text
    while text and font.getlength(text + "…") > most:
        text = text[:-1]
    return text + "…"
