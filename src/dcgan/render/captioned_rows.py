"""The same pictures in several versions, one captioned row each.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dcgan.errors import DataError
from dcgan.render.sheet import caption_font, on_white, sheet

_PAPER, _INK = "#ffffff", "#222222"
_CAPTION_HEIGHT, _FONT_SIZE, _MARGIN = 20, 13, 4


def captioned_rows(
    rows: Mapping[str, NDArray[np.uint8]], columns: int | None = None
) -> Image.Image:
    """Sheets below each other, each under its caption.

    Parameters
    ----------
    rows : mapping of str to uint8 (N, C, H, W)
        Caption → images.
    columns : int, optional
        Images side by side; default all of a row.

    Raises
    ------
    DataError
        Nothing to draw.
    """
    if not rows:
        raise DataError("a comparison needs at least one row")
    font = caption_font(_FONT_SIZE)
    sheets = {
        caption: on_white(sheet(images, columns=min(len(images), columns or len(images))))
        for caption, images in rows.items()
    }
    widths = [part.width for part in sheets.values()]
    widths += [round(font.getlength(caption)) + 2 * _MARGIN for caption in sheets]
    height = sum(part.height + _CAPTION_HEIGHT for part in sheets.values())
    paper = Image.new("RGB", (max(widths), height), _PAPER)
    draw = ImageDraw.Draw(paper)
    top = 0
    for caption, part in sheets.items():
        draw.text((_MARGIN, top + _MARGIN), caption, fill=_INK, font=font)
        paper.paste(part, (0, top + _CAPTION_HEIGHT))
        top += _CAPTION_HEIGHT + part.height
    return paper
