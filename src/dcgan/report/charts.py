"""The curves of a run, from its log and its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dcgan.health import Finding
from dcgan.metrics.registry import BETTER, metric_of
from dcgan.metrics.score import Score
from dcgan.render.lines import Chart, Level, Line, Mark
from dcgan.runtime.wording import digits

Record = Mapping[str, Any]

LOSSES = {"loss_d": "discriminator", "loss_g": "generator"}
SCORES = {
    "score_real": "real images",
    "score_fake_before": "generated images",
    "score_fake_after": "generated images, after the discriminator's step",
}
"""Curves of the log by key, for people."""

_GRADIENTS = {
    "gradient_mean": "Mean absolute gradient by layer",
    "gradient_max": "Largest absolute gradient by layer",
}

_LONG_NAMES = {key: f"{name} loss" for key, name in LOSSES.items()} | {
    key: f"score of {name}" for key, name in SCORES.items()
}

_DECADES_APART = 5.0
"""A logarithmic axis needs a higher ratio of the largest to the smallest value."""


def training_charts(records: Sequence[Record]) -> list[Chart]:
    """Losses, and the discriminator's scores; those without values are left out."""
    charts = [
        Chart(
            "Losses",
            [line_of(records, key, name) for key, name in LOSSES.items()],
            note="The two losses balance each other. They do not have to fall",
        ),
        Chart(
            "Discriminator scores",
            [line_of(records, key, name) for key, name in SCORES.items()],
            note="The probability that images are real. At 0.5, the discriminator cannot tell",
            limits=(0, 1),
        ),
    ]
    return _with_values(charts)


def gradient_charts(records: Sequence[Record]) -> list[Chart]:
    """Gradients of each layer of the discriminator."""
    layers = list(dict.fromkeys(layer for one in records for layer in one.get("gradient_mean", {})))
    return _with_values(
        [
            Chart(
                title,
                [
                    Line(
                        layer,
                        [
                            (record["images"], record[key][layer])
                            for record in records
                            if layer in record.get(key, {})
                        ],
                    )
                    for layer in layers
                ],
                note="Layers of the discriminator, from input to output",
                scale="log",
            )
            for key, title in _GRADIENTS.items()
        ]
    )


def quality_chart(scores: Mapping[int, Score]) -> Chart:
    """The scores of one protocol over images seen, with the best and the real-image baseline."""
    last = scores[max(scores)]
    best = min(scores, key=lambda images: scores[images].badness)
    values = [score.value for score in scores.values()]
    is_wide = min(values) > 0 and max(values) > _DECADES_APART * min(values)
    level = None
    if last.baseline is not None:
        level = Level(last.baseline, f"real images: {digits(last.baseline)}")
    lowest = digits(scores[best].value)
    label = last.label[0].upper() + last.label[1:]
    return Chart(
        label,
        [Line(last.label, [(images, scores[images].value) for images in sorted(scores)], False)],
        note=f"{BETTER[last.better].capitalize()} is better. {last.generated:,} generated and"
        f" {last.real:,} real images, features of {last.extractor}",
        scale="log" if is_wide and metric_of(last.metric).axis == "log" else "linear",
        best=Mark(best, scores[best].value, f"best: {lowest} at {best:,} images"),
        level=level,
    )


def evidence_chart(finding: Finding, records: Sequence[Record]) -> Chart | None:
    """The curves of the log that a finding rests on, shaded while it held; None without any."""
    keys = [key for key in finding.evidence if any(key in record for record in records)]
    lines = [line_of(records, key, name_of(key)) for key in keys]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    title = ", ".join(line.label for line in lines)
    return Chart(title, lines, span=(finding.since, finding.until))


def name_of(key: str) -> str:
    """A number of the log, or of a finding, for people.

    >>> name_of("score_real"), name_of("share_lost")
    ('score of real images', 'share lost')
    """
    return _LONG_NAMES.get(key, key.replace("_", " "))


def line_of(records: Sequence[Record], key: str, label: str) -> Line:
    """One key of the log; an interval without it leaves no point."""
    points = [
        (record["images"], float(record[key]))
        for record in records
        if isinstance(record.get(key), int | float)
    ]
    return Line(label, points)


def _with_values(charts: Sequence[Chart]) -> list[Chart]:
    return [chart for chart in charts if not chart.is_empty]
