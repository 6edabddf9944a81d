"""A comparison as text."""

from __future__ import annotations

from typing import Any

from dcgan.cli.table import aligned, number
from dcgan.evaluation.comparison import Comparison, Spread
from dcgan.metrics.registry import BETTER, label_of, metric_of

_LONGEST = 28
"""Letters of a setting's value."""


def comparison_lines(found: Comparison) -> list[str]:
    """Runs as columns: how long each was trained, its scores, and the settings that differ."""
    names = [run.name for run in found.runs]
    rows = [
        ["", *names],
        ["checkpoint", *(f"{run.images_seen:,} images" for run in found.runs)],
        ["trained in total", *(f"{run.trained_images:,} images" for run in found.runs)],
        ["training time", *(f"{run.trained_seconds / 60:.1f} min" for run in found.runs)],
        ["generator weights", *(f"{run.weights:,}" for run in found.runs)],
    ]
    measured = [run.spreads for run in found.runs]
    if all(measured):
        rows[0] += ["real images", "better"]
        for row in rows[1:]:
            row += ["", ""]
        for spreads in zip(*measured, strict=True):
            first: Spread = spreads[0]
            cells = [f"{number(one.mean)} ± {one.deviation:.1g}" for one in spreads]
            better = BETTER[metric_of(first.metric).better]
            rows.append([label_of(first.metric), *cells, number(first.baseline), better])
    lines = aligned(rows, ["<", *[">"] * (len(rows[0]) - 1)])
    lines += ["", f"scores         {found.protocol}"]
    if not found.differences:
        return [*lines, "", "no setting differs"]
    table = [["different setting", *names]]
    table += [[key, *map(_value, values)] for key, values in found.differences.items()]
    return [*lines, "", *aligned(table, ["<"] * len(table[0])), ""]


def _value(value: Any) -> str:
    """A setting in a short form; a layer table by its number of layers."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"table of {len(value)} layers"
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"
