"""Pixels to numbers and back: the range, and nothing lost on the way."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.data.pixels.scale import PixelScale

ALL_VALUES = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)


def some_images(channels: int = 3) -> np.ndarray:
    """Channels of different brightness and contrast."""
    random = np.random.default_rng(0)
    spread = random.integers(0, 60, (20, channels, 8, 8))
    return (spread * np.arange(1, channels + 1)[:, None, None] + 30).astype(np.uint8)


def test_pixels_fill_the_range_of_tanh():
    numbers = PixelScale().normalize(ALL_VALUES)
    assert numbers.dtype == torch.float32
    assert numbers.min() == -1
    assert numbers.max() == 1
    expected = torch.linspace(-1, 1, 256, dtype=torch.float64).reshape(1, 1, 16, 16)
    torch.testing.assert_close(numbers.double(), expected, atol=1e-6, rtol=0)


def test_all_values_return_exactly():
    scale = PixelScale()
    back = scale.denormalize(scale.normalize(ALL_VALUES))
    assert back.dtype == torch.uint8
    assert torch.equal(back, ALL_VALUES)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 255), st.floats(1, 128))
def test_all_values_return_exactly_whatever_the_scale(mean, deviation):
    scale = PixelScale((mean,), (deviation,))
    assert torch.equal(scale.denormalize(scale.normalize(ALL_VALUES)), ALL_VALUES)


def test_numbers_beyond_the_range_are_clipped():
    numbers = torch.tensor([-9.0, -1.001, 1.001, 9.0]).reshape(1, 1, 2, 2)
    assert PixelScale().denormalize(numbers).flatten().tolist() == [0, 0, 255, 255]


def test_numbers_between_two_pixels_are_rounded_to_the_nearer():
    numbers = (torch.tensor([10.4, 10.6, 200.4, 200.6]) - 127.5).reshape(1, 1, 2, 2) / 127.5
    assert PixelScale().denormalize(numbers).flatten().tolist() == [10, 11, 200, 201]


def test_half_precision_images_return_to_pixels():
    """A generator under bf16 hands over bf16."""
    gray = PixelScale().denormalize(torch.zeros(1, 1, 1, 1, dtype=torch.bfloat16))
    assert gray.item() in {127, 128}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_standardizing_gives_mean_0_and_deviation_1_per_channel(channels):
    images = some_images(channels)
    numbers = PixelScale.standardizing(images).normalize(torch.from_numpy(images)).double()
    np.testing.assert_allclose(numbers.mean(dim=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(numbers.std(dim=(0, 2, 3), correction=0), 1, atol=1e-5)


def test_standardized_pixels_return_exactly():
    images = torch.from_numpy(some_images())
    scale = PixelScale.standardizing(images.numpy())
    assert torch.equal(scale.denormalize(scale.normalize(images)), images)


def test_images_of_one_value_can_be_standardized():
    images = np.full((3, 1, 4, 4), 90, np.uint8)
    numbers = PixelScale.standardizing(images).normalize(torch.from_numpy(images))
    assert torch.equal(numbers, torch.zeros_like(numbers))


def test_a_scale_returns_from_json_as_it_was():
    scale = PixelScale.standardizing(some_images())
    assert PixelScale.from_json(json.loads(json.dumps(scale.to_json()))) == scale
    assert PixelScale.from_json(json.loads(json.dumps(PixelScale().to_json()))) == PixelScale()


def test_a_scale_first_used_while_sampling_also_serves_training():
    scale = PixelScale((11.5,), (3.25,))  # numbers that nothing else has asked for
    with torch.inference_mode():
        scale.denormalize(torch.zeros(1, 1, 2, 2))
    image = torch.ones(1, 1, 2, 2, requires_grad=True)
    scale.normalize(image).square().sum().backward()
    assert image.grad is not None
