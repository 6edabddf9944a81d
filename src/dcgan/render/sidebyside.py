"""Several runs on one page: the same latents drawn by each, and their curves over each other.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.render.comparison import captioned_rows
from dcgan.render.curves import new_figure, smoothed
from dcgan.render.sheet import save_image

Record = Mapping[str, Any]

_PANELS = {
    "loss_d": "loss of D",
    "loss_g": "loss of G",
    "score_real": "D(x), real",
    "score_fake_before": "D(G(z))",
}

_COLUMNS = 8

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
    sheets = captioned_rows(drawn, columns=_COLUMNS)
    curves = _curves(logs, quality, measure)
    width = max(sheets.width, curves.width)
    page = Image.new("RGB", (width, sheets.height + curves.height), "#ffffff")
    page.paste(sheets, (0, 0))
    page.paste(curves, (0, sheets.height))
    save_image(page, path)


def _curves(
    logs: Mapping[str, Sequence[Record]],
    quality: Mapping[str, Mapping[int, float]],
    measure: str,
) -> Image.Image:
    """Two panels in a row; what was measured takes the last."""
    from matplotlib.ticker import EngFormatter

    lines = {title: _lines(logs, key) for key, title in _PANELS.items()}
    if quality:
        lines[measure] = {
            name: (sorted(points), [points[one] for one in sorted(points)])
            for name, points in quality.items()
        }
    figure = new_figure(ceil(len(lines) / 2))
    panels = figure.subplots(ceil(len(lines) / 2), 2, squeeze=False).flatten()
    colours = dict(zip(logs, cycle(_COLOURS), strict=False))
    for axes, (title, of_runs) in zip(panels, lines.items(), strict=False):
        for name, (images, values) in of_runs.items():
            axes.plot(images, values, color=colours[name], linewidth=1.3, label=name)
        axes.set_title(title, fontsize=9)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.tick_params(labelsize=8)
    for axes in panels[len(lines) :]:
        axes.set_axis_off()
    if quality and all(value > 0 for points in quality.values() for value in points.values()):
        panels[len(lines) - 1].set_yscale("log")
    panels[0].legend(loc="upper right", frameon=False, fontsize=8)
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
