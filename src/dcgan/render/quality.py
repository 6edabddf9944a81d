"""Scores over images seen, with the real-image baseline and the best score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.render.curves import label_decades, label_images, new_figure, save_figure
from dcgan.runtime.wording import digits
from dcgan.vocabulary import AxisScale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LINE, _BASELINE, _BEST = "#2166ac", "#1b7837", "#b2182b"

_DECADES_APART = 5.0
"""A logarithmic axis needs a higher ratio of the largest to the smallest value."""


@dataclass(frozen=True)
class Panel:
    """One metric.

    Parameters
    ----------
    title : str
        The metric, and the images that it was computed on.
    values : mapping of int to float
        Images seen → score; at least one.
    best : int
        Images seen at the best score.
    baseline : float, optional
        The real-image baseline, shown as a line.
    axis : {"linear", "log"}
        Log: only if the values are positive and far apart.
    """

    title: str
    values: Mapping[int, float]
    best: int
    baseline: float | None = None
    axis: AxisScale = "log"


def quality_curves(panels: Sequence[Panel], path: Path) -> None:
    """Write one panel per metric, below each other, as a ``.png``."""
    figure = new_figure(len(panels))
    rows = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
    for axes, panel in zip(rows[:, 0], panels, strict=True):
        _draw(axes, panel)
    label_images(rows[-1, 0])
    save_figure(figure, path)


def _draw(axes: Axes, panel: Panel) -> None:
    images = sorted(panel.values)
    numbers = [panel.values[one] for one in images]
    axes.plot(images, numbers, color=_LINE, linewidth=1.5, marker="o", markersize=3)
    axes.plot(
        [panel.best],
        [panel.values[panel.best]],
        color=_BEST,
        marker="o",
        linestyle="none",
        label=f"best: {digits(panel.values[panel.best], 4)} at {panel.best:,} images",
    )
    if panel.baseline is not None:
        label = f"real images: {digits(panel.baseline)}"
        axes.axhline(panel.baseline, color=_BASELINE, linewidth=1, linestyle="--", label=label)
    is_wide = min(numbers) > 0 and max(numbers) > _DECADES_APART * min(numbers)
    if is_wide and panel.axis == "log":
        axes.set_yscale("log")
        label_decades(axes)
    axes.set_title(panel.title, fontsize=9)
    axes.legend(loc="best", frameon=False, fontsize=8)
