"""Whether a classifier has learned anything: its accuracy, compared with guessing."""

from __future__ import annotations

_OUTSIDE = 0.05
"""Share of such intervals that do not contain the true accuracy: they are 95 % intervals."""

_MARGIN = 0.1
"""Part of the way from guessing to perfect accuracy that the lower bound must reach: at 55 % of two
equal classes, features say nothing, however certain the 55 % are."""


def lower_bound(right: int, count: int) -> float:
    """Lower end of the 95 % interval of an accuracy (Clopper & Pearson 1934).

    >>> round(lower_bound(12, 12), 3), lower_bound(0, 5)
    (0.735, 0.0)
    """
    from scipy.special import betaincinv

    if right == 0:
        return 0.0
    return float(betaincinv(right, count - right + 1, _OUTSIDE / 2))


def is_clearly_above_chance(right: int, count: int, majority: float) -> bool:
    """Whether a classifier is clearly better than always choosing the most frequent class.

    Parameters
    ----------
    right, count : int
        Correctly classified and all held-out images.
    majority : float
        Share of the most frequent class.
    """
    return lower_bound(right, count) > majority + _MARGIN * (1 - majority)
