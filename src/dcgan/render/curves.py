"""Training curves as images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcgan.runtime.files import written_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, Any]

_REAL, _BEFORE, _AFTER = "#1b7837", "#762a83", "#c2a5cf"
_D, _G = "#2166ac", "#b2182b"

_FEW_POINTS = 50
"""Shorter curves are not smoothed."""

_LEGEND_WIDTH = 1.5
"""Inches beside the panels."""

_WEIGHT = 0.9
"""Of the average so far, where a line is smoothed."""

_DECADES = 100.0
"""An axis whose ends have a higher ratio has at least two powers of ten: enough tick marks."""


def loss_and_score_curves(records: Sequence[Record], path: Path) -> None:
    """Two panels over images seen: both losses; D's mean score of real and generated images.

    Parameters
    ----------
    records : sequence of mapping
        Log lines with ``images``, ``loss_d``, ``loss_g``, ``score_real``, ``score_fake_before``
        and ``score_fake_after``.
    path : Path
        A ``.png``.
    """
    figure = new_figure(2)
    losses, scores = figure.subplots(2, 1, sharex=True)
    losses.set_title("Losses of both networks", fontsize=9)
    scores.set_title("How real images look to the discriminator", fontsize=9)
    _line(losses, records, "loss_d", "discriminator", _D)
    _line(losses, records, "loss_g", "generator", _G)
    _limit_to_most(losses, records, ("loss_d", "loss_g"))
    losses.set_ylabel("loss")
    _line(scores, records, "score_real", "real images", _REAL)
    _line(
        scores,
        records,
        "score_fake_before",
        "generated images, before the discriminator learns from them",
        _BEFORE,
    )
    _line(
        scores,
        records,
        "score_fake_after",
        "the same images, after it has learned from them",
        _AFTER,
    )
    label = "0.5: real and generated images cannot be told apart"
    scores.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":", label=label)
    scores.set_ylim(0, 1)
    scores.set_ylabel("discriminator: probability of real")
    label_images(scores)
    for axes in (losses, scores):
        axes.legend(loc="best", frameon=False, fontsize=8)
    save_figure(figure, path)


def gradient_curves(records: Sequence[Record], path: Path) -> None:
    """Two panels over images seen: mean and largest absolute gradient of each layer of D.

    Parameters
    ----------
    records : sequence of mapping
        Log lines with ``images``, ``gradient_mean`` and ``gradient_max`` (layer → number).
    path : Path
        A ``.png``.
    """
    from matplotlib import colormaps

    records = [record for record in records if record.get("gradient_mean")]
    figure = new_figure(2)
    figure.subplots_adjust(right=1 - _LEGEND_WIDTH / figure.get_figwidth())
    layers = list(records[-1]["gradient_mean"]) if records else []
    colors = colormaps["viridis"]
    panels = figure.subplots(2, 1, sharex=True)
    for axes, key, title in zip(
        panels,
        ("gradient_mean", "gradient_max"),
        ("mean", "largest"),
        strict=True,
    ):
        for number, layer in enumerate(layers):
            axes.plot(
                [record["images"] for record in records],
                [record[key].get(layer) for record in records],
                label=layer,
                color=colors(number / max(1, len(layers) - 1) * 0.9),
                linewidth=1.2,
            )
        if any(value > 0 for record in records for value in record[key].values()):
            axes.set_yscale("log")
            label_decades(axes)
        axes.set_ylabel(f"{title} absolute gradient")
        axes.set_title(
            f"{title} gradient of each layer of the discriminator".capitalize(), fontsize=9
        )
    label_images(panels[1])
    if layers:
        panels[0].legend(  # beside the curves, which it would cover
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize=8,
            title="discriminator layer",
            title_fontsize=8,
        )
    save_figure(figure, path)


def new_figure(rows: int) -> Figure:
    """An empty figure for so many panels below each other, each with a title.

    Its margins are fixed. Matplotlib's own layouts measure every text twice, which takes longer
    than everything else.
    """
    from matplotlib.figure import Figure

    width, height = 8, 3 * rows
    figure = Figure(figsize=(width, height), dpi=110)
    figure.subplots_adjust(
        left=1 / width,
        right=1 - 0.15 / width,
        bottom=0.5 / height,
        top=1 - 0.3 / height,
        hspace=0.12,
    )
    return figure


def label_images(axes: Axes) -> None:
    """Label an axis of images seen: 500k, 2M."""
    from matplotlib.ticker import EngFormatter

    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("images seen")


def label_decades(axes: Axes) -> None:
    """Label a logarithmic axis: powers of ten if it has two, else plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    if high > _DECADES * low:
        axes.minorticks_off()
        return
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _line(axes: Axes, records: Sequence[Record], key: str, label: str, color: str) -> None:
    # an interval without a generator step has no generator loss
    records = [record for record in records if key in record]
    images = [record["images"] for record in records]
    values = [record[key] for record in records]
    if len(values) < _FEW_POINTS:
        marker = "o" if len(values) == 1 else ""  # a line needs two points
        axes.plot(images, values, color=color, linewidth=1.5, marker=marker, label=label)
        return
    axes.plot(images, values, color=color, linewidth=0.6, alpha=0.35)
    axes.plot(images, smoothed(values), color=color, linewidth=1.5, label=label)


def _limit_to_most(axes: Axes, records: Sequence[Record], keys: Sequence[str]) -> None:
    """Let the outliers of long curves leave the panel; they would flatten everything else."""
    curves = [[record[key] for record in records if key in record] for key in keys]
    if min(map(len, curves)) < _FEW_POINTS:
        return
    shown = [value for curve in curves for value in (*smoothed(curve), *without_outliers(curve))]
    shown = [value for value in shown if isfinite(value)]
    if shown and min(shown) < max(shown):
        margin = 0.05 * (max(shown) - min(shown))
        axes.set_ylim(min(shown) - margin, max(shown) + margin)


def without_outliers(values: Sequence[float]) -> list[float]:
    """The values in order, without the lowest and the highest hundredth."""
    ordered = sorted(values)
    cut = len(ordered) // 100
    return ordered[cut : len(ordered) - cut]


def smoothed(values: Sequence[float]) -> list[float]:
    """Exponential moving average with bias correction (as in Adam, Kingma and Ba 2015)."""
    smooth = []
    average = 0.0
    for number, value in enumerate(values, start=1):
        average = _WEIGHT * average + (1 - _WEIGHT) * value
        smooth.append(average / (1 - _WEIGHT**number))
    return smooth


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, atomically."""
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png")
