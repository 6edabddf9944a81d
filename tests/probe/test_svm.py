"""The linear L2-SVM beside scikit-learn's, and the choice of C."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC

from dcgan.errors import DataError
from dcgan.probe import curvature, svm
from dcgan.probe.svm import GRID, SquaredHinge, choose


@pytest.fixture
def sample():
    """(X, y): four noisy linear classes over features of very different sizes, off zero."""
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 12)) * np.linspace(0.3, 3, 12) + 2
    scores = (features[:, :4] - 2) @ random.normal(size=(4, 4)) + random.normal(size=(200, 4))
    return features, scores.argmax(axis=1)


def normalised(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=1).mean())


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_it_solves_what_scikit_learn_solves(sample, C):
    """Whose bias is regularised, but hardly so when its feature is a large constant."""
    features, labels = sample
    theirs = LinearSVC(C=C, dual=False, intercept_scaling=100, tol=1e-9, max_iter=10**5)
    theirs.fit(normalised(features), labels)
    wanted = theirs.decision_function(normalised(features))
    ours = SquaredHinge(features, labels, 4, tolerance=1e-13).fit(C)
    assert ours.converged
    np.testing.assert_allclose(ours.decide(features), wanted, atol=1e-4)
    # as it is used: single precision, a coarser end
    single = features.astype(np.float32)
    quick = SquaredHinge(single, labels, 4).fit(C)
    np.testing.assert_allclose(quick.decide(single), wanted, atol=0.02)


@pytest.mark.parametrize("C", [256.0, 4096.0])
def test_a_large_c_on_classes_that_can_be_separated_is_solved_too(C):
    """The objective, divided by 2CN, is far below 1 there: absolute tolerances end too early."""
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 100)) * np.geomspace(0.05, 3, 100)
    labels = (features @ random.normal(size=(100, 3)) + random.normal(size=(80, 3))).argmax(1)
    scale = normalised(features)[0, 0] / (features - features.mean(axis=0))[0, 0]
    sign = np.where(np.arange(3) == labels[:, None], 1, -1)

    def objective(found):
        slack = np.clip(1 - sign * found.decide(features), 0, None)
        return (found.weight**2).sum() / scale**2 / 2 + C * (slack**2).sum()

    theirs = LinearSVC(C=C, dual=False, intercept_scaling=100, tol=1e-9, max_iter=10**4)
    theirs.fit(normalised(features), labels)
    slack = np.clip(1 - sign * theirs.decision_function(normalised(features)), 0, None)
    wanted = (theirs.coef_**2).sum() / 2 + C * (slack**2).sum()
    ours = SquaredHinge(features, labels, 3).fit(C)
    assert ours.converged
    assert objective(ours) == pytest.approx(wanted, rel=1e-3)


def test_neither_an_offset_nor_one_factor_for_all_features_matters(sample):
    features, labels = sample
    plain = SquaredHinge(features, labels, 4, tolerance=1e-13).fit(1.0)
    moved = SquaredHinge(50 * features + 7, labels, 4, tolerance=1e-13).fit(1.0)
    np.testing.assert_allclose(plain.decide(features), moved.decide(50 * features + 7), atol=1e-4)


def test_a_fit_that_starts_from_another_ends_at_the_same_place_sooner(sample):
    features, labels = sample
    first = SquaredHinge(features[:150], labels[:150], 4, tolerance=1e-10).fit(1.0)
    cold = SquaredHinge(features, labels, 4, tolerance=1e-10)
    warm = SquaredHinge(features, labels, 4, tolerance=1e-10, start=first)
    apart = [fitted.fit(1.0) for fitted in (cold, warm)]
    np.testing.assert_allclose(apart[0].decide(features), apart[1].decide(features), atol=1e-3)
    assert apart[1].steps < apart[0].steps
    done = SquaredHinge(features[:150], labels[:150], 4, tolerance=1e-10, start=first).fit(1.0)
    assert done.steps <= svm._FLAT_STEPS, "it starts at its own end"
    np.testing.assert_allclose(done.decide(features), first.decide(features), atol=1e-3)


def test_knowing_the_curvature_ends_at_the_same_place_in_fewer_steps(monkeypatch):
    random = np.random.default_rng(0)
    # directions of very different lengths, turned, as features of a network have them
    step_plan, _ = np.linalg.qr(random.normal(size=(40, 40)))
    features = random.normal(size=(600, 40)) * np.geomspace(1, 1e-2, 40) @ step_plan + 3
    labels = ((features - 3) @ step_plan.T @ random.normal(size=(40, 3))).argmax(axis=1)
    steps, decisions = [], []
    for most in (0, 8192):
        monkeypatch.setattr(svm, "MOST_FEATURES", most)
        problem = SquaredHinge(features, labels, 3, tolerance=1e-12)
        fitted = [problem.fit(C) for C in (0.01, 1.0, 100.0)]
        steps.append(sum(one.steps for one in fitted))
        decisions.append([one.decide(features) for one in fitted])
    for plain, known in zip(*decisions, strict=True):
        np.testing.assert_allclose(known, plain, atol=2e-3 * np.abs(plain).max())
    assert steps[1] < steps[0] / 2, steps


def test_features_that_repeat_each_other_are_no_obstacle(monkeypatch):
    """Their covariance is singular, and in single precision worse than that."""
    random = np.random.default_rng(0)
    few = random.normal(size=(300, 4)).astype(np.float32)
    features = np.repeat(few, 30, axis=1) + 100
    labels = few.argmax(axis=1)
    found = SquaredHinge(features, labels, 4).fit(4096.0)
    assert np.mean(found.predict(features) == labels) > 0.9

    monkeypatch.setattr(curvature, "_LEAST", 1e-12)
    features_NF = torch.from_numpy(features)
    rescaled = curvature.Curvature(features_NF, features_NF.mean(dim=0), 0.1)
    rescaled.choose(0.0)
    weight_KF = torch.randn(4, 120)
    there_and_back = rescaled.bend(rescaled.straighten(weight_KF))
    torch.testing.assert_close(there_and_back, weight_KF, atol=0.01, rtol=0.01)


def test_two_classes_and_one_that_is_rare_are_learned():
    random = np.random.default_rng(0)
    features = random.normal(size=(100, 3)).astype(np.float32)
    labels = (features[:, 0] > 1.2).astype(np.int64)
    found = SquaredHinge(features, labels, 2).fit(1000.0)
    assert np.mean(found.predict(features) == labels) > 0.97


@pytest.mark.parametrize("bad", ["same", "nan", "infinite"])
def test_features_from_which_nothing_can_be_learned_are_refused(bad):
    features = np.ones((10, 3), np.float32)
    features[2, 1] = {"same": 1, "nan": np.nan, "infinite": np.inf}[bad]
    with pytest.raises(DataError, match="nothing can be learned"):
        SquaredHinge(features, np.arange(10) % 2, 2)


def test_c_is_chosen_on_the_validation_part(sample):
    features, labels = (part.astype(kind) for part, kind in zip(sample, ("f4", "i8"), strict=True))
    problem = SquaredHinge(features[:100], labels[:100], 4)
    chosen = choose(problem, features[100:], labels[100:])
    other = SquaredHinge(features[:100], labels[:100], 4)
    accuracies = [np.mean(other.fit(C).predict(features[100:]) == labels[100:]) for C in GRID]
    best = int(np.argmax(accuracies))
    assert GRID[best] == chosen.svm.C
    assert chosen.accuracy == accuracies[best]
    assert np.mean(chosen.svm.predict(features[100:]) == labels[100:]) == chosen.accuracy


def test_a_best_c_at_the_edge_of_the_grid_is_said(sample):
    features, labels = (part.astype(kind) for part, kind in zip(sample, ("f4", "i8"), strict=True))
    problem = SquaredHinge(features, labels, 4)
    # nobody is ever right, so that the least C stays the best
    chosen = choose(problem, features, np.full(200, 9))
    assert chosen.is_at_edge
    assert GRID[0] == chosen.svm.C
