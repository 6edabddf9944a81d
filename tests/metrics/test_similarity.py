"""MS-SSIM: torchmetrics at every number of scales, invariances, diversity."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from dcgan.errors import DataError
from dcgan.metrics import similarity
from dcgan.metrics.similarity import ms_ssim, ms_ssim_diversity

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def random_images(count, channels=1, height=32, width=32, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, channels, height, width), dtype=np.uint8)


def distorted(images, seed=9):
    noise = np.random.default_rng(seed).integers(0, 60, images.shape)
    return (images * 0.7 + noise).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "channels", "scales"),
    [
        (11, 15, 1, 1),
        (21, 40, 3, 1),
        (22, 22, 1, 2),
        (43, 50, 3, 2),
        (44, 61, 1, 3),
        (101, 99, 1, 4),
        (176, 176, 1, 5),
        (181, 179, 1, 5),
    ],
)
def test_it_agrees_with_torchmetrics_on_the_scales_that_fit(height, width, channels, scales):
    a = random_images(2, channels, height, width)
    b = distorted(a)
    weights = tuple(map(float, WEIGHTS[:scales] / WEIGHTS[:scales].sum()))
    expected = multiscale_structural_similarity_index_measure(
        torch.from_numpy(a).double(),
        torch.from_numpy(b).double(),
        data_range=255.0,
        betas=weights,
        reduction=None,
    )
    np.testing.assert_allclose(ms_ssim(a, b), expected, rtol=1e-7)


def test_it_agrees_with_torchmetrics_as_that_comes():
    a = random_images(1, 3, 176, 180)
    b = distorted(a)
    expected = multiscale_structural_similarity_index_measure(
        torch.from_numpy(a).float(), torch.from_numpy(b).float(), data_range=255.0
    )
    assert ms_ssim(a, b).mean() == pytest.approx(expected.item(), abs=1e-5)


def test_equal_images_have_one_and_opposite_ones_zero():
    images = random_images(3)
    np.testing.assert_allclose(ms_ssim(images, images), 1)
    np.testing.assert_allclose(ms_ssim(images, 255 - images), 0, atol=1e-12)


def test_it_is_symmetric_and_does_not_know_left_from_right():
    a = random_images(4, 3, 48, 40)
    b = distorted(a)
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(b, a))
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(a[..., ::-1], b[..., ::-1]))
    np.testing.assert_allclose(ms_ssim(a, b), ms_ssim(*(x.swapaxes(2, 3) for x in (a, b))))


def test_pairs_do_not_know_of_each_other(monkeypatch):
    a = random_images(7)
    b = distorted(a)
    whole = ms_ssim(a, b)
    np.testing.assert_allclose(whole[3:4], ms_ssim(a[3:4], b[3:4]))
    monkeypatch.setattr(similarity, "_PIXELS", 2 * 32 * 32)
    np.testing.assert_allclose(ms_ssim(a, b), whole)


def test_diversity_is_the_mean_over_pairs_of_different_images():
    images = np.concatenate([random_images(1, seed=i) // (i + 1) for i in range(4)])
    pairs = list(permutations(range(4), 2))
    each = ms_ssim(images[[i for i, _ in pairs]], images[[j for _, j in pairs]])
    found = ms_ssim_diversity(images, pairs=1500)
    assert found.error == pytest.approx(each.std() / np.sqrt(1500), rel=0.15)
    assert abs(found.value - each.mean()) < 4 * found.error


def test_an_image_is_never_paired_with_itself():
    images = np.stack([random_images(1)[0], 255 - random_images(1)[0]])
    assert ms_ssim_diversity(images, pairs=200).value == pytest.approx(0, abs=1e-9)


def test_a_collapsed_generator_has_no_diversity():
    found = ms_ssim_diversity(np.repeat(random_images(1), 5, axis=0), pairs=10)
    assert (found.value, found.error) == (pytest.approx(1), pytest.approx(0, abs=1e-9))


def test_the_seed_decides_the_pairs():
    first, again, other = (
        ms_ssim_diversity(random_images(20), pairs=50, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (random_images(2, height=10), random_images(2, height=10), "at least 11"),
        (random_images(2), random_images(3), "2 and 3 images"),
        (random_images(2), random_images(2, 3), "different shapes"),
        (random_images(2) / 255, random_images(2), "a: float64"),
    ],
)
def test_unusable_pairs_are_refused(a, b, said):
    with pytest.raises(DataError, match=said):
        ms_ssim(a, b)


@pytest.mark.parametrize(
    ("images", "pairs"), [(random_images(1), 10), (random_images(5), 1), (random_images(0), 9)]
)
def test_diversity_needs_pairs(images, pairs):
    with pytest.raises(DataError, match=r"at least 2|no images"):
        ms_ssim_diversity(images, pairs=pairs)
