"""A confusion matrix as an image.

K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.runtime.files import written_whole

_WITH_PERCENT = 14
_WITH_COUNTS = 32
"""Up to so many classes, cells show the count and the percentage of their row. Up to
``_WITH_COUNTS``, they show the count; with more classes, percentages of at least 1."""

_LONGEST_NAME = 16
MOST_CLASSES = 200
"""With more, cells are too small to be seen."""


def confusion_matrix(
    count_KK: NDArray[np.int64], names: Sequence[str], path: Path, *, title: str = ""
) -> None:
    """Write how often each true class (row) was predicted as each class (column), as a PNG.

    The shade of a cell is its share of the row, so that rare classes are as visible as frequent
    ones. Correct predictions are blue, wrong ones red.

    Parameters
    ----------
    count_KK : int64 (K, K)
    names : sequence of str
        Names of the classes; the middle of long ones is left out. One with a letter that the font
        lacks is shown by its number.
    path : Path
        A ``.png``.
    title : str

    Raises
    ------
    DataError
        More than 200 classes.
    """
    from matplotlib.figure import Figure

    classes = len(names)
    if classes > MOST_CLASSES:
        raise DataError(f"confusion matrix of {classes} classes: at most {MOST_CLASSES} fit")
    share_KK = count_KK / np.maximum(1, count_KK.sum(axis=1, keepdims=True))
    cell = 0.62 if classes <= _WITH_PERCENT else 0.36 if classes <= _WITH_COUNTS else 0.26
    side = 2.2 + cell * max(classes, 5)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.imshow(_colors(share_KK))
    short = [_short(name) if _can_be_drawn(name) else f"№ {n}" for n, name in enumerate(names)]
    shown = 9 if classes <= _WITH_COUNTS else 6
    upright = max(map(len, short)) > (6 if classes <= _WITH_PERCENT else 2)
    # a name with dollar signs is no formula
    looks: dict[str, Any] = {"fontsize": shown, "parse_math": False}
    axes.set_xticks(range(classes), short, rotation=90 if upright else 0, **looks)
    axes.set_yticks(range(classes), short, **looks)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class" + (" (percent)" if classes > _WITH_COUNTS else ""))
    axes.set_title(title, fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    size = 8 if classes <= _WITH_PERCENT else 6 if classes <= _WITH_COUNTS else 5
    for row, column in zip(*np.nonzero(count_KK), strict=True):
        text = _text(int(count_KK[row, column]), float(share_KK[row, column]), classes)
        ink = "white" if share_KK[row, column] > 0.5 else "#222222"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=size)
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:7]}…{name[-8:]}"


def _can_be_drawn(text: str) -> bool:
    """Whether Matplotlib's font has all letters; it would draw the others as boxes, and warn."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties())).get_charmap().keys() >= set(map(ord, text))


def _colors(share_KK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct predictions in blues, wrong ones in reds, (K, K, 3)."""
    from matplotlib import colormaps

    # the square root makes shares of a few percent visible
    shade_KK = np.sqrt(share_KK) * 0.8
    is_right = np.eye(len(share_KK), dtype=bool)[:, :, None]
    color_KK3 = np.where(is_right, colormaps["Blues"](shade_KK), colormaps["Reds"](shade_KK))
    color_KK3[share_KK == 0] = 1
    return color_KK3[:, :, :3]


def _text(count: int, share: float, classes: int) -> str:
    """The text of a cell.

    >>> _text(2, 0.001, 10), _text(2, 0.001, 20), _text(2, 0.001, 99), _text(50, 0.5, 99)
    ('2\\n0.1%', '2', '', '50')
    """
    if classes <= _WITH_PERCENT:
        return f"{count:,}\n{100 * share:.{int(share < 0.0995)}f}%"
    if classes <= _WITH_COUNTS:
        return f"{count}"
    return f"{100 * share:.0f}" if share >= 0.01 else ""
