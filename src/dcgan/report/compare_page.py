"""Several runs side by side on one page: ``dcgan compare``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from pathlib import Path

from dcgan.evaluation.comparison import Comparison, Spread, training_scores
from dcgan.metrics.registry import BETTER, label_of, metric_of
from dcgan.metrics.score import Score
from dcgan.render.lines import Chart, Level, Line
from dcgan.render.page import write_page
from dcgan.report.charts import LOSSES, SCORES, line_of
from dcgan.report.content import Picture
from dcgan.report.facts import in_short
from dcgan.report.pictures import tiled
from dcgan.runtime.wording import digits

_COLUMNS = 4

_DEVIATIONS = 2.0
"""Two means closer than this many standard deviations of their difference count as equal."""

_METRIC = "frechet_distance"
"""The metric of the verdict."""


def write_comparison(found: Comparison, path: Path) -> None:
    """Write the page: which run scores best, samples of the same latents, scores, curves, settings.

    Parameters
    ----------
    found : Comparison
    path : Path
        An ``.html`` file.
    """
    write_page(
        "compare.html.j2",
        path,
        found=found,
        verdict=verdict_of(found),
        sheets=[Picture(tiled(run.samples, _COLUMNS), "") for run in found.runs],
        charts=_charts(found),
        metrics=_metrics(found),
        settings={key: list(map(in_short, row)) for key, row in found.differences.items()},
    )


def verdict_of(found: Comparison) -> str:
    """Which run scores best, or why that cannot be said."""
    scored = [
        (spread, run.name)
        for run in found.runs
        for spread in run.spreads
        if spread.metric == _METRIC
    ]
    if len(scored) < len(found.runs):
        return f"{found.protocol[0].upper()}{found.protocol[1:]}."
    (best, name), (second, other) = sorted(scored, key=lambda one: one[0].mean)[:2]
    label = label_of(_METRIC)
    if second.mean - best.mean < _DEVIATIONS * hypot(best.deviation, second.deviation):
        return (
            f"{label} does not tell {name} and {other} apart: {_with_spread(best)} and"
            f" {_with_spread(second)}; lower is better."
        )
    real = "" if best.baseline is None else f" real images score {digits(best.baseline)};"
    return (
        f"{name} scores best: {label} {_with_spread(best)}, and {_with_spread(second)} for"
        f" {other};{real} lower is better."
    )


def _with_spread(spread: Spread) -> str:
    return f"{digits(spread.mean)} ± {digits(spread.deviation, 1)}"


def _metrics(found: Comparison) -> list[tuple[str, list[str], str, str]]:
    """Label, cell of each run, real-image baseline and direction of each metric."""
    rows = []
    for spreads in zip(*(run.spreads for run in found.runs), strict=False):
        first: Spread = spreads[0]
        real = "–" if first.baseline is None else digits(first.baseline)
        better = BETTER[metric_of(first.metric).better]
        rows.append((label_of(first.metric), list(map(_with_spread, spreads)), real, better))
    return rows


def _charts(found: Comparison) -> Sequence[Chart]:
    """The curves of all runs, one chart for each; the metric comes first."""
    titles = {f"{name.capitalize()} loss": key for key, name in LOSSES.items()} | {
        f"Discriminator's score of {name}": key for key, name in SCORES.items()
    }
    charts = [_quality(training_scores(found))]
    for title, key in titles.items():
        lines = [line_of(run.log, key, run.name) for run in found.runs]
        charts.append(Chart(title, lines, limits=(0, 1) if key in SCORES else None))
    return [chart for chart in charts if not chart.is_empty]


def _quality(scores: Mapping[str, Mapping[int, Score]]) -> Chart:
    lines = [
        Line(name, [(images, of_run[images].value) for images in sorted(of_run)], False)
        for name, of_run in scores.items()
    ]
    last = [score for of_run in scores.values() for score in of_run.values()][-1:]
    if not last:
        return Chart("", [])
    baseline = last[0].baseline
    return Chart(
        f"{last[0].label} during training",
        lines,
        scale=metric_of(last[0].metric).axis or "linear",
        level=None if baseline is None else Level(baseline, f"real images: {digits(baseline)}"),
    )
