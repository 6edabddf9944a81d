"""Whether a classifier has learned anything: its accuracy beside what a guess would reach."""

from __future__ import annotations

from scipy.special import betaincinv

_OUTSIDE = 0.05
"""Of the interval: 95 % of such intervals hold the true accuracy."""

_MARGIN = 0.1
"""Share of the way from a guess to certainty that the lower bound must have come: 55 % of two equal
classes are no features to measure by, even where many images make them sure."""


def lower_bound(right: int, count: int) -> float:
    """Lower end of the 95 % interval of an accuracy (Clopper & Pearson 1934).

    >>> round(lower_bound(12, 12), 3), lower_bound(0, 5)
    (0.735, 0.0)
    """
    if right == 0:
        return 0.0
    return float(betaincinv(right, count - right + 1, _OUTSIDE / 2))


def needed_bound(majority: float) -> float:
    """What the lower bound must exceed, where always naming the most frequent class is right for a
    share ``majority`` of the images."""
    return majority + _MARGIN * (1 - majority)


def is_clearly_above_chance(right: int, count: int, majority: float) -> bool:
    """Whether a classifier is better than naming the most frequent class, beyond doubt.

    Parameters
    ----------
    right, count : int
        Of the images held out.
    majority : float
        Share of the most frequent class.
    """
    return lower_bound(right, count) > needed_bound(majority)
