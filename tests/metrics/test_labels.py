"""Measures of labels: formulas written otherwise, and known extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.errors import DataError
from dcgan.metrics.labels import inception_score, label_entropy, label_shares, mode_coverage


def random_probabilities(count, classes=5, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), count)


def test_inception_score_is_entropy_of_the_mean_less_mean_entropy():
    """exp(H(mean p) - mean H(p)): the mutual information, by another formula."""
    probabilities = random_probabilities(103)
    sizes = [10, 10, 10, 11, 10, 10, 11, 10, 10, 11]  # from floor(10.3 i) to floor(10.3 (i + 1))
    expected, start = [], 0
    for size in sizes:
        part = probabilities[start : start + size]
        mean = part.mean(axis=0)
        entropies = -(part * np.log(part)).sum(axis=1)
        expected.append(np.exp(-(mean * np.log(mean)).sum() - entropies.mean()))
        start += size
    found = inception_score(probabilities)
    assert found.value == pytest.approx(np.mean(expected))
    assert found.error == pytest.approx(np.std(expected, ddof=1) / np.sqrt(10))


def test_sure_and_varied_labels_score_the_number_of_classes():
    assert inception_score(np.tile(np.eye(7), (20, 1))).value == pytest.approx(7)


@pytest.mark.parametrize("one", [np.eye(4)[2], np.full(4, 0.25)])
def test_collapsed_and_unsure_labels_score_one(one):
    found = inception_score(np.tile(one, (40, 1)))
    assert (found.value, found.error) == (pytest.approx(1), pytest.approx(0, abs=1e-12))


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 9), st.integers(2, 40), st.integers(0, 99))
def test_inception_score_lies_between_one_and_the_number_of_classes(classes, count, seed):
    found = inception_score(random_probabilities(count, classes, seed), splits=2)
    assert 1 - 1e-9 <= found.value <= classes + 1e-9


def test_shares_are_those_of_the_most_probable_class():
    probabilities = np.array([[0.6, 0.4, 0], [0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0, 1, 0]])
    np.testing.assert_allclose(label_shares(probabilities), [0.25, 0.75, 0])


def test_a_class_counts_from_a_tenth_of_its_real_share_on():
    real = np.array([0.5, 0.3, 0.2, 0.0])
    shares = np.array([0.05, 0.029, 0.5, 0.421])
    assert mode_coverage(shares, real) == 2
    assert mode_coverage(shares, real, fraction=0.09) == 3
    assert mode_coverage(shares, real, fraction=1.0) == 1


def test_a_class_that_no_real_image_has_never_counts():
    assert mode_coverage(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == 1


def test_entropy_is_in_nats():
    assert label_entropy(np.full(8, 1 / 8)) == pytest.approx(math.log(8))
    assert label_entropy(np.array([0.0, 1.0, 0.0])) == 0
    assert label_entropy(np.array([0.25, 0.75])) == pytest.approx(0.5623351446)


@pytest.mark.parametrize(
    ("probabilities", "said"),
    [
        (np.array([[0.5, 0.6], [0.5, 0.5]]), "sum to 1"),
        (np.array([[1.5, -0.5], [0.5, 0.5]]), "at least 0"),
        (np.array([[np.nan, 1], [0.5, 0.5]]), "NaN"),
        (np.zeros((0, 3)), "0 images"),
        (np.ones(3), "shape"),
    ],
)
def test_what_is_no_probability_is_refused(probabilities, said):
    with pytest.raises(DataError, match=said):
        label_shares(probabilities)
    with pytest.raises(DataError, match=said):
        inception_score(probabilities, splits=2)


def test_half_precision_rows_need_not_sum_to_one_exactly():
    probabilities = random_probabilities(50, 100).astype(np.float16)
    assert label_shares(probabilities).sum() == pytest.approx(1)


@pytest.mark.parametrize(("splits", "said"), [(1, "at least 2"), (11, "10 images; at least 11")])
def test_splits_that_cannot_be_are_refused(splits, said):
    with pytest.raises(DataError, match=said):
        inception_score(random_probabilities(10), splits=splits)


@pytest.mark.parametrize("fraction", [0.0, 1.1, -1.0])
def test_fractions_out_of_range_are_refused(fraction):
    with pytest.raises(DataError, match="above 0 and at most 1"):
        mode_coverage(np.ones(1), np.ones(1), fraction=fraction)


def test_shares_of_different_classifiers_are_refused():
    with pytest.raises(DataError, match="same classifier"):
        mode_coverage(np.full(2, 0.5), np.full(4, 0.25))
