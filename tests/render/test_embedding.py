"""Images inside pages."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dcgan.render.embedding import clear_gaps, compact_uri, shrunk
from dcgan.render.sheet import GAP, enlarged_size, sheet

RANDOM = np.random.default_rng(0)


def image_in(uri):
    kind, data = uri.split(",")
    assert kind == "data:image/webp;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


def test_small_images_are_embedded_without_loss():
    pixels = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    found = np.asarray(image_in(compact_uri(Image.fromarray(pixels))).convert("RGB"))
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_images_of_any_mode_are_embedded(mode):
    image = Image.new("RGBA", (8, 6), (200, 100, 50, 128)).convert(mode if mode != "I;16" else "L")
    image = image.convert("I;16") if mode == "I;16" else image
    assert image_in(compact_uri(image)).size == (8, 6)


def test_large_images_become_small_files():
    pixels = RANDOM.integers(0, 256, (600, 600, 3), dtype=np.uint8)
    assert len(compact_uri(Image.fromarray(pixels))) < pixels.size


@pytest.mark.parametrize(
    "shape", [(9, 1, 28, 28), (7, 3, 32, 16), (4, 4, 16, 16), (1, 3, 200, 100)]
)
def test_gaps_of_a_sheet_become_transparent_and_images_stay(shape):
    images = RANDOM.integers(0, 200, shape, dtype=np.uint8)
    if shape[1] == 4:
        images[:, 3] = 255
    page = sheet(images)
    cleared = clear_gaps(page, enlarged_size((shape[3], shape[2])), GAP)
    alpha = np.asarray(cleared)[..., 3]
    assert alpha[0].max() == alpha[:, 0].max() == 0
    width, height = enlarged_size((shape[3], shape[2]))
    first = (GAP, GAP, GAP + width, GAP + height)
    assert cleared.crop(first).convert("RGB").tobytes() == page.crop(first).convert("RGB").tobytes()
    assert np.asarray(cleared.crop(first))[..., 3].min() == 255


def test_a_sheet_of_other_cells_is_left_alone():
    page = Image.new("RGB", (101, 101))
    assert clear_gaps(page, (28, 28), GAP) is page


def test_shrinking_leaves_small_images_alone():
    assert shrunk(Image.new("L", (40, 20)), 100).size == (40, 20)
    assert shrunk(Image.new("L", (400, 200)), 100).size == (100, 50)
