"""Precision, recall, density, coverage: double loops, closed forms, invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.errors import DataError
from dcgan.metrics import neighbors
from dcgan.metrics.neighbors import DensityCoverage, density_coverage, precision_recall


def normal(count, width, seed):
    return np.random.default_rng(seed).standard_normal((count, width))


def radius(points, index, k):
    """Distance to the k-th nearest other point."""
    return sorted(math.dist(points[index], p) for i, p in enumerate(points) if i != index)[k - 1]


def inside_by_hand(centers, points, k, closed):
    """[i][j]: whether point j lies in the ball round center i."""
    return np.array(
        [
            [
                math.dist(center, point) <= radius(centers, i, k) * (1 + 1e-9)
                if closed
                else math.dist(center, point) < radius(centers, i, k) * (1 - 1e-9)
                for point in points
            ]
            for i, center in enumerate(centers)
        ]
    )


def by_hand(real, generated, k):
    closed = inside_by_hand(real, generated, k, closed=True)
    swapped = inside_by_hand(generated, real, k, closed=True)
    opened = inside_by_hand(real, generated, k, closed=False)
    return (
        closed.any(axis=0).mean(),
        swapped.any(axis=0).mean(),
        opened.sum() / (k * len(generated)),
        opened.any(axis=1).mean(),
    )


def all_four(real, generated, k):
    fidelity, coverage = (
        precision_recall(real, generated, k=k),
        density_coverage(real, generated, k=k),
    )
    return fidelity.precision, fidelity.recall, coverage.density, coverage.coverage


@settings(deadline=None, max_examples=25)
@given(
    st.integers(6, 14), st.integers(6, 14), st.integers(1, 4), st.integers(1, 5), st.integers(0, 99)
)
def test_they_are_what_a_double_loop_counts(reals, generateds, width, k, seed):
    """On a grid, where many points coincide or lie on the edge of a ball."""
    random = np.random.default_rng(seed)
    real = random.integers(0, 4, (reals, width)).astype(float)
    generated = random.integers(0, 4, (generateds, width)).astype(float)
    assert all_four(real, generated, k) == pytest.approx(by_hand(real, generated, k))


def test_they_are_what_a_double_loop_counts_away_from_edges():
    real, generated = normal(40, 5, 0), normal(30, 5, 1) * 1.2 + 0.3
    assert all_four(real, generated, 3) == pytest.approx(by_hand(real, generated, 3))


def test_it_does_not_matter_in_how_many_parts_distances_are_taken(monkeypatch):
    real, generated = normal(40, 5, 0), normal(30, 5, 1)
    whole = all_four(real, generated, 3)
    monkeypatch.setattr(neighbors, "_ENTRIES", 100)
    assert all_four(real, generated, 3) == whole


def test_defaults_are_those_of_the_papers():
    assert precision_recall.__kwdefaults__ == {"k": 3}
    assert density_coverage.__kwdefaults__ == {"k": 5}


@pytest.mark.parametrize(
    ("reals", "generateds", "k"), [(600, 600, 5), (600, 200, 3), (150, 500, 1)]
)
def test_two_samples_of_one_distribution_have_the_expected_density_and_coverage(
    reals, generateds, k
):
    """All k nearest of the other N + M - 1 images are real for a ball to be empty."""
    found = [
        density_coverage(normal(reals, 4, 2 * i), normal(generateds, 4, 2 * i + 1), k=k)
        for i in range(20)
    ]
    empty = math.prod((reals - i) / (reals + generateds - i) for i in range(1, k + 1))
    for values, expected in (
        ([f.density for f in found], 1),
        ([f.coverage for f in found], 1 - empty),
    ):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values) - expected) < 4 * error
        assert error < 0.02


def test_equal_normal_samples_cover_as_published():
    """Naeem et al. 2020: density about 1, coverage about 0.97 at k = 5 in 64 dimensions."""
    found = density_coverage(normal(2000, 64, 0), normal(2000, 64, 1), k=5)
    assert found.density == pytest.approx(1, abs=0.06)
    assert found.coverage == pytest.approx(0.969, abs=0.015)


def test_edges_are_where_they_are_however_rounding_falls():
    """Real pairs far from each other, and each generated one the mirror image of a partner."""
    first = normal(150, 8, 0) * 100
    second = first + normal(150, 8, 1)
    real, mirrored = np.concatenate([first, second]), 2 * first - second
    assert precision_recall(real, mirrored, k=1).precision == 1
    assert density_coverage(real, mirrored, k=1) == DensityCoverage(0, 0)


def test_a_copy_of_the_real_images_has_all_four_at_one():
    real = normal(200, 16, 0) + 50
    assert all_four(real, real[::-1].copy(), 4) == (1, 1, 1, 1)


def test_sets_far_apart_share_nothing():
    assert all_four(normal(50, 4, 0), normal(50, 4, 1) + 100, 3) == (0, 0, 0, 0)


def test_a_generator_of_one_mode_is_precise_and_recalls_only_that():
    real = np.concatenate([normal(300, 4, 0), normal(300, 4, 1) + 100])
    found = precision_recall(real, normal(300, 4, 2))
    assert found.precision > 0.7
    assert 0.3 < found.recall <= 0.5


def test_precision_is_recall_of_the_swapped_sets():
    real, generated = normal(90, 6, 0), normal(70, 6, 1) * 0.7
    forth, back = precision_recall(real, generated), precision_recall(generated, real)
    assert (forth.precision, forth.recall) == (back.recall, back.precision)
    assert forth.precision != forth.recall


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_unit_origin_and_order_of_features_do_not_matter(scale):
    real, generated = normal(80, 6, 0), normal(90, 6, 1) + 0.5
    before = all_four(real, generated, 3)
    random = np.random.default_rng(2)
    columns, rows = random.permutation(6), random.permutation(80)
    after = all_four(scale * (real[rows][:, columns] + 3), scale * (generated[:, columns] + 3), 3)
    assert after == pytest.approx(before)


def test_one_diverged_image_does_not_blur_the_others():
    """Rounding is judged by each ball's own numbers, not by the largest of all."""
    real, generated = normal(100, 4, 0), normal(100, 4, 1)
    lost = np.concatenate([generated, np.full((1, 4), 1e7)])
    whole, damaged = density_coverage(real, generated), density_coverage(real, lost)
    assert damaged.coverage == whole.coverage
    assert damaged.density * 101 == pytest.approx(whole.density * 100)


@pytest.mark.parametrize("measure", [precision_recall, density_coverage])
@pytest.mark.parametrize(
    ("real", "generated", "k", "said"),
    [
        (normal(5, 3, 0), normal(9, 3, 0), 5, "k is 5 among 5 real"),
        (normal(5, 3, 0), normal(9, 3, 0), 0, "at least 1"),
        (normal(0, 3, 0), normal(9, 3, 0), 1, "real: 0 images"),
        (normal(9, 3, 0), normal(0, 3, 0), 1, "generated: 0 images"),
        (normal(9, 3, 0), normal(9, 2, 0), 1, "real has 3, generated has 2"),
        (normal(9, 3, 0), normal(9, 3, 0) * np.nan, 1, "generated: the features contain NaN"),
    ],
)
def test_unusable_sets_are_refused(measure, real, generated, k, said):
    with pytest.raises(DataError, match=said):
        measure(real, generated, k=k)


def test_recall_needs_neighbors_among_generated_images_too():
    with pytest.raises(DataError, match="among 3 generated"):
        precision_recall(normal(9, 3, 0), normal(3, 3, 1))
