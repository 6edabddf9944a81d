"""Fréchet distance: closed forms, invariances, torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import ortho_group
from torchmetrics.image.fid import _compute_fid

from dcgan.errors import DataError
from dcgan.metrics.frechet import Moments, frechet_distance


def gaussian(mean, covariance) -> Moments:
    return Moments(1000, np.asarray(mean, float), np.asarray(covariance, float))


def random_covariance(random, width, rank=None):
    factor = random.standard_normal((width, rank or width))
    return factor @ factor.T


def test_moments_are_those_of_numpy_and_any_number_of_parts():
    random = np.random.default_rng(0)
    features = (1e4 + random.standard_normal((9000, 5))).astype(np.float32)
    moments = Moments.of(features)
    assert moments.count == 9000
    np.testing.assert_allclose(moments.mean_F, features.astype(float).mean(axis=0), rtol=1e-12)
    expected = np.cov(features.astype(float), rowvar=False)
    np.testing.assert_allclose(moments.covariance_FF, expected, rtol=1e-6, atol=1e-9)


def test_the_covariance_of_two_images_is_divided_by_one():
    moments = Moments.of(np.array([[0.0, 0.0], [2.0, 4.0]]))
    np.testing.assert_allclose(moments.covariance_FF, [[2, 4], [4, 8]])


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(*[st.floats(-10, 10)] * 2, *[st.floats(0, 10)] * 2), min_size=1, max_size=6)
)
def test_with_diagonal_covariances_it_is_the_distance_of_means_and_deviations(axes):
    """Zeros among the deviations, so that covariances are singular."""
    mean_a, mean_b, deviation_a, deviation_b = np.array(axes).T
    found = frechet_distance(
        gaussian(mean_a, np.diag(deviation_a**2)), gaussian(mean_b, np.diag(deviation_b**2))
    )
    expected = ((mean_a - mean_b) ** 2 + (deviation_a - deviation_b) ** 2).sum()
    assert found == pytest.approx(expected, abs=1e-5)


def test_with_commuting_covariances_it_is_that_of_their_eigenvalues():
    basis = ortho_group.rvs(12, random_state=0)
    a, b = np.random.default_rng(1).uniform(0, 9, (2, 12))
    a[3] = b[5] = a[7] = b[7] = 0
    found = frechet_distance(
        gaussian(np.zeros(12), basis * a @ basis.T), gaussian(np.ones(12), basis * b @ basis.T)
    )
    assert found == pytest.approx(12 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rel=1e-6)


def test_with_any_covariances_it_is_the_formula_with_the_root_of_their_product():
    random = np.random.default_rng(2)
    a, b = (random_covariance(random, 8) for _ in range(2))
    mean_a, mean_b = random.standard_normal((2, 8))
    root = sqrtm(a @ b).real
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet_distance(gaussian(mean_a, a), gaussian(mean_b, b)) == pytest.approx(expected)


def test_singular_covariances_on_different_lines():
    """tr (Σ₁Σ₂)^½ = |cos| of the angle between two lines of deviation 1."""
    a, b = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    found = frechet_distance(gaussian([0, 0], np.outer(a, a)), gaussian([0, 0], np.outer(b, b)))
    assert found == pytest.approx(2 - 2 * 0.6)


def test_it_agrees_with_torchmetrics_where_that_is_well_conditioned():
    random = np.random.default_rng(3)
    a, b = (Moments.of(random.standard_normal((500, 20)) * (k + 1) + k) for k in range(2))
    tensors = (torch.from_numpy(x) for m in (a, b) for x in (m.mean_F, m.covariance_FF))
    assert frechet_distance(a, b) == pytest.approx(_compute_fid(*tensors).item(), rel=1e-9)


def test_it_does_not_change_when_both_sets_are_moved_and_turned():
    random = np.random.default_rng(4)
    a, b = random.standard_normal((40, 30)), random.standard_normal((20, 30)) * 2
    step_plan, shift = ortho_group.rvs(30, random_state=5), random.standard_normal(30)
    before = frechet_distance(Moments.of(a), Moments.of(b))
    after = frechet_distance(Moments.of(a @ step_plan + shift), Moments.of(b @ step_plan + shift))
    assert after == pytest.approx(before, rel=1e-6)
    assert frechet_distance(Moments.of(b), Moments.of(a)) == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize("rank", [1, 5, 40])
def test_a_set_has_no_distance_from_itself_and_never_a_negative_one(rank):
    for seed in range(20):
        random = np.random.default_rng(seed)
        moments = gaussian(random.standard_normal(40), random_covariance(random, 40, rank) * 1e6)
        assert 0 <= frechet_distance(moments, moments) < 1e-6


def test_constant_features_differ_by_their_means_alone():
    a, b = np.full((9, 3), 2.0), np.full((9, 3), 4.0)
    assert frechet_distance(Moments.of(a), Moments.of(b)) == pytest.approx(12)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (np.zeros((1, 4)), "at least 2"),
        (np.zeros((0, 4)), "at least 2"),
        (np.zeros((4, 0)), "shape"),
        (np.zeros((4, 4, 1)), "shape"),
        (np.array([[0.0], [np.nan]]), "NaN"),
        (np.array([[np.inf], [-np.inf]]), "NaN or infinity"),
    ],
)
def test_unusable_features_are_refused(features, said):
    with pytest.raises(DataError, match=said):
        Moments.of(features)


def test_moments_of_different_width_are_refused():
    with pytest.raises(DataError, match="2 and of 3 features"):
        frechet_distance(gaussian([0] * 2, np.eye(2)), gaussian([0] * 3, np.eye(3)))
