"""Clearly better than a guess: the interval by an independent way, and the cases that were met."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from dcgan.metrics.extractors.chance import is_clearly_above_chance, lower_bound


@pytest.mark.parametrize(("right", "count"), [(1, 5), (12, 12), (55, 100), (900, 1000)])
def test_at_the_lower_bound_so_many_right_are_just_unlikely(right, count):
    """Clopper and Pearson's end: more than so many right have a chance of 2.5 % there."""
    assert binom.sf(right - 1, count, lower_bound(right, count)) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize(
    ("right", "count", "majority", "is_clear"),
    [
        (989, 1000, 0.1, True),
        (12, 12, 0.5, True),
        (2, 2, 0.5, False),
        (8, 12, 0.6, False),
        (55, 100, 0.5, False),
        (5500, 10_000, 0.5, False),
        (100, 500, 0.001, True),
        (0, 10, 0.1, False),
    ],
)
def test_what_counts_as_clear(right, count, majority, is_clear):
    assert is_clearly_above_chance(right, count, majority) is is_clear
