"""Copies of training images and of each other: brute force, null distributions, planted copies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.cluster import KMeans

from dcgan.errors import DataError
from dcgan.metrics import memorization
from dcgan.metrics.memorization import (
    copy_threshold,
    copying_test,
    duplicate_rate,
    nearest,
    repeats,
)


def normal(count, width=6, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width))


def test_nearest_is_what_a_double_loop_finds(monkeypatch):
    monkeypatch.setattr(memorization, "_ROWS", 7)
    queries, references = normal(30), normal(40, seed=1)
    distance, index = nearest(queries, references)
    for query, found, place in zip(queries, distance, index, strict=True):
        each = [math.dist(query, reference) for reference in references]
        assert found == pytest.approx(min(each), rel=1e-12)
        assert place == np.argmin(each)


def test_equal_rows_lie_exactly_at_zero_however_far_from_the_origin():
    references = (normal(50, 64) * 1e-3 + 1e3).astype(np.float32)
    distance, index = nearest(references[::-1], references)
    assert (distance == 0).all()
    assert (index == np.arange(50)[::-1]).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_z_counts_pairs_and_ties_by_half(n, m, distinct, seed):
    random = np.random.default_rng(seed)
    x, y = (random.integers(0, distinct, size).astype(float) for size in (n, m))
    larger = sum((a > b) + 0.5 * (a == b) for a in x for b in y)
    expected = (larger - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    assert memorization._mann_whitney_z(x, y) == pytest.approx(expected)


def test_z_is_the_score_behind_the_probability_of_scipy():
    x, y = normal(40, 1)[:, 0], normal(60, 1, seed=1)[:, 0] + 0.3
    known = mannwhitneyu(x, y, alternative="less", method="asymptotic", use_continuity=False).pvalue
    assert norm.cdf(memorization._mann_whitney_z(x, y)) == pytest.approx(known)


def test_c_t_is_the_weighted_mean_over_cells():
    training, held_out, generated = normal(300, 2), normal(200, 2, 1), normal(250, 2, 2) * 1.1
    parting = KMeans(6, n_init=1, random_state=3).fit(training)
    total = weight = skipped = 0
    for cell in range(6):
        parts = [x[parting.predict(x) == cell] for x in (training, held_out, generated)]
        if len(parts[2]) < 20:
            skipped += 1
            continue
        real, made = (nearest(part, parts[0])[0] for part in parts[1:])
        total += len(parts[1]) * memorization._mann_whitney_z(made, real)
        weight += len(parts[1])
    found = copying_test(generated, training, held_out, cells=6, seed=3)
    assert found == pytest.approx(total / weight)
    # at least one cell falls under the least number in a thinner set
    thin = generated[:110]
    assert copying_test(thin, training, held_out, cells=6, seed=3) != found


def test_training_images_that_repeat_give_as_many_cells_as_they_differ():
    training, held_out, generated = normal(3), normal(90, seed=1), normal(90, seed=2)
    training[0, 0] = 0.0
    often = np.repeat(training, 20, axis=0)
    often[0, 0] = -0.0
    found = copying_test(generated, often, held_out, cells=10)
    assert found == copying_test(generated, often, held_out, cells=3)


def test_cells_with_fewer_than_twenty_generated_images_do_not_count():
    """Two far clusters; all copying happens in the one with too few."""
    training = np.concatenate([normal(100), normal(100, seed=1) + 100])
    held_out = np.concatenate([normal(100, seed=2), normal(100, seed=3) + 100])
    honest = normal(100, seed=4)
    without = copying_test(honest, training, held_out, cells=2)
    copies = training[100:] + 1e-6
    nineteen = copying_test(np.concatenate([honest, copies[:19]]), training, held_out, cells=2)
    twenty = copying_test(np.concatenate([honest, copies[:20]]), training, held_out, cells=2)
    assert nineteen == without
    assert twenty < without - 2


def test_cells_without_held_out_images_do_not_count():
    training = np.concatenate([normal(100), normal(100, seed=1) + 100])
    near, far = normal(50, seed=4), training[100:150] + 1e-6
    held_out = normal(100, seed=2)
    alone = copying_test(near, training, held_out, cells=2)
    assert copying_test(np.concatenate([near, far]), training, held_out, cells=2) == alone


def test_cells_weigh_by_their_held_out_images():
    training = np.concatenate([normal(100), normal(100, seed=1) + 100])
    held_out = np.concatenate([normal(300, seed=2), normal(100, seed=3) + 100])
    near, far = normal(50, seed=4) * 1.5, training[100:150] + 1e-6
    each = [copying_test(part, training, held_out, cells=2) for part in (near, far)]
    both = copying_test(np.concatenate([near, far]), training, held_out, cells=2)
    assert both == pytest.approx(0.75 * each[0] + 0.25 * each[1])


def test_c_t_of_real_images_is_centered_on_zero():
    found = [
        copying_test(
            normal(200, 4, 3 * i), normal(200, 4, 3 * i + 1), normal(200, 4, 3 * i + 2), cells=4
        )
        for i in range(30)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(30)
    assert np.std(found) == pytest.approx(1 / np.sqrt(4), rel=0.4)


def test_copies_lie_far_below_zero_and_blurred_ones_far_above():
    training, held_out = normal(500), normal(500, seed=1)
    assert copying_test(training + 0.01 * normal(500, seed=2), training, held_out, cells=3) < -8
    assert copying_test(normal(500, seed=3) * 2, training, held_out, cells=3) > 5


def test_the_threshold_is_a_distance_that_one_in_a_hundred_held_out_images_has():
    training, held_out = normal(300), normal(500, seed=1)
    threshold = copy_threshold(training, held_out)
    distance, _ = nearest(held_out, training)
    assert threshold in distance
    assert (distance <= threshold).mean() == pytest.approx(0.01, abs=0.0021)
    assert copy_threshold(training, held_out, quantile=0.2) > threshold


def test_the_duplicate_rate_of_other_real_images_is_the_quantile():
    """Deviation as the docstring says, here over 40 draws."""
    found = [
        duplicate_rate(
            normal(500, 4, 3 * i),
            normal(300, 4, 3 * i + 1),
            normal(500, 4, 3 * i + 2),
            quantile=0.05,
        )
        for i in range(40)
    ]
    deviation = math.sqrt(0.05 * 0.95 * 2 / 500)
    assert abs(np.mean(found) - 0.05) < 4 * deviation / math.sqrt(40)
    assert np.std(found) == pytest.approx(deviation, rel=0.4)


def test_planted_copies_are_all_found():
    training, held_out = normal(400, 16), normal(400, 16, 1)
    generated = normal(200, 16, 2) + 3
    assert duplicate_rate(generated, training, held_out) == 0
    generated[:50] = training[:50] + 1e-3
    assert duplicate_rate(generated, training, held_out) == 0.25


def test_exact_copies_count_where_real_images_repeat_across_the_split():
    """The threshold is then 0, and its edge belongs to it."""
    training, held_out = normal(200), normal(200, seed=1)
    held_out[:10] = training[:10]
    assert copy_threshold(training, held_out) == 0
    generated = normal(100, seed=2)
    generated[:30] = training[50:80]
    assert duplicate_rate(generated, training, held_out) == pytest.approx(0.3)


def test_repeats_are_images_with_a_twin_and_not_with_themselves():
    generated = np.arange(10.0)[:, None] * 10
    assert repeats(generated, threshold=5) == 0
    generated[3] = generated[7] + 1
    assert repeats(generated, threshold=5) == 0.2
    assert repeats(generated, threshold=1) == 0.2
    assert repeats(generated, threshold=0.9) == 0
    assert repeats(np.repeat(generated, 2, axis=0), threshold=0) == 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: nearest(normal(0), normal(5)), "queries: 0 images"),
        (lambda: nearest(normal(5), normal(0)), "references: 0 images"),
        (lambda: nearest(normal(5, 2), normal(5, 3)), "queries has 2, references has 3"),
        (lambda: nearest(normal(5) * np.inf, normal(5)), "queries: the features contain NaN"),
        (lambda: copying_test(normal(9), normal(9), normal(9), cells=10), "cells is 10 with 9"),
        (lambda: copying_test(normal(9), normal(9), normal(9), cells=0), "at least 1"),
        (lambda: copying_test(normal(19), normal(9), normal(9), cells=1), "none of 1 cells"),
        (lambda: copying_test(normal(9), normal(9), normal(0)), "held_out: 0 images"),
        (lambda: copy_threshold(normal(9), normal(99)), "at least 100"),
        (lambda: duplicate_rate(normal(9), normal(9), normal(99)), "at least 100"),
        (lambda: copy_threshold(normal(9), normal(99), quantile=0.0), "above 0 and below 1"),
        (lambda: copy_threshold(normal(9), normal(99), quantile=1.0), "above 0 and below 1"),
        (lambda: repeats(normal(1), threshold=1), "at least 2"),
    ],
)
def test_unusable_sets_are_refused(call, said):
    with pytest.raises(DataError, match=said):
        call()
