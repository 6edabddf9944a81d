"""Vital signs compare generated images with real ones; each sees its own fault."""

from __future__ import annotations

import numpy as np
import pytest

from dcgan.evaluation.vital_signs import VitalSigns, checkerboard, effective_rank, pixel_signs


@pytest.fixture(scope="module")
def smooth():
    """Smooth gray images, uint8 (200, 1, 16, 16), without extreme pixels."""
    random = np.random.default_rng(0)
    low = random.normal(128, 30, (200, 1, 5, 5))
    return low.repeat(4, axis=2).repeat(4, axis=3)[..., 2:18, 2:18].clip(20, 235).astype(np.uint8)


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(1).normal(size=(400, 8)).astype(np.float32)


def test_real_images_have_the_signs_of_real_images(smooth, features):
    signs = VitalSigns(smooth[:100], features[:200]).of(smooth[100:], features[200:])
    for name in ("contrast", "diversity", "rank", "distance"):
        assert signs[name] == pytest.approx(1, abs=0.15), name
    for name in ("brightness", "saturation", "checkerboard"):
        assert signs[name] == pytest.approx(0, abs=0.1), name
    assert signs["repeats"] < 0.15
    assert signs["coverage"] > 0.9
    assert min(signs["precision"], signs["recall"]) > 0.7


def test_contrast_and_brightness_are_those_of_the_pixels(smooth):
    flat = (128 + (smooth.astype(float) - 128) / 2).astype(np.uint8)
    assert pixel_signs(flat, smooth)["contrast"] == pytest.approx(0.5, abs=0.02)
    bright = np.minimum(smooth, 200) + 40
    assert pixel_signs(bright, smooth)["brightness"] == pytest.approx(40 / smooth.std(), rel=0.1)


def test_saturation_is_the_share_of_black_and_white_pixels(smooth):
    hard = smooth.copy()
    hard[:, :, :4] = 0
    hard[:, :, 4:6] = 255
    assert pixel_signs(hard, smooth)["saturation"] == pytest.approx(6 / 16)


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize("side", [32, 31, 30, 29])
def test_a_checkerboard_is_the_share_of_its_variance(period, axis, side):
    random = np.random.default_rng(2)
    noise = random.normal(128, 12, (300, 1, side, side))
    place = np.arange(side).reshape((-1, 1) if axis == 2 else (1, -1))
    pattern = 8 * np.cos(2 * np.pi * place / period)
    share = pattern.var() / (pattern.var() + noise.var())
    seen = checkerboard((noise + pattern).round().clip(0, 255).astype(np.uint8))
    assert seen == pytest.approx(share, rel=0.1)
    assert checkerboard(noise.round().astype(np.uint8)) < 0.02


def test_a_collapsed_generator_repeats_itself(smooth, features):
    one = np.tile(features[:1], (200, 1))
    signs = VitalSigns(smooth, features[:200]).of(smooth, one)
    assert signs["repeats"] == 1
    assert signs["diversity"] == pytest.approx(0, abs=1e-6)
    assert signs["rank"] < 0.2
    assert signs["coverage"] < 0.1


def test_copies_have_no_distance_to_the_real_images(smooth, features):
    signs = VitalSigns(smooth, features[:200]).of(smooth, features[:200])
    assert signs["distance"] == pytest.approx(0, abs=1e-3)


def test_copies_of_any_training_image_are_near(smooth, features):
    """Scores compare with one half of a small dataset, but either may be copied."""
    half, rest = features[:200], features[200:]
    assert VitalSigns(smooth, half).of(smooth, rest)["distance"] > 0.8
    assert VitalSigns(smooth, half, rest).of(smooth, rest)["distance"] == pytest.approx(0, abs=1e-3)


def test_the_rank_is_the_number_of_equal_directions():
    random = np.random.default_rng(3)
    for count in (1, 3, 6):
        plane = np.linalg.qr(random.normal(size=(20, count)))[0].T
        values = random.normal(size=(5000, count)) @ plane
        assert effective_rank(values.astype(np.float32)) == pytest.approx(count, rel=0.01)
    assert effective_rank(np.ones((50, 4), np.float32)) == 1
    assert effective_rank(np.ones((4, 50), np.float32)) == 1


@pytest.mark.parametrize("shape", [(10, 40), (40, 10)])
def test_the_rank_is_that_of_the_singular_values(shape):
    values = np.random.default_rng(4).normal(size=shape)
    share = np.linalg.svd(values - values.mean(axis=0), compute_uv=False) ** 2
    share = share[share > 1e-9 * share.sum()] / share.sum()
    assert effective_rank(values) == pytest.approx(np.exp(-(share * np.log(share)).sum()))


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 17, 21), (4, 64, 16)])
def test_any_images_have_finite_signs(shape):
    random = np.random.default_rng(4)
    real = random.integers(0, 256, (60, *shape), dtype=np.uint8)
    features = random.normal(size=(60, 5)).astype(np.float32)
    for images in (real, np.zeros_like(real), np.full_like(real, 255)):
        for values in (features, np.zeros_like(features)):
            signs = VitalSigns(real, features).of(images, values)
            assert np.isfinite(list(signs.values())).all()
            signs = VitalSigns(images, values).of(real, features)
            assert np.isfinite(list(signs.values())).all()
