"""Estimates, intervals and verdicts: examples worked by hand, and simulated experiments."""

from __future__ import annotations

from collections import Counter
from math import log, sqrt

import numpy as np
import pytest

from dcgan.labs.verdict import (
    combine,
    holm,
    interval,
    iqm,
    judge,
    p_value,
    probability_of_improvement,
    verdict_of,
)

SMALLEST = log(1.15)
KINDS = ("better", "not-better", "equal")

NOISES = {
    "normal": lambda random, size: random.normal(size=size),
    "heavy": lambda random, size: random.standard_t(2, size=size),
    # one run in seven collapses
    "collapsing": lambda random, size: (
        0.2 * random.normal(size=size) + 3 * (random.random(size) < 1 / 7)
    ),
}


@pytest.fixture
def fewer_resamples(monkeypatch):
    """Of a bootstrap; the ends of its intervals hardly change, and it takes a tenth of the time."""
    monkeypatch.setattr("dcgan.labs.verdict._RESAMPLES", 999)


def experiments(noise, seeds, count, effect=0.0, scale=0.2):
    """Paired differences of (count, seeds) of two arms whose scores differ by an effect."""
    random = np.random.default_rng(seeds)
    one, other = (scale * NOISES[noise](random, (count, seeds)) for _ in range(2))
    return effect + one - other


def share(kind, differences, wanted):
    return verdicts(differences)[kind, wanted] / len(differences)


def verdicts(differences):
    """How often each kind of expectation gets each verdict; each interval is computed once."""
    found = Counter()
    for one in differences:
        numbers = iqm(one), interval(one)
        found.update((kind, verdict_of(kind, *numbers, SMALLEST)) for kind in KINDS)
    return found


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("seeds", [3, 5, 8, 16])
@pytest.mark.usefixtures("fewer_resamples")
def test_two_equal_arms_seldom_differ(noise, seeds):
    """At most 5 %; the bound leaves room for chance in so many simulated experiments."""
    count = 1000 if seeds < 8 else 200
    found = verdicts(experiments(noise, seeds, count))
    assert found["better", "holds"] <= 0.05 * count
    assert found["not-better", "does not hold"] <= 0.05 * count
    assert found["equal", "does not hold"] <= 0.05 * count + 3 * sqrt(0.05 * 0.95 * count)


@pytest.mark.parametrize("noise", ["normal", "heavy"])
@pytest.mark.usefixtures("fewer_resamples")
def test_an_obvious_effect_is_seen(noise):
    obvious = experiments(noise, 8, 60, effect=log(3), scale=0.1)
    found = verdicts(obvious)
    assert found["better", "holds"] >= 0.95 * 60
    assert found["not-better", "does not hold"] >= 0.95 * 60
    assert found["equal", "does not hold"] >= 0.95 * 60
    assert share("better", -obvious, "does not hold") >= 0.95


def test_three_seeds_see_a_trained_generator():
    obvious = experiments("normal", 3, 200, effect=log(20), scale=0.1)
    assert share("better", obvious, "holds") >= 0.99


def test_equal_arms_are_found_equal_if_the_noise_is_small():
    assert share("equal", experiments("normal", 5, 100, scale=0.02), "holds") >= 0.95


def test_by_hand():
    # mean 2, deviation 1, error 1/√3, and 4.3027 is the 97.5 % point of t with 2 degrees of freedom
    found = interval([1.0, 2.0, 3.0])
    assert found.method == "Student t"
    assert found.low == pytest.approx(2 - 4.302653 / sqrt(3))
    assert found.high == pytest.approx(2 + 4.302653 / sqrt(3))
    # t = 2√3 with 2 degrees of freedom: p = 1/2 - t / (2 √(t² + 2))
    assert p_value("better", [1.0, 2.0, 3.0], 0.5) == pytest.approx(0.5 - sqrt(12 / 14) / 2)
    assert iqm([0, 1, 2, 3, 4, 5, 6, 700]) == 3.5
    assert iqm([5, 1, 3]) == 3


def test_eight_seeds_are_resampled_and_repeat():
    values = [0.1, 0.2, 0.15, 0.3, 0.25, 0.2, 0.1, 5.0]
    found = interval(values)
    assert found.method == "bootstrap"
    assert 0.1 <= found.low < iqm(values) < found.high
    assert found == interval(values)


@pytest.mark.parametrize(
    ("kind", "values", "verdict"),
    [
        ("better", [0.5, 0.51, 0.49], "holds"),
        ("better", [-0.5, -0.51, -0.49], "does not hold"),
        ("better", [0.01, 0.011, 0.009], "does not hold"),  # clear, but not worth a verdict
        ("better", [0.5, -0.5, 0.1], "cannot be told"),
        ("not-better", [0.5, 0.51, 0.49], "does not hold"),
        ("not-better", [-0.5, -0.51, -0.49], "holds"),
        ("equal", [0.01, 0.011, 0.009], "holds"),
        ("equal", [-0.5, -0.51, -0.49], "does not hold"),
        ("equal", [0.5, -0.5, 0.1], "cannot be told"),
    ],
)
def test_rules(kind, values, verdict):
    assert judge(kind, values, SMALLEST).verdict == verdict


def test_equal_differences_need_no_spread():
    assert judge("equal", [0.0, 0.0, 0.0], 0.1).verdict == "holds"
    assert judge("equal", [0.0] * 8, 0.1).verdict == "holds"
    assert p_value("better", [0.0, 0.0], 0.1) == 1
    assert p_value("better", [0.3, 0.3], 0.1) == 0


def test_a_p_value_belongs_to_the_expectation():
    clear = [0.5, 0.51, 0.49]
    assert p_value("better", clear, SMALLEST) < 0.001
    assert p_value("not-better", clear, SMALLEST) > 0.99
    assert p_value("equal", clear, SMALLEST) > 0.99
    assert p_value("equal", [0.01, 0.011, 0.009], SMALLEST) < 0.001


def test_probability_of_improvement_counts_all_pairs():
    assert probability_of_improvement([2, 3], [0, 1]) == 1
    assert probability_of_improvement([1, 1], [1, 1]) == 0.5
    assert probability_of_improvement([0, 3], [1, 2]) == 0.5


def test_holm_by_hand():
    # sorted: 0.001 × 4, 0.01 × 3, 0.02 × 2, 0.9 × 1
    assert holm([0.9, 0.01, 0.001, 0.02]) == pytest.approx([0.9, 0.03, 0.004, 0.04])
    assert holm([0.5, 0.6]) == [1.0, 1.0]  # never above 1, never below a smaller one
    assert holm([]) == []


def test_one_refuted_expectation_refutes():
    assert combine(["holds", "holds"]) == "holds"
    assert combine(["holds", "cannot be told", "does not hold"]) == "does not hold"


@pytest.mark.parametrize("values", [[1.0], [], [1.0, float("nan")]])
def test_too_few_or_unusable_differences(values):
    with pytest.raises(ValueError, match="two finite differences"):
        judge("better", values, 0.1)
