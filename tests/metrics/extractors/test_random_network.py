"""Random features are the same numbers everywhere, differ by picture, and fit any picture."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.errors import DataError
from dcgan.metrics.extractors.pixels import fit_within, to_floats
from dcgan.metrics.extractors.random_network import random_extractor

ALL = 24 + 48 + 64 + 256


def gradient(channels: int, height: int, width: int) -> np.ndarray:
    """One picture without randomness, uint8 (1, C, H, W)."""
    c, y, x = np.ogrid[:channels, :height, :width]
    return ((7 * x * x + 5 * y * (c + 1) + 3 * x * y) % 256).astype(np.uint8)[None]


# recorded 2026-11-22
@pytest.mark.parametrize(
    ("shape", "golden"),
    [
        ((1, 28, 28), [0.431335, 0.385403, 1.75064, 1.17892, 0.901282, 1.81817, 2.71692]),
        ((3, 32, 32), [0.567612, 0.636939, 0.322035, 0.699941, 4.12209, -2.11369, -0.136412]),
        ((4, 50, 90), [0.129702, 0.132041, 0.284016, 0.334225, 0.792024, -0.963638, 0.546059]),
    ],
)
def test_the_numbers_are_those_recorded(shape, golden):
    values = random_extractor(shape[0], shape[1:])(gradient(*shape)).values[0]
    np.testing.assert_allclose(
        values[[0, 23, 24, 100, 135, 136, 391]], golden, rtol=1e-4, atol=1e-4
    )


def test_the_digest_is_that_recorded():
    """Numbers of two versions are compared by it; it must not change with PyTorch."""
    assert random_extractor(1, (28, 28)).digest == random_extractor(1, (64, 40)).digest
    assert random_extractor(1, (28, 28)).digest == "790c6ec00424"


def test_global_generators_are_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = random_extractor(3, (16, 16)).digest
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert random_extractor(3, (16, 16)).digest == first


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(16, 90), st.integers(16, 90))
def test_images_of_any_size_and_channels_have_features_that_differ(channels, height, width):
    one = gradient(channels, height, width)
    values = random_extractor(channels, (height, width))(np.concatenate([one, 255 - one])).values
    assert values.shape == (2, ALL)
    assert np.isfinite(values).all()
    assert np.abs(values[0] - values[1]).max() > 0.1


def test_layout_and_texture_are_told_apart():
    """The same spot elsewhere has other features, and so have dots in place of stripes."""
    spot = np.zeros((2, 1, 32, 32), np.uint8)
    spot[0, :, 4:10, 4:10] = spot[1, :, 20:26, 20:26] = 255
    stripes = np.zeros((2, 1, 32, 32), np.uint8)
    stripes[0, :, ::2] = 255
    stripes[1, :, ::2, ::2] = stripes[1, :, 1::2, 1::2] = 255
    extractor = random_extractor(1, (32, 32))
    layout = np.diff(extractor(spot).values[:, -256:], axis=0)
    texture = np.diff(extractor(stripes).values[:, :136], axis=0)
    assert np.abs(layout).max() > 0.1
    assert np.abs(texture).max() > 0.1


def test_an_even_surface_leaves_only_its_border():
    """Away from the border, the first stage sees no difference between black and white."""
    network = random_extractor(3, (32, 32)).network
    flat = torch.ones(1, 3, 32, 32)
    assert float(network.stages[0](flat)[..., 1:-1, 1:-1].abs().max()) < 1e-5
    black, white = np.zeros((1, 3, 32, 32), np.uint8), np.full((1, 3, 32, 32), 255, np.uint8)
    extractor = random_extractor(3, (32, 32))
    assert np.abs(extractor(black).values - extractor(white).values).max() > 0.1


def test_large_images_cost_no_more_than_small_ones():
    """A picture of 256 pixels a side has the features of itself at 32, averaged, not sampled."""
    small = gradient(3, 32, 32)
    large = small.repeat(8, axis=2).repeat(8, axis=3)
    extractor = random_extractor(3, (256, 256))
    shrunk = fit_within(to_floats(torch.from_numpy(large)), 32)
    assert shrunk.shape == (1, 3, 32, 32)
    fine = np.zeros((1, 3, 256, 256), np.uint8)
    fine[..., ::2] = 255  # gray from afar; every other sample of it is black
    assert float(fit_within(to_floats(torch.from_numpy(fine)), 32).abs()[..., 2:-2].max()) < 0.05
    assert extractor(large).values.shape == (1, ALL)


def test_shrinking_keeps_the_aspect_and_sixteen_pixels():
    assert fit_within(torch.zeros(1, 1, 64, 40), 32).shape[-2:] == (32, 20)
    assert fit_within(torch.zeros(1, 1, 400, 20), 32).shape[-2:] == (32, 16)
    assert fit_within(torch.zeros(1, 1, 30, 20), 32).shape[-2:] == (30, 20)


@pytest.mark.parametrize(
    ("channels", "size", "named"),
    [(5, (32, 32), "5 channels"), (0, (32, 32), "0 channels"), (1, (15, 32), "15×32")],
)
def test_what_it_is_not_made_for_is_refused(channels, size, named):
    with pytest.raises(DataError, match=named):
        random_extractor(channels, size)
