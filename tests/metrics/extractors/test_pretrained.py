"""Pretrained features are the same numbers everywhere, and say more about contents than random ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestCentroid

from dcgan.data import open_source
from dcgan.metrics.extractors.pretrained import pretrained_extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.frechet import frechet_distance


def gradient(channels: int, height: int, width: int) -> np.ndarray:
    """One image without randomness, uint8 (1, C, H, W)."""
    c, y, x = np.ogrid[:channels, :height, :width]
    return ((7 * x * x + 5 * y * (c + 1) + 3 * x * y) % 256).astype(np.uint8)[None]


# recorded 2026-11-29
@pytest.mark.parametrize(
    ("shape", "golden"),
    [
        ((1, 28, 28), [1.28130, -0.02722, 4.31155, 0.51212, -0.75630, 1.08872]),
        ((3, 32, 32), [-0.43608, -0.02139, 1.33569, 1.13258, -0.76776, 0.48229]),
        ((4, 50, 90), [0.22359, -0.92486, -0.79334, 3.35433, -1.07188, -0.42635]),
    ],
)
def test_the_numbers_are_those_recorded(shape, golden):
    values = pretrained_extractor(shape[0], shape[1:])(gradient(*shape)).values[0]
    np.testing.assert_allclose(values[[0, 31, 32, 96, 192, 319]], golden, rtol=1e-3, atol=1e-3)


def test_the_digest_is_that_recorded():
    """Scores of two versions are compared by it; it must not change with PyTorch."""
    assert pretrained_extractor(1, (28, 28)).label == "pretrained:78fa003a56c3"
    assert pretrained_extractor(4, (64, 40)).label == "pretrained:78fa003a56c3"


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(16, 90), st.integers(16, 90))
def test_images_of_any_size_and_channels_have_features_that_differ(channels, height, width):
    one = gradient(channels, height, width)
    images = np.concatenate([one, one[:, :, ::-1, ::-1] // 2])
    values = pretrained_extractor(channels, (height, width))(images).values
    assert values.shape == (2, 32 + 64 + 96 + 128)
    assert np.isfinite(values).all()
    assert np.abs(values[0] - values[1]).max() > 0.1


def test_gray_images_have_the_features_of_color_images_that_look_the_same():
    gray = gradient(1, 28, 28)
    color = gray.repeat(3, axis=1)
    opaque = np.concatenate([color, np.full_like(gray, 255)], axis=1)
    expected = pretrained_extractor(1, (28, 28))(gray).values
    for same in (color, opaque):
        found = pretrained_extractor(same.shape[1], (28, 28))(same).values
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_nearest_class_mean_is_right_more_often_than_with_random_features():
    """On digits, which it was not trained on: MNIST is another collection."""
    source = open_source("digits")
    images = source.pixels().repeat(2, axis=2).repeat(2, axis=3)
    label_N = source.labels["label"].values

    def accuracy(extractor):
        feature_NF = extractor(images).values
        fitted = NearestCentroid().fit(feature_NF[:900], label_N[:900])
        return fitted.score(feature_NF[900:], label_N[900:])

    random, pretrained = random_extractor(1, (16, 16)), pretrained_extractor(1, (16, 16))
    assert accuracy(pretrained) > 0.85
    assert accuracy(pretrained) > accuracy(random)


def test_blurred_shapes_are_farther_away_than_other_sharp_ones():
    """The random features once could not tell blots from circles."""
    source = open_source("shapes")
    sharp = np.stack([np.asarray(source.read(row)) for row in range(600)]).transpose(0, 3, 1, 2)
    blurred = sharp.astype(np.float32)
    for axis in (2, 3):
        for _ in range(3):
            blurred = (np.roll(blurred, 1, axis) + blurred + np.roll(blurred, -1, axis)) / 3
    of = pretrained_extractor(3, (32, 32))
    one, other = of(sharp[:300]).values, of(sharp[300:]).values
    blot = of(blurred[300:].round().astype(np.uint8)).values
    assert frechet_distance(one, blot) > 3 * frechet_distance(one, other)


def test_to_open_it_draws_no_random_numbers_and_heeds_no_default_device():
    before = torch.get_rng_state()
    with torch.device("meta"):
        extractor = pretrained_extractor(1, (16, 16))
    assert torch.equal(torch.get_rng_state(), before)
    assert {weight.device.type for weight in extractor.network.parameters()} == {"cpu"}
