"""Pages, and histograms of sizes."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from dcgan.render.embedding import png_uri
from dcgan.render.histogram import size_histograms


def test_a_data_uri_carries_the_image():
    kind, data = png_uri(Image.new("RGB", (3, 2), "red")).split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "sizes", [[(28, 28)] * 9, [(1, 9000), (9000, 1)], [(64, 48), (60, 61), (200, 100)]]
)
def test_histograms_of_any_sizes_are_drawn(sizes):
    drawing = size_histograms(np.array(sizes))
    assert ElementTree.fromstring(drawing).tag.endswith("svg")
    assert drawing == size_histograms(np.array(sizes)), "not the same twice"
    assert re.search(r"2a78b5", drawing)
