"""The view: size, channels and fit, and covers that are cut later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan.data.dataset import CoveredDataset, cut
from dcgan.data.image_view import View
from dcgan.data.pixels.fit import LONGEST_COVER, cover
from dcgan.data.sources.base import ArraySource

SIDES = st.integers(1, 300)


@settings(max_examples=200, deadline=None)
@given(SIDES, SIDES, st.integers(1, 64), st.integers(1, 64))
def test_a_cover_matches_one_side_and_is_no_less_on_the_other(height, width, wanted_h, wanted_w):
    covered = cover(Image.new("L", (width, height)), (wanted_h, wanted_w))
    assert covered.height >= wanted_h
    assert covered.width >= wanted_w
    assert covered.height == wanted_h or covered.width == wanted_w
    assert covered.height <= LONGEST_COVER * wanted_h
    assert covered.width <= LONGEST_COVER * wanted_w


def test_a_cover_keeps_the_aspect():
    covered = cover(Image.new("L", (300, 200)), (50, 50))
    assert (covered.width, covered.height) == (75, 50)


def test_of_a_panorama_the_middle_remains():
    strip = np.zeros((10, 1000), dtype=np.uint8)
    strip[:, 480:520] = 255
    covered = np.asarray(cover(Image.fromarray(strip), (10, 10)))
    assert covered.shape == (10, 40)
    assert (covered == 255).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_a_cut_lies_within_the_cover(height, width, place):
    whole = np.arange(10 * 12).reshape(1, 10, 12)
    assert cut(whole, (1, height, width), place).shape == (1, height, width)


def test_the_middle_place_is_the_middle():
    row = np.arange(11).reshape(1, 1, 11)
    assert cut(row, (1, 1, 5), 0.5)[0, 0].tolist() == [3, 4, 5, 6, 7]
    assert cut(row, (1, 1, 5), 0.0)[0, 0].tolist() == [0, 1, 2, 3, 4]
    assert cut(row, (1, 1, 5), 0.999)[0, 0].tolist() == [6, 7, 8, 9, 10]


def test_every_place_is_as_likely():
    """Of 11 columns cut to 9, three places, each for a third of the numbers."""
    row = np.arange(11).reshape(1, 1, 11)
    places = (np.arange(300) + 0.5) / 300
    lefts = [cut(row, (1, 1, 9), place)[0, 0, 0] for place in places]
    assert np.bincount(lefts).tolist() == [100, 100, 100]
    column = row.reshape(1, 11, 1)
    tops = [cut(column, (1, 9, 1), place)[0, 0, 0] for place in places]
    assert np.bincount(tops).tolist() == [100, 100, 100]


@pytest.mark.parametrize(
    ("channels", "shape"), [(1, (1, 8, 6)), (2, (2, 8, 6)), (3, (3, 8, 6)), (4, (4, 8, 6))]
)
def test_one_image_is_channels_first(channels, shape):
    source = ArraySource("a", np.zeros((1, 20, 30, 3), np.uint8))
    view = View((8, 6), channels)
    assert view.of(source, 0).shape == view.shape == shape
    assert view.image_bytes == np.prod(shape)


def test_ragged_images_of_several_channels_are_found_in_the_flat_array():
    random = np.random.default_rng(0)
    covers = [
        random.integers(0, 256, (3, h, w), dtype=np.uint8) for h, w in ((4, 9), (7, 5), (4, 5))
    ]
    flat = np.concatenate([one.ravel() for one in covers])
    sides = np.array([one.shape[1:] for one in covers])
    dataset = CoveredDataset((3, 4, 5), flat, sides)
    taken = dataset.take(np.array([1, 0, 2]), np.array([0.0, 0.99, 0.5])).numpy()
    np.testing.assert_array_equal(taken[0], covers[1][:, :4])
    np.testing.assert_array_equal(taken[1], covers[0][:, :, 4:])
    np.testing.assert_array_equal(taken[2], covers[2])
