"""Metrics over images seen, with the real-image baseline and the best point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.render.curves import label_decades, new_figure, save_figure
from dcgan.vocabulary import Better

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE, _BASELINE, _BEST = "#2166ac", "#1b7837", "#b2182b"

_DECADES_APART = 5.0
"""Axes are logarithmic if the ratio of largest to smallest value is higher."""


@dataclass(frozen=True)
class Panel:
    """One metric.

    Parameters
    ----------
    title : str
    values : mapping of int to float
        Images seen → value; at least one.
    floor : float, optional
        The real-image baseline, shown as a line.
    better : {"lower", "higher", "zero", "real"}
    """

    title: str
    values: Mapping[int, float]
    floor: float | None = None
    better: Better = "lower"


def quality_curves(panels: Sequence[Panel], path: Path) -> None:
    """Write one panel per metric, below each other, as a ``.png``."""
    figure = new_figure(len(panels), titled=True)
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
    for axes, panel in zip(rows[:, 0], panels, strict=True):
        _draw(axes, panel)
    rows[-1, 0].set_xlabel("images seen")
    save_figure(figure, path)


def _draw(axes: Axes, panel: Panel) -> None:
    images = sorted(panel.values)
    numbers = [panel.values[one] for one in images]
    best = min(images, key=lambda one: _badness(panel, one))
    axes.plot(images, numbers, color=_LINE, linewidth=1.5, marker="o", markersize=3)
    axes.plot(
        [best],
        [panel.values[best]],
        color=_BEST,
        marker="o",
        linestyle="none",
        label=f"best: {panel.values[best]:.4g} at {best:,} images",
    )
    if panel.floor is not None:
        label = f"real images: {panel.floor:.3g}"
        axes.axhline(panel.floor, color=_BASELINE, linewidth=1, linestyle="--", label=label)
    # metrics for which higher is better are shares, which end at 1
    is_wide = min(numbers) > 0 and max(numbers) > _DECADES_APART * min(numbers)
    if is_wide and panel.better == "lower":
        axes.set_yscale("log")
        label_decades(axes)
    axes.set_title(panel.title, fontsize=9)
    axes.legend(loc="best", frameon=False, fontsize=8)


def _badness(panel: Panel, images: int) -> float:
    value = panel.values[images]
    aim = panel.floor or 0.0 if panel.better == "real" else 0.0
    if panel.better in {"zero", "real"}:
        return abs(value - aim)
    return -value if panel.better == "higher" else value
