"""Sliced Wasserstein distance: the pyramid, the line, what it sees and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate1d, gaussian_filter
from scipy.stats import wasserstein_distance

from dcgan.errors import DataError
from dcgan.metrics import wasserstein
from dcgan.metrics.wasserstein import sliced_wasserstein


def smooth(count, channels=1, height=32, width=32, seed=0, blur=1.0):
    noise = np.random.default_rng(seed).standard_normal((count, channels, height, width))
    noise = gaussian_filter(noise, (0, 0, blur, blur))
    return np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "names"),
    [
        (16, 16, ["16"]),
        (28, 28, ["28"]),
        (31, 31, ["31", "16"]),
        (64, 64, ["64", "32", "16"]),
        (157, 128, ["157x128", "79x64", "40x32", "20x16"]),
        (16, 200, ["16x200"]),
    ],
)
def test_levels_are_halved_while_no_side_falls_below_16(height, width, names):
    images = smooth(3, height=height, width=width)
    assert list(sliced_wasserstein(images, images[::-1])) == names


@settings(deadline=None, max_examples=20)
@given(st.integers(16, 80), st.integers(16, 80), st.integers(0, 255))
def test_an_even_area_has_no_structure_at_any_level_but_the_last(height, width, gray):
    images = np.full((1, 1, height, width), gray, np.float32)
    *fine, coarsest = [
        wasserstein._level(images, level) for level in range(len(wasserstein._sizes(height, width)))
    ]
    np.testing.assert_allclose(coarsest, gray, rtol=1e-5)
    for level in fine:
        np.testing.assert_allclose(level, 0, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (64, 35)])
def test_the_pyramid_smooths_with_binomial_weights_and_lacks_nothing(height, width):
    image = smooth(1, height=height, width=width, blur=0.5)[0, 0].astype(float)
    weights = np.array([1, 4, 6, 4, 1]) / 16

    def filtered(plane):
        return correlate1d(correlate1d(plane, weights, 0, mode="mirror"), weights, 1, mode="mirror")

    coarse = filtered(image)[::2, ::2]
    spread = np.zeros_like(image)
    spread[::2, ::2] = coarse
    single = image[None, None].astype(np.float32)
    np.testing.assert_allclose(
        wasserstein._level(single, 0)[0, 0], image - 4 * filtered(spread), atol=1e-3
    )
    if len(wasserstein._sizes(height, width)) == 2:
        np.testing.assert_allclose(wasserstein._level(single, 1)[0, 0], coarse, atol=1e-3)


def test_along_one_line_it_is_the_distance_of_scipy():
    """With one direction known, in two dimensions."""
    random = np.random.default_rng(0)
    a, b = (random.standard_normal((500, 2)).astype(np.float32) * scale for scale in (1, 3))
    direction = np.random.default_rng(1).standard_normal((wasserstein._DIRECTIONS, 2))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    expected = np.mean([wasserstein_distance(a @ line, b @ line) for line in direction])
    found = wasserstein._distance(a, b, np.random.default_rng(1))
    assert found == pytest.approx(expected, rel=1e-5)


def test_it_is_a_thousand_times_the_mean_over_four_repetitions(monkeypatch):
    draws = iter([1.0, 2.0, 3.0, 6.0])
    monkeypatch.setattr(wasserstein, "_distance", lambda *_: next(draws))
    images = smooth(2, height=16, width=16)
    assert sliced_wasserstein(images, images) == {"16": 3000}


def test_a_set_has_no_distance_from_itself():
    images = smooth(40, 3)
    assert sliced_wasserstein(images, images) == {"32": 0, "16": 0}


def test_it_rises_at_the_level_whose_structure_differs():
    real, other = smooth(80, seed=0), smooth(80, seed=1)
    floor = sliced_wasserstein(real, other)
    stripes = other.copy()
    stripes[..., ::2] = np.clip(stripes[..., ::2].astype(int) + 25, 0, 255)
    found = sliced_wasserstein(real, stripes)
    assert found["32"] > 5 * floor["32"]
    assert found["16"] < 2 * floor["16"]


def test_neither_brightness_nor_contrast_of_a_channel_counts():
    real = smooth(30, 3, seed=0)
    tinted = (real // 2) + np.array([10, 60, 110], np.uint8)[:, None, None]
    found, halved = sliced_wasserstein(real, tinted), real // 2
    # halving rounds; the tint is exact
    assert found == pytest.approx(sliced_wasserstein(real, halved), abs=0.1)
    assert max(found.values()) < 50


def test_a_channel_without_structure_is_not_blown_up():
    flat = np.full((20, 3, 48, 40), 91, np.uint8)
    tilted = flat.copy()
    tilted[:, 1:] = 13
    assert set(sliced_wasserstein(flat, tilted).values()) == {0.0}


def test_the_same_seed_gives_the_same_number_and_another_another():
    real, generated = smooth(30, seed=0), smooth(30, seed=1)
    first = sliced_wasserstein(real, generated, seed=3)
    assert first == sliced_wasserstein(real, generated, seed=3)
    assert first["32"] != sliced_wasserstein(real, generated, seed=4)["32"]


def test_patches_are_cut_at_their_places_whatever_the_part(monkeypatch):
    """Each patch is 7×7 of its own image; places reach every pixel."""
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 16, 19), dtype=np.uint8)
    place_D2 = np.random.default_rng(1).random((40, 2))
    place_D2[:2] = [[0, 0], [1 - 1e-9, 1 - 1e-9]]
    expected = np.empty((40, 2, 7, 7))
    for index, (y, x) in enumerate(place_D2):
        top, left = int(y * 10), int(x * 13)
        expected[index] = images[index // 8, :, top : top + 7, left : left + 7]
    expected -= expected.mean(axis=(0, 2, 3), keepdims=True)
    expected /= expected.std(axis=(0, 2, 3), keepdims=True)
    for pixels in (10**6, 1, 2 * 2 * 16 * 19):
        monkeypatch.setattr(wasserstein, "_PIXELS", pixels)
        found = wasserstein._patches(images, 0, place_D2)
        np.testing.assert_allclose(found, expected.reshape(40, -1), atol=1e-4)


def test_the_number_of_patches_is_128_per_image_and_capped(monkeypatch):
    counts = []
    cut = wasserstein._patches

    def counted(images, level, place_D2):
        counts.append(len(place_D2))
        return cut(images, level, place_D2)

    monkeypatch.setattr(wasserstein, "_patches", counted)
    sliced_wasserstein(smooth(5, height=16, width=16), smooth(3, height=16, width=16))
    monkeypatch.setattr(wasserstein, "_MOST_PATCHES", 100)
    sliced_wasserstein(smooth(5, height=16, width=16), smooth(300, height=16, width=16))
    assert counts == [384, 384, 100, 100]


@pytest.mark.parametrize(
    ("real", "generated", "said"),
    [
        (smooth(2, height=15), smooth(2, height=15), "at least 16"),
        (smooth(2), smooth(2, 3), "different shapes"),
        (smooth(2), smooth(2)[:0], "generated: no images"),
        (smooth(2).astype(np.float32), smooth(2), "real: float32"),
        (smooth(2)[0], smooth(2), "real: uint8 of shape"),
    ],
)
def test_unusable_images_are_refused(real, generated, said):
    with pytest.raises(DataError, match=said):
        sliced_wasserstein(real, generated)
