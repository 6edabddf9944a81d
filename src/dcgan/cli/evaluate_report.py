"""Evaluations as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcgan.cli.table import aligned, number
from dcgan.evaluation.evaluator import Evaluation
from dcgan.evaluation.results import best_of, nearest_sheet
from dcgan.metrics.registry import BETTER, metrics_on
from dcgan.metrics.score import Score

_IN_A_ROW = 3
"""Classes named on one line."""

_COLUMNS = metrics_on("features")


def report_lines(found: Evaluation, path: Path | None) -> list[str]:
    """One evaluation: the judgment, a table of scores, the classes, copies, and the path, if it is
    stored."""
    lines = [found.judgement, ""]
    lines += [f"{found.run}, checkpoint {found.checkpoint}: {found.images_seen:,} images seen", ""]
    lines += score_table(found.scores)
    lines += ["", *_protocol(found)]
    if found.classes:
        lines += ["", "share of each class, generated (real)", *_classes(found)]
    if found.copying is not None:
        lines += ["", *found.copying.lines()]
        lines += [f"nearest pairs  {nearest_sheet(path)}"] if path else []
    return [*lines, *([f"all results    {path}"] if path else [])]


def all_lines(found: Sequence[Evaluation], drawing: Path | None) -> list[str]:
    """All checkpoints, one per row, and the best."""
    best = best_of(found)
    columns = [[one[metric.name] for one in found] for metric in _COLUMNS]
    header = ["images seen", *(scores[0].label for scores in columns)]
    rows = [
        [f"{one.images_seen:,}", *(number(score.value) for score in scores)]
        for one, *scores in zip(found, *columns, strict=True)
    ]
    baselines = ["real images", *(number(scores[0].baseline) for scores in columns)]
    directions = ["better", *(BETTER[scores[0].better] for scores in columns)]
    marks = ["  best" if one is best else "" for one in found] + ["", ""]
    table = aligned([header, *rows, baselines, directions], [">"] * len(header))
    marked = [line + mark for line, mark in zip(table[1:], marks, strict=True)]
    return [
        f"The best of {len(found)} checkpoints is {best.checkpoint}. {best.judgement}",
        "",
        f"{found[0].run}: {len(found)} checkpoints",
        "",
        table[0],
        *marked,
        "",
        *_protocol(found[0]),
        f"best           {best.checkpoint}, by the Fréchet distance",
        *([f"plot           {drawing}"] if drawing else []),
        *([f"all results    {drawing.with_suffix('.json')}"] if drawing else []),
    ]


def score_table(scores: Sequence[Score]) -> list[str]:
    """One score per row: the metric, both values, the feature extractor and the image counts."""
    header = ["metric", "generated", "±", "real", "better", "features", "n"]
    rows = [
        [
            score.label,
            number(score.value),
            "" if score.error is None else f"{score.error:.1g}",
            number(score.baseline),
            BETTER[score.better],
            score.extractor,
            _count(score),
        ]
        for score in scores
    ]
    return aligned([header, *rows], ["<", ">", ">", ">", "<", "<", ">"])


def _count(score: Score) -> str:
    if score.real == score.generated:
        return f"{score.generated:,}"
    return f"{score.generated:,} to {score.real:,}"


def _protocol(found: Evaluation) -> list[str]:
    score = found.scores[0]
    return [
        f"features       {score.extractor}: {found.extractor}",
        f"real images    {score.split}; the column 'real' is the real-image baseline: the score of"
        " as many other real images (for the copying test, of the held-out images)",
    ]


def _classes(found: Evaluation) -> list[str]:
    cells = [
        f"{name}  {100 * ours:.1f} % ({100 * theirs:.1f} %)"
        for name, (ours, theirs) in found.classes.items()
    ]
    rows = [cells[start : start + _IN_A_ROW] for start in range(0, len(cells), _IN_A_ROW)]
    rows[-1] += [""] * (len(rows[0]) - len(rows[-1]))
    return aligned(rows, ["<"] * len(rows[0]))
