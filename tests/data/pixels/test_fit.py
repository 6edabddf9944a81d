"""Fitting: the exact size, nothing lost that should be kept, nothing in from outside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan.data.pixels.fit import fit

FITS = ("crop", "pad", "stretch")
sides = st.integers(1, 90)


def gray(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels.astype(np.uint8))


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.sampled_from(FITS),
    st.sampled_from(["L", "LA", "RGB", "RGBA"]),
)
def test_the_size_is_exact_and_the_mode_stays(before, after, how, mode):
    image = fit(Image.new(mode, (before[1], before[0])), after, how)
    assert (image.height, image.width) == after
    assert image.mode == mode


@settings(max_examples=50, deadline=None)
@given(st.tuples(sides, sides), st.tuples(sides, sides), st.sampled_from(["crop", "stretch"]))
def test_a_image_of_one_color_keeps_it(before, after, how):
    image = fit(Image.new("RGB", (before[1], before[0]), (200, 100, 50)), after, how)
    assert image.getcolors() == [(after[0] * after[1], (200, 100, 50))]


@pytest.mark.parametrize("how", FITS)
def test_a_image_of_the_right_size_is_untouched(how):
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23))
    np.testing.assert_array_equal(fit(gray(pixels), (17, 23), how), pixels)


@pytest.mark.parametrize("upright", [False, True])
def test_crop_keeps_the_center_and_bleeds_nothing_in_from_outside(upright):
    """A square of 40 between borders of another tone: not one gray level of them is left."""
    pixels = np.full((40, 120), 255)
    pixels[:, 40:80] = 60
    if upright:
        pixels = pixels.T
    for size in ((16, 16), (40, 40), (64, 64)):
        np.testing.assert_array_equal(fit(gray(pixels), size, "crop"), np.full(size, 60))


def test_crop_cuts_both_sides_evenly():
    ramp = np.tile(np.arange(100), (50, 1))
    cropped = np.asarray(fit(gray(ramp), (50, 50), "crop"))
    np.testing.assert_array_equal(cropped, ramp[:, 25:75])


def test_crop_cuts_no_more_than_the_aspect_needs():
    """All of the shorter side stays: the frame drawn at top and bottom is still there."""
    pixels = np.full((60, 90), 128)
    pixels[:20] = 0
    pixels[40:] = 255
    cropped = np.asarray(fit(gray(pixels), (30, 30), "crop"))
    assert cropped[0].max() == 0
    assert cropped[-1].min() == 255
    np.testing.assert_array_equal(cropped[15], 128)


def test_crop_follows_a_rectangular_target():
    """Height comes first in a size."""
    pixels = np.zeros((100, 100))
    pixels[:, 25:75] = 200
    np.testing.assert_array_equal(fit(gray(pixels), (20, 10), "crop"), np.full((20, 10), 200))


@pytest.mark.parametrize(
    ("mode", "color", "paper"),
    [
        ("L", 0, 124),
        ("LA", (0, 255), (124, 255)),
        ("RGB", (0, 0, 0), (200, 100, 50)),
        ("RGBA", (0, 0, 0, 255), (200, 100, 50, 255)),
    ],
)
@pytest.mark.parametrize("upright", [False, True])
def test_pad_centers_the_whole_image_on_the_background(mode, color, paper, upright):
    shape = (20, 40) if upright else (40, 20)
    image = fit(Image.new(mode, shape, color), (40, 40), "pad", "#c86432")
    pixels = np.asarray(image).reshape(40, 40, -1)
    if upright:
        pixels = pixels.swapaxes(0, 1)
    np.testing.assert_array_equal(pixels[10:30], np.broadcast_to(color, pixels[10:30].shape))
    for border in (pixels[:10], pixels[30:]):
        np.testing.assert_array_equal(border, np.broadcast_to(paper, border.shape))


def test_pad_shows_every_part_of_the_image():
    ramp = np.tile(np.arange(0, 240, 2), (30, 1))
    padded = np.asarray(fit(gray(ramp), (60, 60), "pad", "#ffffff"))
    strip = padded[22:37]
    assert strip[:, 0].max() < 10
    assert strip[:, -1].min() > 228
    assert (np.diff(strip.astype(int), axis=1) > 0).all()


def test_pad_keeps_the_transparency_of_the_image():
    clear = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    alpha = np.asarray(fit(clear, (40, 40), "pad"))[:, :, 3]
    np.testing.assert_array_equal(alpha[10:30], 0)
    np.testing.assert_array_equal(alpha[:10], 255)


def test_stretch_shows_everything_and_gives_up_the_aspect():
    fields = np.repeat(np.arange(6).reshape(2, 3) * 50, 40, axis=1).repeat(20, axis=0)
    stretched = np.asarray(fit(gray(fields), (40, 60), "stretch"))
    np.testing.assert_array_equal(stretched[5:40:30, 10:60:20], np.arange(6).reshape(2, 3) * 50)


@pytest.mark.parametrize("how", FITS)
@pytest.mark.parametrize("factor", [4, 8])
def test_shrinking_averages_instead_of_picking_pixels(how, factor):
    """A checkerboard becomes gray; without antialiasing it would stay black and white."""
    rows, columns = np.indices((16 * factor, 16 * factor))
    shrunk = np.asarray(fit(gray((rows + columns) % 2 * 255), (16, 16), how))
    np.testing.assert_allclose(shrunk[2:-2, 2:-2], 127.5, atol=2)
    np.testing.assert_allclose(shrunk, 127.5, atol=25)


def test_transparent_pixels_do_not_color_their_neighbors():
    """What hides under alpha 0 must not show after resizing."""
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, :16] = (0, 255, 0, 0)
    pixels[:, 16:] = (200, 100, 50, 255)
    shrunk = np.asarray(fit(Image.fromarray(pixels), (8, 8), "stretch"))
    opaque = shrunk[shrunk[:, :, 3] > 128][:, :3]
    np.testing.assert_allclose(opaque, np.broadcast_to((200, 100, 50), opaque.shape), atol=8)


@pytest.mark.parametrize("coarseness", [20, 120, 400])
@pytest.mark.parametrize("side", [1023, 1600, 3000])
def test_a_large_image_is_shrunk_as_by_one_filter_over_all_its_pixels(side, coarseness):
    """To within one level, though whole blocks are averaged first."""
    tones = np.random.default_rng(0).integers(0, 256, (coarseness,) * 2, np.uint8)
    image = Image.fromarray(tones).resize((side, side), Image.Resampling.BICUBIC)
    exact = image.resize((50, 50), Image.Resampling.BICUBIC)
    error = np.asarray(fit(image, (50, 50)), float) - np.asarray(exact, float)
    assert np.abs(error).max() <= 1
