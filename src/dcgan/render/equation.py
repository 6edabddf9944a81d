"""The paper's figure of latent arithmetic: exemplars, their means, and the result.

K exemplars · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dcgan.render.sheet import Cell, caption_font, compose, enlarged, on_white

_SIDE, _SIGN_WIDTH, _SIGN_SIZE = 64, 34, 26


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
    """The figure as one image.

    Parameters
    ----------
    columns : sequence of Column
    result_9CHW : uint8 (9, C, H, W)
        The result in the center of three by three, and its neighbors.
    control_CHW : uint8 (C, H, W)
        The same sum in pixels.
    nearest : (uint8 (C, H, W), str), optional
        The real image nearest to the result, and its caption.
    """

    def large(image_CHW: NDArray[np.uint8]) -> Cell:
        return on_white(enlarged(image_CHW, _SIDE))

    def before(column: int) -> list[Cell]:
        return [None] * (2 * column + 1)

    across = len(columns)
    names: list[Cell] = [text for one in columns for text in (None, one.name)]
    rows: list[list[Cell]] = [[*names, None, "sum and neighbors"]]
    for number in range(max(3, *(len(one.exemplars_KCHW) for one in columns))):
        row = before(across)
        for column, one in enumerate(columns):
            if number < len(one.exemplars_KCHW):
                row[2 * column + 1] = large(one.exemplars_KCHW[number])
        around = result_9CHW[3 * number : 3 * number + 3]
        rows.append([*row, *map(large, around)])
    means: list[Cell] = [text for _ in columns for text in (None, "mean")]
    rows.append([*means, None, "sum of pixels"])
    shown = [cell for one in columns for cell in (_sign(one.sign), large(one.mean_CHW))]
    rows.append([*shown, _sign("="), large(control_CHW)])
    if nearest is not None:
        nearest_CHW, caption = nearest
        rows += [[*before(across), caption], [*before(across), large(nearest_CHW)]]
    return compose(rows)


def _sign(text: str) -> Image.Image:
    image = Image.new("RGB", (_SIGN_WIDTH, _SIDE), "white")
    place = (_SIGN_WIDTH // 2, _SIDE // 2)
    ImageDraw.Draw(image).text(
        place, text, fill="#222222", font=caption_font(_SIGN_SIZE), anchor="mm"
    )
    return image
