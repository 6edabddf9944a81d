"""Each operation does to every image what its description says, and only that."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.augment import OPERATIONS
from dcgan.augment.operations import (
    brightness,
    color,
    contrast,
    cutout,
    saturation,
    translation,
)

SIDES = st.integers(16, 33)
CHANNELS = st.integers(1, 4)
examples = settings(max_examples=25, deadline=None)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def images(count=64, channels=3, height=16, width=20):
    return torch.rand(count, channels, height, width) * 2 - 1


def test_brightness_adds_one_number_to_each_image():
    image = images(2_000)
    added = (brightness(image) - image).flatten(1)
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-5, rtol=0)
    number = added[:, 0]
    # uniform on [-1/2, 1/2]
    assert number.min() >= -0.5
    assert number.max() <= 0.5
    assert number.mean().item() == pytest.approx(0, abs=0.03)
    assert number.var().item() == pytest.approx(1 / 12, abs=0.01)


def test_saturation_scales_the_distance_of_every_pixel_to_its_gray():
    image = images(2_000)
    changed = saturation(image)
    gray = image.mean(dim=1, keepdim=True)
    torch.testing.assert_close(changed.mean(dim=1, keepdim=True), gray, atol=1e-5, rtol=0)
    factor = ((changed - gray) / (image - gray)).flatten(1).median(dim=1).values
    expected = gray + factor[:, None, None, None] * (image - gray)
    torch.testing.assert_close(changed, expected, atol=1e-4, rtol=0)
    assert 0 <= factor.min() < 0.05
    assert 1.95 < factor.max() <= 2.0001


def test_contrast_scales_the_distance_of_every_pixel_to_its_images_mean():
    image = images(2_000)
    changed = contrast(image)
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    factor = ((changed - mean) / (image - mean)).flatten(1).median(dim=1).values
    expected = mean + factor[:, None, None, None] * (image - mean)
    torch.testing.assert_close(changed, expected, atol=1e-4, rtol=0)
    assert 0.5 <= factor.min() < 0.52
    assert 1.48 < factor.max() <= 1.5001


def test_color_leaves_alpha_alone():
    image = images(channels=4)
    changed = color(image)
    assert torch.equal(changed[:, 3], image[:, 3])
    assert not torch.isclose(changed[:, :3], image[:, :3]).all(dim=(1, 2, 3)).any()


@examples
@given(height=SIDES, width=SIDES, channels=CHANNELS)
def test_a_translated_image_is_the_image_moved_by_whole_pixels(height, width, channels):
    image = images(8, channels, height, width)
    for before, after in zip(image, translation(image), strict=True):
        most = [int(side / 8 + 0.5) for side in (height, width)]
        found = []
        for down in range(-most[0], most[0] + 1):
            for right in range(-most[1], most[1] + 1):
                moved = torch.zeros_like(before)
                rows = slice(max(0, down), height + min(0, down))
                columns = slice(max(0, right), width + min(0, right))
                from_rows = slice(max(0, -down), height + min(0, -down))
                from_columns = slice(max(0, -right), width + min(0, -right))
                moved[:, rows, columns] = before[:, from_rows, from_columns]
                if torch.equal(moved, after):
                    found.append((down, right))
        assert len(found) == 1


def test_every_translation_comes_up_equally_often():
    image = torch.zeros(20_000, 1, 16, 16)
    image[:, :, 8, 8] = 1
    places = translation(image).flatten(1).argmax(dim=1)
    counts = places.bincount()
    counts = counts[counts > 0]
    assert len(counts) == 25  # two either way, along both sides
    assert counts.float().std() / counts.float().mean() < 0.1


@examples
@given(height=SIDES, width=SIDES, channels=CHANNELS)
def test_cutout_blanks_one_rectangle_of_half_the_sides(height, width, channels):
    image = images(8, channels, height, width).abs() + 0.1
    for before, after in zip(image, cutout(image), strict=True):
        blank = (after == 0).all(dim=0)
        assert torch.equal(after, before * ~blank)
        rows, columns = blank.any(dim=1), blank.any(dim=0)
        assert torch.equal(blank, rows[:, None] & columns[None]), "a rectangle"
        for one, side in ((rows, height), (columns, width)):
            hole = int(side / 2 + 0.5)
            touches_rim = bool(one[0] or one[-1])
            assert one.sum() == hole or (touches_rim and hole // 2 <= one.sum() < hole)
            places = one.nonzero().flatten()
            assert (places.diff() == 1).all(), "in one piece"


def test_holes_lie_anywhere():
    blank = cutout(torch.ones(4_000, 1, 16, 16)) == 0
    share = blank.float().mean(dim=0)[0]
    assert share.min() > 0.05
    # in the middle, half of all centers per side cover a pixel
    assert share[8, 8].item() == pytest.approx((8 / 17) ** 2, abs=0.04)


@pytest.mark.parametrize("side", [16, 17, 18, 19])
def test_holes_do_not_prefer_a_rim(side):
    blank = cutout(torch.ones(2_000, 1, side, side))[:, 0] == 0
    rows = {tuple(one.tolist()) for one in blank.any(dim=2)}
    assert rows == {one[::-1] for one in rows}


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_every_image_has_draws_of_its_own_and_gradients_pass(name):
    image = images(1, 3).repeat(6, 1, 1, 1).requires_grad_()
    changed = OPERATIONS[name].apply(image)
    assert len({tuple(one.flatten().tolist()) for one in changed.detach()}) >= 4
    (gradient,) = torch.autograd.grad(changed.sum(), image)
    assert (gradient.flatten(1).abs().sum(dim=1) > 0).all()
    assert changed.shape == image.shape


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_the_precision_of_images_stays(name):
    image = images(4).bfloat16()
    assert OPERATIONS[name].apply(image).dtype == torch.bfloat16
