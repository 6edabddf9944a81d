"""Kernel distance: all pairs by hand, torchmetrics, the draws of torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from dcgan.errors import DataError
from dcgan.metrics import kernel
from dcgan.metrics.kernel import chance_error, kernel_distance, squared_mmd


def sample(count, width=6, seed=0, shift=0.0):
    return np.random.default_rng(seed).standard_normal((count, width)) + shift


def test_squared_mmd_is_the_mean_over_pairs_of_different_images():
    a, b = sample(7), sample(5, seed=1)

    def k(x, y):
        return (x @ y / 6 + 1) ** 3

    within_a = np.mean([k(a[i], a[j]) for i in range(7) for j in range(7) if i != j])
    within_b = np.mean([k(b[i], b[j]) for i in range(5) for j in range(5) if i != j])
    between = np.mean([k(x, y) for x in a for y in b])
    assert squared_mmd(a, b) == pytest.approx(within_a + within_b - 2 * between)


def test_squared_mmd_agrees_with_torchmetrics():
    a, b = sample(50, 32), sample(50, 32, seed=1, shift=0.5)
    expected = poly_mmd(torch.from_numpy(a), torch.from_numpy(b)).item()
    assert squared_mmd(a, b) == pytest.approx(expected, rel=1e-9)


def test_it_does_not_matter_in_how_many_parts_the_kernel_is_summed(monkeypatch):
    a, b = sample(30), sample(40, seed=1)
    whole = squared_mmd(a, b)
    monkeypatch.setattr(kernel, "_ENTRIES", 100)
    assert squared_mmd(a, b) == pytest.approx(whole)


def test_it_is_unbiased_at_small_counts():
    """A biased statistic would average several times the tolerance."""
    found = [squared_mmd(sample(10, seed=2 * i), sample(10, seed=2 * i + 1)) for i in range(2000)]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 4 * error
    assert min(found) < 0


def test_subsets_are_those_that_torch_fidelity_draws():
    a, b = sample(60), sample(80, seed=1, shift=0.3)
    random = np.random.RandomState(7)
    found = []
    for _ in range(5):
        part_a = a[random.choice(60, 40, replace=False)]
        part_b = b[random.choice(80, 40, replace=False)]
        found.append(poly_mmd(torch.from_numpy(part_a), torch.from_numpy(part_b)).item())
    estimate = kernel_distance(a, b, subsets=5, size=40, seed=7)
    assert estimate.value == pytest.approx(np.mean(found), rel=1e-9)
    assert estimate.error == pytest.approx(np.std(found, ddof=1) / np.sqrt(5), rel=1e-9)


def test_defaults_are_a_hundred_subsets_of_a_thousand_from_seed_2020():
    assert kernel_distance.__kwdefaults__ == {"subsets": 100, "size": 1000, "seed": 2020}


def test_subsets_are_no_larger_than_the_smaller_set():
    a, b = sample(30), sample(50, seed=1)
    assert kernel_distance(a, b, subsets=3) == kernel_distance(a, b, subsets=3, size=30)
    assert kernel_distance(b, a, subsets=3) == kernel_distance(b, a, subsets=3, size=30)


def test_whole_sets_have_no_error_to_estimate():
    a, b = sample(30), sample(30, seed=1)
    estimate = kernel_distance(a, b)
    assert estimate.value == pytest.approx(squared_mmd(a, b))
    assert np.isnan(estimate.error)


def test_half_precision_features_are_computed_in_double():
    a, b = (sample(20, seed=s).astype(np.float16) * 100 for s in range(2))
    assert squared_mmd(a, b) == pytest.approx(squared_mmd(a.astype(float), b.astype(float)))


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (sample(1), sample(5), "a: 1 image;"),
        (sample(5), sample(5, 4), "a has 6, b has 4"),
        (sample(5), np.full((5, 6), np.nan), "b: the features contain NaN"),
    ],
)
@pytest.mark.parametrize("measure", [kernel_distance, squared_mmd])
def test_unusable_sets_are_refused(measure, a, b, said):
    with pytest.raises(DataError, match=said):
        measure(a, b)


@pytest.mark.parametrize("setting", [{"subsets": 1}, {"size": 1}])
def test_settings_that_allow_no_estimate_are_refused(setting):
    with pytest.raises(DataError, match="at least 2 subsets of at least 2 images"):
        kernel_distance(sample(9), sample(9), **setting)


def test_a_list_of_features_is_refused():
    with pytest.raises(DataError, match=r"a: of type list\. Use a NumPy array"):
        kernel_distance([[1.0, 2.0]], [[3.0, 4.0]])


def test_the_chance_error_is_the_spread_between_sets_of_one_distribution():
    random = np.random.default_rng(0)
    sets = random.standard_normal((401, 60, 5))
    distances = [squared_mmd(sets[0], other) for other in sets[1:]]
    apart = [squared_mmd(one, other) for one, other in zip(sets[1::2], sets[2::2], strict=True)]
    stated = np.median([chance_error(*sets[place : place + 2]) for place in range(20)])
    assert stated == pytest.approx(np.std(apart), rel=0.2)
    assert np.std(distances) < 1.3 * stated


def test_the_chance_error_is_the_same_in_parts(monkeypatch):
    a, b = np.random.default_rng(1).standard_normal((2, 23, 4))
    whole = chance_error(a, b)
    monkeypatch.setattr(kernel, "_ENTRIES", 50)
    assert chance_error(a, b) == pytest.approx(whole)
    h = [
        k(a[i], a[j]) + k(b[i], b[j]) - k(a[i], b[j]) - k(a[j], b[i])
        for i in range(23)
        for j in range(23)
        if i != j
    ]
    assert whole == pytest.approx(np.sqrt(2 * np.mean(np.square(h)) / (23 * 22)))


def k(x, y):
    return (x @ y / len(x) + 1) ** 3
