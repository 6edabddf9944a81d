"""What paired seeds say about an expectation: estimate, interval, verdict and p-value.

Pure functions on arrays. The scores of two arms are compared seed by seed: the difference of seed i
is positive if the arm that is expected to be better scored better with it.

N seeds · T tests
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["better", "not-better", "equal"]
Verdict = Literal["holds", "does not hold", "cannot be told"]
Method = Literal["Student t", "bootstrap"]

LEVEL = 0.95
"""Coverage of the intervals."""

FEWEST_FOR_BOOTSTRAP = 8
"""Seeds from which the interval is a bootstrap. With 3 seeds, a bootstrap interval of two equal
arms lies on one side of 0 in a quarter of all experiments, with 5 in 9 %, with 8 in 6.5 % (3,000
simulated experiments each; 5 % is nominal)."""

_RESAMPLES = 9_999
_TRIMMED = 0.25
"""Share of the values that the interquartile mean leaves out at each end."""


@dataclass(frozen=True)
class Interval:
    """An interval of a difference, with 95 % coverage.

    Parameters
    ----------
    low, high : float
    method : {"Student t", "bootstrap"}
    """

    low: float
    high: float
    method: Method


@dataclass(frozen=True)
class Judgement:
    """What the seeds say about one expectation.

    Parameters
    ----------
    verdict : {"holds", "does not hold", "cannot be told"}
    estimate : float
        Interquartile mean of the differences.
    interval : Interval
    p_value : float
        See :func:`p_value`.
    """

    verdict: Verdict
    estimate: float
    interval: Interval
    p_value: float


def judge(kind: Kind, difference_N: ArrayLike, smallest: float) -> Judgement:
    """The verdict on one expectation.

    Parameters
    ----------
    kind : {"better", "not-better", "equal"}
        What is expected of the arm, compared with the other one.
    difference_N : (N,)
        Paired differences, positive where the arm is better; at least 2.
    smallest : float, above 0
        The smallest difference worth a verdict.

    Returns
    -------
    Judgement
        With interval [L, U], estimate e and smallest difference s:

        - better: holds if L > 0 and e ≥ s; does not hold if U < s.
        - not-better: holds if U < s; does not hold if L > 0 and e ≥ s.
        - equal: holds if -s < L and U < s; does not hold if the interval is on one side of 0 and e
          is at least s away from it.

        Everything else cannot be told.
    """
    difference_N = _checked(difference_N)
    found, estimate = interval(difference_N), iqm(difference_N)
    verdict = verdict_of(kind, estimate, found, smallest)
    return Judgement(verdict, estimate, found, p_value(kind, difference_N, smallest))


def verdict_of(kind: Kind, estimate: float, found: Interval, smallest: float) -> Verdict:
    """The rules of :func:`judge`, for an estimate and its interval."""
    is_better = found.low > 0 and estimate >= smallest
    is_worse = found.high < 0 and estimate <= -smallest
    is_below = found.high < smallest
    holds, fails = {
        "better": (is_better, is_below),
        "not-better": (is_below, is_better),
        "equal": (is_below and found.low > -smallest, is_better or is_worse),
    }[kind]
    return "holds" if holds else "does not hold" if fails else "cannot be told"


def combine(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim: one refuted expectation refutes it, and all must hold to confirm it.

    >>> combine(["holds", "cannot be told"])
    'cannot be told'
    """
    if "does not hold" in verdicts:
        return "does not hold"
    return "cannot be told" if "cannot be told" in verdicts else "holds"


def iqm(value_N: ArrayLike) -> float:
    """The interquartile mean: the mean without the lowest and the highest quarter.

    A quarter is rounded down, so that nothing is left out of three values.

    >>> iqm([1.0, 2.0, 3.0, 100.0])
    2.5
    """
    from scipy.stats import trim_mean

    return float(trim_mean(np.asarray(value_N, dtype=np.float64), _TRIMMED))


def interval(difference_N: ArrayLike) -> Interval:
    """The 95 % interval of paired differences.

    With 8 seeds or more, the percentile bootstrap of the interquartile mean over pairs (Agarwal et
    al. 2021, "Deep reinforcement learning at the edge of the statistical precipice",
    arXiv:2108.13264; a lab has one dataset, and so one stratum). With fewer, the interval of the
    mean by Student's t. The bootstrap has a fixed seed: the same scores give the same interval.

    >>> interval([1.0, 2.0, 3.0])
    Interval(low=-0.48..., high=4.48..., method='Student t')
    """
    from scipy import stats

    difference_N = _checked(difference_N)
    count = len(difference_N)
    if count >= FEWEST_FOR_BOOTSTRAP:
        found = stats.bootstrap(
            (difference_N,),
            lambda sample, axis: stats.trim_mean(sample, _TRIMMED, axis=axis),
            n_resamples=_RESAMPLES,
            confidence_level=LEVEL,
            method="percentile",
            vectorized=True,
            rng=np.random.default_rng(0),
        ).confidence_interval
        return Interval(float(found.low), float(found.high), "bootstrap")
    mean = float(difference_N.mean())
    reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * _error(difference_N)
    return Interval(mean - reach, mean + reach, "Student t")


def probability_of_improvement(better_N: ArrayLike, worse_M: ArrayLike) -> float:
    """Probability that a run of one arm scores higher than a run of the other.

    The share of all N × M pairs in which it does, where equal scores count half (Agarwal et al.
    2021, section 4.3). Scores must be such that higher is better.

    >>> probability_of_improvement([3.0, 2.0], [1.0, 2.0])
    0.875
    """
    above_NM = np.asarray(better_N)[:, None] - np.asarray(worse_M)[None, :]
    return float(((above_NM > 0) + 0.5 * (above_NM == 0)).mean())


def p_value(kind: Kind, difference_N: ArrayLike, smallest: float) -> float:
    """How probable such differences are if the expectation is wrong.

    The p-value of a paired t test of the mean difference μ, with any number of seeds: a bootstrap
    of few values cannot give small p-values.

    - better: one-sided, against μ ≤ 0.
    - not-better: one-sided, against μ ≥ ``smallest``.
    - equal: the larger one of two one-sided tests, against μ ≤ -``smallest`` and μ ≥ ``smallest``
      (TOST: Schuirmann 1987).
    """
    difference_N = _checked(difference_N)
    match kind:
        case "better":
            return _p_above(difference_N, 0.0)
        case "not-better":
            return _p_above(-difference_N, -smallest)
    return max(_p_above(difference_N, -smallest), _p_above(-difference_N, -smallest))


def holm(p_values_T: Sequence[float]) -> list[float]:
    """Holm's adjustment of the p-values of several tests, in the same order (Holm 1979).

    If every adjusted p-value up to α counts as significant, the probability of one or more false
    positives is at most α.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values_T, kind="stable")
    adjusted, largest = [0.0] * len(order), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * float(p_values_T[place])))
        adjusted[place] = largest
    return adjusted


def _p_above(difference_N: NDArray[np.float64], least: float) -> float:
    """One-sided p-value of the t test against a mean of at most ``least``."""
    from scipy import stats

    excess, error = float(difference_N.mean()) - least, _error(difference_N)
    # equal differences: no spread to compare with
    statistic = excess / error if error > 0 else inf * np.sign(excess) if excess else -inf
    return float(stats.t.sf(statistic, len(difference_N) - 1))


def _error(difference_N: NDArray[np.float64]) -> float:
    """Standard error of the mean."""
    return float(difference_N.std(ddof=1)) / sqrt(len(difference_N))


def _checked(difference_N: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(difference_N, dtype=np.float64)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all():
        raise ValueError(f"at least two finite differences are needed, not {found.tolist()}")
    return found
