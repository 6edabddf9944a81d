"""A confusion matrix as a picture. Matplotlib is imported only to draw.

K classes
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.runtime.files import written_whole

_WITH_PERCENT = 14
_WITH_COUNTS = 32
"""Up to so many classes, a cell holds count and percentage; up to so many, the count; beyond it,
only cells of more than a percent of their row are numbered."""

_LONGEST_NAME = 16
_MOST_CLASSES = 200


def confusion_matrix(
    count_KK: NDArray[np.int64], names: Sequence[str], path: Path, *, title: str = ""
) -> None:
    """Draw how often each class (row) was taken for each class (column), as a PNG.

    A cell's shade is its share of its row, so that rare classes show as well as frequent ones;
    right answers are blue, wrong ones red.

    Parameters
    ----------
    count_KK : int64 (K, K)
    names : sequence of str
        Of the classes; long ones lose their middle.
    path : Path
        A ``.png``.
    title : str

    Raises
    ------
    DataError
        More classes than a picture can show.
    """
    from matplotlib.figure import Figure

    classes = len(names)
    if classes > _MOST_CLASSES:
        raise DataError(f"a confusion matrix of {classes} classes; at most {_MOST_CLASSES} show")
    share_KK = count_KK / np.maximum(1, count_KK.sum(axis=1, keepdims=True))
    cell = 0.62 if classes <= _WITH_PERCENT else 0.36 if classes <= _WITH_COUNTS else 0.26
    side = 2.2 + cell * max(classes, 5)
    figure = Figure(figsize=(side, side), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.imshow(_colours(share_KK))
    short = [name if len(name) <= _LONGEST_NAME else f"{name[:7]}…{name[-8:]}" for name in names]
    shown = 9 if classes <= _WITH_COUNTS else 6
    upright = max(map(len, short)) > (6 if classes <= _WITH_PERCENT else 2)
    axes.set_xticks(range(classes), short, fontsize=shown, rotation=90 if upright else 0)
    axes.set_yticks(range(classes), short, fontsize=shown)
    axes.set_xlabel("given class")
    numbers = "" if classes <= _WITH_COUNTS else " (numbers: per cent of it)"
    axes.set_ylabel(f"true class{numbers}")
    axes.set_title(title, fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for row, column in zip(*np.nonzero(count_KK), strict=True):
        text = _text(int(count_KK[row, column]), float(share_KK[row, column]), classes)
        ink = "white" if share_KK[row, column] > 0.5 else "#222222"
        axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=_size(classes))
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")


def _colours(share_KK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Right answers in blues, wrong ones in reds, (K, K, 3)."""
    from matplotlib import colormaps

    # the square root lifts confusions of a few per cent out of the white
    shade_KK = np.sqrt(share_KK)
    colours = colormaps["Reds"](shade_KK * 0.8)[:, :, :3]
    right = np.eye(len(share_KK), dtype=bool)
    colours[right] = colormaps["Blues"](shade_KK[right] * 0.8)[:, :3]
    colours[share_KK == 0] = 1
    found: NDArray[np.float64] = colours
    return found


def _text(count: int, share: float, classes: int) -> str:
    if classes <= _WITH_PERCENT:
        return f"{count:,}\n{_percent(share)}"
    if classes <= _WITH_COUNTS:
        return f"{count}"
    return f"{100 * share:.0f}" if share >= 0.01 else ""


def _percent(share: float) -> str:
    """One decimal below ten, so that 0.1 % is not 0 %.

    >>> _percent(0.001), _percent(0.5)
    ('0.1%', '50%')
    """
    return f"{100 * share:.1f}%" if share < 0.0995 else f"{100 * share:.0f}%"


def _size(classes: int) -> float:
    return 8 if classes <= _WITH_PERCENT else 6 if classes <= _WITH_COUNTS else 5
