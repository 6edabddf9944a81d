"""Several runs on one page: the same latents drawn by each, and their curves over each other.

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

from dcgan.render.captioned_rows import captioned_rows
from dcgan.render.curves import label_decades, smoothed
from dcgan.render.sheet import save_image

Record = Mapping[str, Any]

_PANELS = {
    "loss_d": "loss of D",
    "loss_g": "loss of G",
    "score_real": "D(x), real",
    "score_fake_before": "D(G(z))",
}

_COLUMNS = 8

_GAP = 12
"""Pixels between sheets."""

_LEGEND_LETTERS = 120
"""Letters that fit beside each other in a legend across the page."""

_COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#e08a2e", "#762a83", "#4d4d4d")


def side_by_side(
    drawn: Mapping[str, NDArray[np.uint8]],
    logs: Mapping[str, Sequence[Record]],
    quality: Mapping[str, Mapping[int, float]],
    path: Path,
    *,
    measure: str = "",
) -> None:
    """A page as ``.png``: sheets, then one panel per curve with a line per run.

    Parameters
    ----------
    drawn : mapping of str to uint8 (N, C, H, W)
        Run → images; the i-th of each are of the same latent.
    logs : mapping of str to log lines
    quality : mapping of str to mapping of int to float
        Run → images seen → what was measured while it trained; may be empty.
    path : Path
    measure : str
        What that is.
    """
    curves = _curves(logs, quality, measure)
    sheets = _flowing(
        [captioned_rows({name: images}, columns=_COLUMNS) for name, images in drawn.items()],
        curves.width,
    )
    page = Image.new("RGB", (sheets.width, sheets.height + curves.height), "#ffffff")
    page.paste(sheets, (0, 0))
    page.paste(curves, (0, sheets.height))
    save_image(page, path)


def _flowing(parts: Sequence[Image.Image], width: int) -> Image.Image:
    """Images in rows, as many side by side as a page holds."""
    rows: list[list[Image.Image]] = [[]]
    for part in parts:
        if rows[-1] and sum(one.width + _GAP for one in rows[-1]) + part.width > width:
            rows.append([])
        rows[-1].append(part)
    width = max(width, *(part.width for part in parts))
    heights = [max(part.height for part in row) + _GAP for row in rows]
    paper = Image.new("RGB", (width, sum(heights)), "#ffffff")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for part in row:
            paper.paste(part, (left, top))
            left += part.width + _GAP
        top += height
    return paper


def _curves(
    logs: Mapping[str, Sequence[Record]],
    quality: Mapping[str, Mapping[int, float]],
    measure: str,
) -> Image.Image:
    """Two panels in a row, under one legend; the quality measured while training comes last."""
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
    # slower than fixed margins, but rare, and the legend may have any number of rows
    figure = Figure(
        figsize=(8, 2.6 * rows + 0.2 * legend_rows + 0.3), dpi=110, layout="constrained"
    )
    panels = figure.subplots(rows, 2, squeeze=False).flatten()
    styles = cycle(product(("-", "--", ":"), _COLOURS))
    style_of = dict(zip(logs, styles, strict=False))
    for axes, (title, of_runs) in zip(panels, lines.items(), strict=False):
        for name, (images, values) in of_runs.items():
            line, colour = style_of[name]
            axes.plot(images, values, color=colour, linestyle=line, linewidth=1.3, label=name)
        axes.set_title(title, fontsize=9)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.tick_params(labelsize=8)
    for axes in panels[len(lines) :]:
        axes.set_axis_off()
    if quality and all(value > 0 for points in quality.values() for value in points.values()):
        axes = panels[len(lines) - 1]
        axes.set_yscale("log")
        label_decades(axes)
    entries, names = panels[0].get_legend_handles_labels()
    figure.legend(
        entries,
        names,
        loc="outside upper left",
        ncols=legend_columns,
        frameon=False,
        fontsize=8,
    )
    figure.supxlabel("images seen", fontsize=9)
    data = BytesIO()
    figure.savefig(data, format="png")
    with Image.open(data) as image:
        return image.convert("RGB")


def _lines(
    logs: Mapping[str, Sequence[Record]], key: str
) -> dict[str, tuple[list[int], list[float]]]:
    found = {}
    for name, records in logs.items():
        points = [record for record in records if key in record]
        values = smoothed([record[key] for record in points])
        found[name] = ([record["images"] for record in points], values)
    return found
