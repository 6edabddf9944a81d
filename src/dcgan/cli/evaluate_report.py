"""Evaluations as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcgan.cli.table import aligned, shown
from dcgan.errors import printable
from dcgan.evaluation.evaluator import Evaluation
from dcgan.evaluation.real_images import without_digest
from dcgan.evaluation.results import best_of, nearest_sheet
from dcgan.metrics.registry import BETTER, metrics_on
from dcgan.metrics.score import Score
from dcgan.runtime.wording import counted, digits

_COLUMNS = metrics_on("features")


def report_lines(found: Evaluation, path: Path | None, *, brief: str = "") -> list[str]:
    """One evaluation: judgment, scores, classes, test of copying, and the path if it is stored.

    ``brief`` says, if that is so, that the run was trained too briefly.
    """
    lines = [found.judgement, *([brief] if brief else []), ""]
    lines += [f"{found.run}, checkpoint {found.checkpoint}: {found.images_seen:,} images seen", ""]
    lines += score_table(found.scores)
    lines += ["", *_protocol(found, found.scores)]
    if found.classes:
        lines += ["", "share of each class, generated (real)", *_classes(found)]
    if found.copying is not None:
        lines += ["", *found.copying.lines()]
        lines += [f"nearest pairs  {nearest_sheet(path)}"] if path else []
    return [*lines, *([f"all results    {path}"] if path else [])]


def all_lines(found: Sequence[Evaluation], plot: Path | None) -> list[str]:
    """All checkpoints, one per row, and the best."""
    best = best_of(found)
    columns = [[one[metric.name] for one in found] for metric in _COLUMNS]
    header = ["images seen", *(scores[0].label for scores in columns)]
    rows = [
        [f"{one.images_seen:,}", *(shown(score.metric, score.value) for score in scores)]
        for one, *scores in zip(found, *columns, strict=True)
    ]
    baselines = [
        "real images",
        *(shown(scores[0].metric, scores[0].baseline) for scores in columns),
    ]
    directions = ["better", *(BETTER[scores[0].better] for scores in columns)]
    marks = ["  best" if one is best else "" for one in found] + ["", ""]
    table = aligned([header, *rows, baselines, directions], [">"] * len(header))
    marked = [line + mark for line, mark in zip(table[1:], marks, strict=True)]
    return [
        f"The best of {counted(len(found), 'checkpoint')} is {best.checkpoint}. {best.judgement}",
        "",
        f"{found[0].run}: {counted(len(found), 'checkpoint')}",
        "",
        table[0],
        *marked,
        "",
        *_protocol(found[0], [scores[0] for scores in columns]),
        f"best           {best.checkpoint}, by the Fréchet distance",
        *([f"plot           {plot}"] if plot else []),
        *([f"all results    {plot.with_suffix('.json')}"] if plot else []),
    ]


def score_table(scores: Sequence[Score]) -> list[str]:
    """One score per row: the metric, both values, and whether it is computed on features."""
    header = ["metric", "generated", "±", "real", "better", "computed on"]
    rows = [
        [
            score.label,
            shown(score.metric, score.value),
            "" if score.error is None else digits(score.error, 1),
            shown(score.metric, score.baseline),
            BETTER[score.better],
            "pixels" if score.extractor == "pixels" else "features",
        ]
        for score in scores
    ]
    return aligned([header, *rows], ["<", ">", ">", ">", "<", "<"])


def _protocol(found: Evaluation, shown_scores: Sequence[Score]) -> list[str]:
    score = found.scores[0]
    real = without_digest(score.split).replace(" images", " real images")
    is_tested = any(one.metric == "copying_test" for one in shown_scores)
    held_out = " (for the copying test, of the held-out images)" if is_tested else ""
    return [
        f"features       {score.extractor}: {found.extractor}",
        f"images         {score.generated:,} generated images; {real}",
        f"real           the real-image baseline: the score of as many other real images{held_out}",
    ]


def _classes(found: Evaluation) -> list[str]:
    cells = [
        f"{printable(name)}  {100 * ours:.1f}% ({100 * theirs:.1f}%)"
        for name, (ours, theirs) in found.classes.items()
    ]
    rows = [cells[start : start + 3] for start in range(0, len(cells), 3)]
    rows[-1] += [""] * (len(rows[0]) - len(rows[-1]))
    return aligned(rows, ["<"] * len(rows[0]))
