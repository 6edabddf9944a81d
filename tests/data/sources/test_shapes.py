"""Shapes: the factors on the label are those in the picture."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import pytest
from PIL import Image

from dcgan.data import open_source
from dcgan.data.sources.shapes import COLORS, SHAPES, SIDE, ShapesSource, draw_shape


def paint(image: Image.Image, color: str) -> np.ndarray:
    """How much of each pixel is covered, 0 to 1, from its mix of white and the color."""
    channel = int(np.argmin(COLORS[color]))
    return (255 - np.asarray(image, float)[:, :, channel]) / (255 - COLORS[color][channel])


def regular_polygon(corners: int, size: float, x: float, y: float, angle: float) -> np.ndarray:
    """The share of every pixel within the polygon: on the inner side of all its edges."""
    fine = 8
    steps = (np.arange(SIDE * fine) + 0.5) / (SIDE * fine)
    across, down = steps[None, :] - x, steps[:, None] - y
    inside = np.ones((SIDE * fine, SIDE * fine), bool)
    for edge in range(corners):
        normal = angle + pi * (2 * edge + 1) / corners
        inside &= across * cos(normal) + down * sin(normal) <= size * cos(pi / corners)
    return inside.reshape(SIDE, fine, SIDE, fine).mean(axis=(1, 3))


AREA = {"circle": pi, "square": 2.0, "triangle": 3 * 3**0.5 / 4}
"""In squares of the circumradius."""

DRAWN = ShapesSource(count=300)


def factors(index: int) -> tuple[str, str, float, float, float, float]:
    """Shape, color, size, x, y and angle, as the labels say."""
    labels = DRAWN.labels
    names = (labels[key].names[labels[key].values[index]] for key in ("shape", "color"))
    return *names, *(float(labels[key].values[index]) for key in ("size", "x", "y", "angle"))


def test_images_are_drawn_from_their_labels():
    for index in range(0, 300, 10):
        shape, color, size, x, y, angle = factors(index)
        drawn = draw_shape(shape, color, size=size, x=x, y=y, angle=angle)
        assert DRAWN.read(index).tobytes() == drawn.tobytes()


def test_images_do_not_need_the_labels():
    plain = open_source("shapes", labels="none")
    assert plain.labels == {}
    assert plain.read(7).tobytes() == open_source("shapes").read(7).tobytes()


@pytest.mark.parametrize("index", range(0, 300, 15))
def test_the_factors_can_be_measured_in_the_image(index):
    shape, color, size, x, y, _ = factors(index)
    image = DRAWN.read(index)
    assert image.mode == "RGB"
    assert image.size == (SIDE, SIDE)
    cover = paint(image, color)
    centers = (np.arange(SIDE) + 0.5) / SIDE
    assert image.getpixel((round(x * SIDE), round(y * SIDE))) == COLORS[color]
    assert (cover.sum(axis=0) @ centers) / cover.sum() == pytest.approx(x, abs=0.5 / SIDE)
    assert (cover.sum(axis=1) @ centers) / cover.sum() == pytest.approx(y, abs=0.5 / SIDE)
    assert cover.mean() == pytest.approx(AREA[shape] * size**2, rel=0.1)


@pytest.mark.parametrize(("shape", "corners"), [("triangle", 3), ("square", 4)])
@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, 5.5])
def test_the_angle_turns_the_shape(shape, corners, angle):
    image = draw_shape(shape, "blue", size=0.38, x=0.45, y=0.57, angle=angle)
    wanted = regular_polygon(corners, 0.38, 0.45, 0.57, angle)
    assert abs(paint(image, "blue") - wanted).mean() < 0.02


@pytest.mark.parametrize("color", COLORS)
def test_the_paper_is_white_and_the_edges_are_smooth(color):
    image = draw_shape("circle", color, size=0.3, x=0.5, y=0.5, angle=0)
    seen = {pixel for _, pixel in image.getcolors()}
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert COLORS[color] in seen
    assert len(seen) > 5


def test_a_seed_and_a_number_always_give_the_same_image():
    again = ShapesSource(count=300)
    for index in (299, 0, 150):
        assert DRAWN.read(index).tobytes() == again.read(index).tobytes()
    other = ShapesSource(count=300, seed=1)
    assert not np.array_equal(DRAWN.labels["x"].values, other.labels["x"].values)


def test_the_factors_are_uniform_and_independent():
    labels = open_source("shapes").labels
    assert len(labels["shape"].values) == 10_000
    for key, classes in (("shape", SHAPES), ("color", COLORS)):
        counts = np.bincount(labels[key].values, minlength=len(classes))
        np.testing.assert_allclose(counts, 10_000 / len(classes), rtol=0.06)
    bounds = {"size": (0.2, 0.4), "x": (0.4, 0.6), "y": (0.4, 0.6), "angle": (0, 2 * pi)}
    for key, (low, high) in bounds.items():
        assert labels[key].names == ()
        assert low <= labels[key].values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < labels[key].values.max() <= high
    table = np.corrcoef([factor.values for factor in labels.values()])
    assert abs(table - np.eye(6)).max() < 0.05
