"""Tables of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from dcgan.runtime.wording import digits


def aligned(rows: Sequence[Sequence[str]], sides: Sequence[str]) -> list[str]:
    """Cells in columns two spaces apart; each column to the left (``<``) or right (``>``)."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def number(value: float | None) -> str:
    """Four digits, or n/a for a missing value."""
    if value is None:
        return "n/a"
    return digits(value, 4) if abs(value) >= 1e-4 or value == 0 else f"{value:.1e}"


def shown(metric: str, value: float | None) -> str:
    """A score; an unbiased estimate of a distance near 0 may be negative."""
    from dcgan.metrics.registry import metric_of  # here, because it imports torch
    from dcgan.metrics.score import in_words

    better = metric_of(metric).better
    return in_words(value, better) if value is not None and value < 0 else number(value)
