"""Pages, drawings of sizes, and captioned rows."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from dcgan.render.captioned_rows import captioned_rows
from PIL import Image

from dcgan.errors import DataError
from dcgan.render.histogram import size_histograms
from dcgan.render.page import data_uri


def test_a_data_uri_carries_the_image():
    kind, data = data_uri(Image.new("RGB", (3, 2), "red")).split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_rows_stand_below_each_other_each_under_its_caption():
    rows = {
        "first": np.zeros((3, 1, 32, 32), np.uint8),
        "second": np.full((3, 3, 32, 32), 90, np.uint8),
    }
    image = captioned_rows(rows)
    one_row = captioned_rows({"first": rows["first"]})
    assert image.height == 2 * one_row.height
    pixels = np.asarray(image)
    assert (pixels[one_row.height - 10, 10] == 0).all()
    assert (pixels[-10, 10] == 90).all()
    for top in (0, one_row.height):
        assert pixels[top : top + 20].min() < 100, "no caption"


def test_a_long_caption_is_not_cut_off():
    narrow = captioned_rows({"x" * 60: np.zeros((1, 1, 16, 16), np.uint8)})
    assert narrow.width > 300
    assert (np.asarray(narrow)[:20, -3:] == 255).all()


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="at least one row"):
        captioned_rows({})


@pytest.mark.parametrize(
    "sizes", [[(28, 28)] * 9, [(1, 9000), (9000, 1)], [(64, 48), (60, 61), (200, 100)]]
)
def test_histograms_of_any_sizes_are_drawn(sizes):
    drawing = size_histograms(np.array(sizes))
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert drawing == size_histograms(np.array(sizes)), "not the same twice"
    assert re.search(r"2a78b5", drawing)
