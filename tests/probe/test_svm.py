"""The linear L2-SVM compared with scikit-learn's, and the choice of C."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from dcgan.errors import DataError
from dcgan.probe.svm import GRID, LinearSVM, choose, fits


@pytest.fixture
def sample():
    """(X, y): four noisy linear classes over features of very different sizes, off zero."""
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 12)) * np.linspace(0.3, 3, 12) + 2
    scores = (features[:, :4] - 2) @ random.normal(size=(4, 4)) + random.normal(size=(200, 4))
    return features, scores.argmax(axis=1)


def normalized(features: np.ndarray) -> np.ndarray:
    centered = features - features.mean(axis=0)
    return centered / np.sqrt((centered**2).sum(axis=1).mean())


def fit(features: np.ndarray, labels: np.ndarray, classes: int, C: float) -> LinearSVM:
    return next(fits(features, labels, classes, [C]))


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_it_solves_what_scikit_learn_solves(sample, C, kind):
    """LinearSVC regularizes the bias, but hardly so when its feature is a large constant."""
    features, labels = sample
    theirs = LinearSVC(C=C, dual=False, intercept_scaling=100, tol=1e-9, max_iter=10**5)
    theirs.fit(normalized(features), labels)
    wanted = theirs.decision_function(normalized(features))
    ours = fit(features.astype(kind), labels, 4, C)
    assert ours.converged
    np.testing.assert_allclose(ours.decide(features.astype(kind)), wanted, atol=0.02)


@pytest.mark.parametrize("C", [256.0, 4096.0])
@pytest.mark.parametrize("images", [80, 300])
def test_a_large_c_on_classes_that_can_be_separated_is_solved_too(C, images):
    """Fewer images than features, and more."""
    random = np.random.default_rng(0)
    features = random.normal(size=(images, 100)) * np.geomspace(0.05, 3, 100)
    noise = random.normal(size=(images, 3))
    labels = (features @ random.normal(size=(100, 3)) + noise).argmax(1)
    scale = normalized(features)[0, 0] / (features - features.mean(axis=0))[0, 0]
    sign = np.where(np.arange(3) == labels[:, None], 1, -1)

    def objective(decision: np.ndarray, weight: np.ndarray) -> float:
        return (weight**2).sum() / 2 + C * (np.clip(1 - sign * decision, 0, None) ** 2).sum()

    theirs = LinearSVC(C=C, dual=False, intercept_scaling=100, tol=1e-9, max_iter=10**4)
    theirs.fit(normalized(features), labels)
    wanted = objective(theirs.decision_function(normalized(features)), theirs.coef_)
    ours = fit(features, labels, 3, C)
    assert ours.converged
    assert objective(ours.decide(features), ours.weight / scale) == pytest.approx(wanted, rel=1e-3)


def test_neither_an_offset_nor_one_factor_for_all_features_matters(sample):
    features, labels = sample
    plain = fit(features, labels, 4, 1.0)
    moved = fit(50 * features + 7, labels, 4, 1.0)
    np.testing.assert_allclose(plain.decide(features), moved.decide(50 * features + 7), atol=1e-3)


def test_a_fit_that_starts_from_another_c_ends_at_the_same_solution(sample):
    features, labels = sample
    *_, warm = fits(features, labels, 4, [0.01, 0.1, 1.0])
    cold = fit(features, labels, 4, 1.0)
    np.testing.assert_allclose(warm.decide(features), cold.decide(features), atol=0.01)


def test_features_that_repeat_each_other_are_no_obstacle():
    """Their covariance is singular, and in single precision worse than that."""
    random = np.random.default_rng(0)
    few = random.normal(size=(300, 4)).astype(np.float32)
    features = np.repeat(few, 30, axis=1) + 100
    labels = few.argmax(axis=1)
    assert np.mean(fit(features, labels, 4, 4096.0).predict(features) == labels) > 0.9


def test_two_classes_and_one_that_is_rare_are_learned():
    random = np.random.default_rng(0)
    features = random.normal(size=(100, 3)).astype(np.float32)
    labels = (features[:, 0] > 1.2).astype(np.int64)
    assert np.mean(fit(features, labels, 2, 1000.0).predict(features) == labels) > 0.97


@pytest.mark.parametrize("bad", ["same", "nan", "infinite"])
def test_features_from_which_nothing_can_be_learned_are_refused(bad):
    features = np.ones((10, 3), np.float32)
    features[2, 1] = {"same": 1, "nan": np.nan, "infinite": np.inf}[bad]
    with pytest.raises(DataError, match="nothing can be learned"):
        fit(features, np.arange(10) % 2, 2, 1.0)


def test_c_is_chosen_on_the_validation_part(sample):
    features, labels = (part.astype(kind) for part, kind in zip(sample, ("f4", "i8"), strict=True))
    chosen = choose(features[:100], labels[:100], 4, features[100:], labels[100:])
    accuracies = [
        np.mean(svm.predict(features[100:]) == labels[100:])
        for svm in fits(features[:100], labels[:100], 4, GRID)
    ]
    best = int(np.argmax(accuracies))
    assert GRID[best] == chosen.svm.C
    assert chosen.accuracy == accuracies[best]
    assert np.mean(chosen.svm.predict(features[100:]) == labels[100:]) == chosen.accuracy


def test_a_best_c_at_the_edge_of_the_grid_is_said(sample):
    features, labels = sample
    # no prediction is ever right, so that the smallest C stays the best
    chosen = choose(features, labels, 4, features, np.full(200, 9))
    assert chosen.is_at_edge
    assert GRID[0] == chosen.svm.C
