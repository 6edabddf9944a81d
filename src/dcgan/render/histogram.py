"""Histograms of image sizes and aspect ratios.

N images
"""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHTS, _WIDTHS, _ASPECTS = "#2a78b5", "#e08a2e", "#3f9b74"
_INK = "#808080"
"""Readable on white and on black: the figure is transparent."""

_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")

_BINS = 40


def size_histograms(sizes_N2: NDArray[np.int64]) -> str:
    """Two histograms as SVG: heights and widths; and aspect ratios (width / height).

    Parameters
    ----------
    sizes_N2 : int64 (N, 2)
        (height, width) of every image.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    style: dict[Any, Any] = dict.fromkeys(_INKED, _INK)
    with rc_context(style | {"font.size": 9, "svg.hashsalt": "dcgan"}):
        figure = Figure(figsize=(9, 2.6), layout="constrained")
        figure.patch.set_alpha(0)
        sides, aspects = figure.subplots(1, 2)
        heights, widths = sizes_N2.T.astype(np.float64)
        _histogram(sides, {"height": (heights, _HEIGHTS), "width": (widths, _WIDTHS)})
        sides.set_xlabel("pixels")
        sides.legend(frameon=False)
        _histogram(aspects, {"aspect": (widths / heights, _ASPECTS)})
        aspects.set_xlabel("width / height")
        sides.set_ylabel("images")
        drawing = StringIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None})
    return drawing.getvalue()


def _histogram(axes: Axes, samples: dict[str, tuple[NDArray[np.float64], str]]) -> None:
    """Overlaid, with bins of equal ratio on a logarithmic axis."""
    together = np.concatenate([values for values, _ in samples.values()])
    low, high = together.min(), together.max()
    if high < 1.2 * low:  # nearly equal: show one bar in the middle
        low, high = low / 1.5, high * 1.5
    bins = np.geomspace(low * 0.98, high * 1.02, _BINS + 1)
    for name, (values, color) in samples.items():
        axes.hist(values, bins=bins.tolist(), color=color, alpha=0.65, label=name)
    axes.set_xscale("log")
    axes.patch.set_alpha(0)
    axes.spines[["top", "right"]].set_visible(False)
    ticks = _ticks(float(bins[0]), float(bins[-1]))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most eight."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 1.2, 1.5, 2, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [s * 10.0**d for d in decades for s in steps if low <= s * 10.0**d <= high]
        if len(ticks) <= 8:
            return [round(tick, 6) for tick in ticks]
    return []
