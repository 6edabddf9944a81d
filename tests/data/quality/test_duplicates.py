"""Duplicates: copies are found however altered, and what only looks simple is left apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance
from sklearn.datasets import load_digits, load_sample_images

from dcgan.data.quality.duplicates import close_pairs, exact_duplicates, near_duplicates
from dcgan.data.quality.measurements import look


@pytest.fixture(scope="module")
def photographs():
    """Forty different parts of two photographs."""
    parts = []
    for pixels in load_sample_images().images:
        for top in (0, 110, 220):
            parts += [
                Image.fromarray(pixels[top : top + 180, left : left + 180])
                for left in range(0, 460, 70)
            ]
    return parts


def near(images):
    looks = [look(image) for image in images]
    return near_duplicates(
        np.array([one.hash for one in looks], np.uint64),
        np.stack([one.thumbnail for one in looks]),
        np.array([min(one.size) < 16 for one in looks]),
    )


def as_jpeg(image, quality=60):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data)


def without_rim(image):
    cut = image.width // 100
    return image.crop((cut, cut, image.width - cut, image.height - cut))


ALTERED = {
    "re-encoded": as_jpeg,
    "half the size": lambda image: image.resize((90, 90)),
    "larger": lambda image: image.resize((270, 270), Image.Resampling.BICUBIC),
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "cut by 2 %": without_rim,
}


@pytest.mark.parametrize("how", ALTERED)
def test_nearly_every_altered_copy_is_found_and_nothing_else(photographs, how):
    images = [*photographs, *map(ALTERED[how], photographs)]
    groups = near(images)
    count = len(photographs)
    assert all(group[1] == group[0] + count for group in groups), "not a copy"
    assert all(len(group) == 2 for group in groups)
    assert len(groups) >= 0.85 * count


def test_different_parts_of_one_photograph_and_mirrored_ones_are_no_duplicates(photographs):
    mirrored = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in photographs]
    assert near(photographs) == []
    assert near([*photographs, *mirrored]) == []


def test_handwritten_digits_are_no_near_duplicates_of_each_other():
    digits = (load_digits().images * 15).astype(np.uint8)
    assert near([Image.fromarray(digit) for digit in digits[:1000]]) == []


def icon(shape, color, box=(20, 20, 44, 44)):
    image = Image.new("RGB", (64, 64), "white")
    getattr(ImageDraw.Draw(image), shape)(box, fill=color)
    return image


def test_icons_on_white_are_told_apart_by_shape_place_and_color():
    images = [
        icon("ellipse", "red"),
        icon("rectangle", "red"),
        icon("ellipse", "blue"),
        icon("ellipse", "red", (23, 20, 47, 44)),
    ]
    assert near(images) == []
    assert near([*images, as_jpeg(images[0], 95)]) == [(0, 4)]


def test_a_chain_of_pairs_is_one_group(photographs):
    image = photographs[0]
    copies = [image, as_jpeg(image), image.resize((90, 90)), photographs[5]]
    assert near(copies) == [(0, 1, 2)]


def test_many_images_of_one_hash_are_compared_by_their_looks(photographs):
    """A hash only proposes: what shares one by chance stays apart, what looks alike does not."""
    looks = [look(image) for image in (*photographs[:3], as_jpeg(photographs[1]))]
    thumbnails = np.stack([one.thumbnail for one in looks])
    assert near_duplicates(np.full(4, 7, np.uint64), thumbnails, np.zeros(4, bool)) == [(1, 3)]


@pytest.mark.parametrize("within", [2, 4, 8, 9])
def test_close_pairs_are_exactly_those_that_comparing_each_with_each_finds(within):
    random = np.random.default_rng(within)
    hashes = random.integers(0, 2**63, 300, np.uint64)
    flips = random.integers(0, 12, 300)
    for row, count in enumerate(flips):
        bits = random.choice(64, count, replace=False)
        other = hashes[row] ^ np.bitwise_or.reduce(
            np.uint64(1) << bits.astype(np.uint64), initial=0
        )
        hashes = np.append(hashes, np.uint64(other))
    numbers = [int(one) for one in hashes]
    wanted = {
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if 0 < (numbers[i] ^ numbers[j]).bit_count() <= within
    }
    found = {
        tuple(sorted(pair)) for pairs in close_pairs(hashes, within) for pair in pairs.tolist()
    }
    assert found == wanted
    assert len(wanted) > 30


def test_nothing_or_one_image_has_no_duplicates(photographs):
    nothing = np.empty(0, np.uint64), np.empty((0, 384), np.uint8), np.empty(0, bool)
    assert near_duplicates(*nothing) == []
    assert near(photographs[:1]) == []
    assert exact_duplicates([b"a", b"b", b"a", b"c", b"b"]) == [(0, 2), (1, 4)]
