"""What is measured on images, against images made to measure."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dcgan.latent.appearance import APPEARANCES, area, brightness, foreground, slant, stroke

SIDE = 64


def drawn(draw):
    """White on black, (1, 1, 64, 64), drawn four times as large."""
    image = Image.new("L", (4 * SIDE, 4 * SIDE))
    draw(ImageDraw.Draw(image))
    small = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)[None, None]


def band(width, lean=0.0, middle=(32, 32), height=40):
    """A band of so many pixels, leaning to the right by so much of its height."""
    x, y = middle
    top, bottom = y - height / 2, y + height / 2
    shift = lean * height / 2
    corners = [
        (x + shift - width / 2, top),
        (x + shift + width / 2, top),
        (x - shift + width / 2, bottom),
        (x - shift - width / 2, bottom),
    ]
    return lambda pen: pen.polygon([(4 * a, 4 * b) for a, b in corners], fill=255)


@pytest.mark.parametrize("lean", [-0.5, 0.0, 0.3, 1.0])
def test_slant_is_the_lean(lean):
    assert slant(drawn(band(6, lean)))[0] == pytest.approx(lean, abs=0.03)


@pytest.mark.parametrize("width", [3, 6, 10])
def test_stroke_is_the_width_but_for_the_ends(width):
    height = 50
    wanted = 2 * width * height / (2 * width + 2 * height)
    assert stroke(drawn(band(width, height=height)))[0] == pytest.approx(wanted, rel=0.1)


def test_place_and_area_are_those_of_the_thing():
    image = drawn(band(8, middle=(20, 40), height=16))
    assert APPEARANCES["x"](image)[0] == pytest.approx(20 / SIDE, abs=0.005)
    assert APPEARANCES["y"](image)[0] == pytest.approx(40 / SIDE, abs=0.005)
    assert area(image)[0] == pytest.approx(8 * 16 / SIDE**2, rel=0.07)


@pytest.mark.parametrize("name", [name for name in APPEARANCES if name != "brightness"])
def test_dark_on_light_is_as_light_on_dark(name):
    light = drawn(band(6, 0.4))
    measure = APPEARANCES[name]
    np.testing.assert_allclose(measure(light), measure(255 - light), rtol=1e-6)


def test_the_channel_that_differs_most_counts():
    image = np.full((1, 3, 8, 8), 255, np.uint8)
    image[0, :, 2:5, 3:6] = np.array([255, 55, 155])[:, None, None]
    front = foreground(image)[0]
    assert front[3, 4] == pytest.approx(200 / 255)
    assert front[0, 0] == 0
    assert brightness(image)[0] == pytest.approx((64 - 9 * (200 + 100) / 3 / 255) / 64)


def test_an_empty_image_is_in_the_middle_and_upright():
    empty = np.full((2, 3, 8, 8), 90, np.uint8)
    found = {name: measure(empty).tolist() for name, measure in APPEARANCES.items()}
    assert found == {
        "brightness": [pytest.approx(90 / 255)] * 2,
        "area": [0, 0],
        "x": [0.5, 0.5],
        "y": [0.5, 0.5],
        "slant": [0, 0],
        "stroke": [0, 0],
    }


def test_each_image_is_measured_alone():
    images = np.concatenate([drawn(band(4, 0.2)), drawn(band(9, -0.3, (20, 30)))])
    for measure in APPEARANCES.values():
        alone = [measure(image[None])[0] for image in images]
        np.testing.assert_allclose(measure(images), alone)
