"""A comparison as text."""

from __future__ import annotations

from typing import Any

from dcgan.cli.table import aligned, shown
from dcgan.errors import printable
from dcgan.evaluation.comparison import Compared, Comparison, Spread
from dcgan.evaluation.real_images import without_digest
from dcgan.metrics.registry import BETTER, label_of, metric_of
from dcgan.report.facts import in_short
from dcgan.runtime.wording import digits, duration

_LONGEST = 28
"""Maximum letters of a setting's value."""


def comparison_lines(found: Comparison) -> list[str]:
    """Runs as columns: how long each was trained, its scores, and the settings that differ."""
    names = [run.name for run in found.runs]
    rows = [
        ["", *names],
        ["checkpoint", *(f"{run.images_seen:,} images" for run in found.runs)],
        ["trained in total", *(f"{run.trained_images:,} images" for run in found.runs)],
        ["training time", *map(_training_time, found.runs)],
        ["generator weights", *(f"{run.weights:,}" for run in found.runs)],
    ]
    scored = [run.spreads for run in found.runs]
    if all(scored):
        rows[0] += ["real images", "better"]
        for row in rows[1:]:
            row += ["", ""]
        for spreads in zip(*scored, strict=True):
            first: Spread = spreads[0]
            cells = [
                f"{shown(first.metric, one.mean)} ± {digits(one.deviation, 1)}" for one in spreads
            ]
            better = BETTER[metric_of(first.metric).better]
            rows.append(
                [label_of(first.metric), *cells, shown(first.metric, first.baseline), better]
            )
    lines = aligned(rows, ["<", *[">"] * (len(rows[0]) - 1)])
    lines += ["", f"scores         {without_digest(found.protocol)}"]
    if not found.differences:
        return [*lines, "", "no setting differs"]
    table = [["different setting", *names]]
    table += [[printable(key), *map(_value, values)] for key, values in found.differences.items()]
    return [*lines, "", *aligned(table, ["<"] * len(table[0])), ""]


def _training_time(run: Compared) -> str:
    """Of an exported or imported model, it is not known."""
    return duration(run.trained_seconds / 60) if run.trained_seconds else "n/a"


def _value(value: Any) -> str:
    text = printable(in_short(value))
    return text if len(text) <= _LONGEST else f"…{text[1 - _LONGEST :]}"
