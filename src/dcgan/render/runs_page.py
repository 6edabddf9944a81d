"""Several runs on one page: samples of the same latents, and their training curves.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle, product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.render.curves import label_decades, smoothed
from dcgan.render.sheet import captioned_rows, compose, save_image

Record = Mapping[str, Any]

_PANELS = {
    "loss_d": "discriminator loss",
    "loss_g": "generator loss",
    "score_real": "D's score of real images",
    "score_fake_before": "D's score of generated images",
}

_COLUMNS = 8

_LEGEND_LETTERS = 120
"""Letters that fit side by side in a legend across the page."""

_COLORS = ("#2166ac", "#b2182b", "#1b7837", "#e08a2e", "#762a83", "#4d4d4d")


def side_by_side(
    samples: Mapping[str, NDArray[np.uint8]],
    logs: Mapping[str, Sequence[Record]],
    quality: Mapping[str, Mapping[int, float]],
    path: Path,
    *,
    measure: str = "",
) -> None:
    """Write a page: a sheet of each run, then a panel for each curve with a line per run.

    Parameters
    ----------
    samples : mapping of str to uint8 (N, C, H, W)
        Run → images; the i-th image of every run is of the same latent.
    logs : mapping of str to log lines
    quality : mapping of str to mapping of int to float
        Run → images seen → metric during training; may be empty.
    path : Path
        An image file.
    measure : str
        Title of that metric.
    """
    curves = _curves(logs, quality, measure)
    sheets = [captioned_rows({name: images}, columns=_COLUMNS) for name, images in samples.items()]
    across = max(1, curves.width // max(one.width for one in sheets))
    rows = [sheets[start : start + across] for start in range(0, len(sheets), across)]
    save_image(compose([[compose(rows)], [curves]]), path)


def _curves(
    logs: Mapping[str, Sequence[Record]],
    quality: Mapping[str, Mapping[int, float]],
    measure: str,
) -> Image.Image:
    """Two panels in a row, under one legend; the metric comes last."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    lines = {title: _lines(logs, key) for key, title in _PANELS.items()}
    if quality:
        lines[measure] = {
            name: (sorted(points), [points[one] for one in sorted(points)])
            for name, points in quality.items()
        }
    rows = ceil(len(lines) / 2)
    legend_columns = max(1, min(len(logs), _LEGEND_LETTERS // (max(map(len, logs)) + 6)))
    legend_rows = ceil(len(logs) / legend_columns)
    # slower than fixed margins, but the legend may have any number of rows
    figure = Figure(
        figsize=(8, 2.6 * rows + 0.2 * legend_rows + 0.3), dpi=110, layout="constrained"
    )
    panels = figure.subplots(rows, 2, squeeze=False).flatten()
    styles = cycle(product(("-", "--", ":"), _COLORS))
    style_of = dict(zip(logs, styles, strict=False))
    for axes, (title, of_runs) in zip(panels, lines.items(), strict=False):
        for name, (images, values) in of_runs.items():
            line, color = style_of[name]
            axes.plot(images, values, color=color, linestyle=line, linewidth=1.3)
        axes.set_title(title, fontsize=9)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.tick_params(labelsize=8)
    for axes in panels[len(lines) :]:
        axes.set_axis_off()
    if quality and all(value > 0 for points in quality.values() for value in points.values()):
        axes = panels[len(lines) - 1]
        axes.set_yscale("log")
        label_decades(axes)
    legend = figure.legend(
        panels[0].lines,
        [f"{number}" for number in range(len(logs))],
        loc="outside upper left",
        ncols=legend_columns,
        frameon=False,
        fontsize=8,
    )
    for text, name in zip(legend.get_texts(), logs, strict=True):
        # of a folder: as a label, one with dollar signs is a formula, and _name is left out
        text.set_parse_math(False)
        text.set_text(name)
    figure.supxlabel("images seen", fontsize=9)
    data = BytesIO()
    figure.savefig(data, format="png")
    with Image.open(data) as image:
        return image.convert("RGB")


def _lines(
    logs: Mapping[str, Sequence[Record]], key: str
) -> dict[str, tuple[list[int], list[float]]]:
    lines = {}
    for name, records in logs.items():
        points = [record for record in records if key in record]
        values = smoothed([record[key] for record in points])
        lines[name] = ([record["images"] for record in points], values)
    return lines
