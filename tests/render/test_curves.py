"""Curves: every quantity is drawn, from few records and many, with gradients or without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.conftest import rendering

from dcgan.render import curves
from dcgan.render.curves import gradient_curves, loss_and_score_curves

pytestmark = pytest.mark.figures

BLUE = (0x21, 0x66, 0xAC)
"""The discriminator's loss."""

Draw = Callable[[list[dict[str, Any]], Path], None]


def records(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Log lines as training writes them."""
    line = {
        "loss_d": 1.0,
        "loss_g": 1.5,
        "score_real": 0.7,
        "score_fake_before": 0.4,
        "score_fake_after": 0.2,
        "gradient_mean": {"1 conv": 1e-3, "2 conv": 1e-2, "3 conv": 1e-4},
        "gradient_max": {"1 conv": 1e-1, "2 conv": 1.0, "3 conv": 1e-2},
    }
    return [{"images": 64 * number, **line, **changes} for number in range(1, count + 1)]


def drawn(draw: Draw, lines: list[dict[str, Any]], path: Path) -> np.ndarray:
    """The picture (H, W, 3) that is drawn, which must be a whole PNG and the only file."""
    draw(lines, path)
    assert list(path.parent.iterdir()) == [path]
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "curves.png"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Both pictures of ten records in which nothing stands out."""
    with rendering():
        return {
            draw: drawn(draw, records(10), tmp_path_factory.mktemp("plain") / "curves.png")
            for draw in (loss_and_score_curves, gradient_curves)
        }


@pytest.mark.parametrize("draw", [loss_and_score_curves, gradient_curves])
@pytest.mark.parametrize("count", [1, 2, 300])
def test_few_records_and_many_give_a_image_of_the_same_size(draw, count, path):
    pixels = drawn(draw, records(count), path)
    assert pixels.shape == (660, 880, 3)
    assert (pixels < 200).any(axis=2).sum() > 1000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("loss_d", 1.4),
        ("loss_g", 1.1),
        ("score_real", 0.9),
        ("score_fake_before", 0.6),
        ("score_fake_after", 0.1),
    ],
)
def test_every_loss_and_score_shows(key, value, plain, path):
    after = drawn(loss_and_score_curves, records(10, **{key: value}), path)
    assert (plain[loss_and_score_curves] != after).any(axis=2).sum() > 200


@pytest.mark.parametrize("key", ["gradient_mean", "gradient_max"])
@pytest.mark.parametrize("layer", ["1 conv", "2 conv", "3 conv"])
def test_every_gradient_of_every_layer_shows(key, layer, plain, path):
    changed = records(10, **{key: {**records(1)[0][key], layer: 0.05}})
    after = drawn(gradient_curves, changed, path)
    assert (plain[gradient_curves] != after).any(axis=2).sum() > 200


def rows_of(pixels: np.ndarray, color: tuple[int, ...]) -> np.ndarray:
    """Where a color is, past the beginning and left of the legend."""
    (rows,) = np.nonzero((abs(pixels[:, 150:500] - color).sum(axis=2) < 20).any(axis=1))
    return rows


def test_a_long_constant_curve_is_drawn_level_from_the_beginning(path):
    """The smoothed line must not rise from nothing."""
    rows = rows_of(drawn(loss_and_score_curves, records(200), path), BLUE)
    assert 0 < np.ptp(rows) < 6


def test_long_noisy_curves_are_smoothed_and_short_ones_are_not(path):
    def height(count: int) -> int:
        lines = records(count)
        for line in lines[::2]:
            line["loss_d"] = 2.0
        return int(np.ptp(rows_of(drawn(loss_and_score_curves, lines, path), BLUE)))

    assert height(40) > 200
    assert height(300) < 60


@pytest.mark.parametrize("outlier", [1.5, 1000.0])
def test_one_outlier_does_not_flatten_the_losses(outlier, path):
    """The losses 1 and 1.5 stay as far apart as they are without it."""
    lines = records(200)
    for line in lines[20:]:
        line["loss_d"] = 0.5
    lines[100]["loss_d"] = outlier
    rows = rows_of(drawn(loss_and_score_curves, lines, path), BLUE)
    assert np.ptp(rows) > 60


@pytest.mark.parametrize("missing", [{"gradient_mean": None}, {"gradient_mean": {}}])
def test_records_without_gradients_are_passed_over(missing, plain, path):
    whole = plain[gradient_curves]
    lines = records(10)
    lines[4] |= missing
    np.testing.assert_array_equal(drawn(gradient_curves, lines, path), whole)
    for key in ("gradient_mean", "gradient_max"):
        del lines[4][key]
    np.testing.assert_array_equal(drawn(gradient_curves, lines, path), whole)


def test_no_gradients_at_all_still_give_a_image(path):
    lines = records(5)
    for line in lines:
        del line["gradient_mean"], line["gradient_max"]
    assert drawn(gradient_curves, lines, path).shape == (660, 880, 3)


def test_gradients_of_nothing_but_zero_still_give_a_image(path):
    """As when a discriminator has died; a logarithmic axis has no zero."""
    zeros = {"1 conv": 0.0, "2 conv": 0.0}
    drawn(gradient_curves, records(5, gradient_mean=zeros, gradient_max=zeros), path)


@pytest.mark.parametrize("count", [5, 200])
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_are_none_do_not_stop_the_drawing(count, number, path):
    """As when a run diverged."""
    lines = records(count)
    lines[-1] |= {"loss_d": number, "score_real": number}
    drawn(loss_and_score_curves, lines, path)


def test_a_record_without_a_loss_is_passed_over_in_its_curve(plain, path):
    """As when the generator took no step in an interval."""
    whole = plain[loss_and_score_curves]
    lines = records(10)
    del lines[4]["loss_g"]
    np.testing.assert_array_equal(drawn(loss_and_score_curves, lines, path), whole)


def test_an_older_image_is_replaced(path):
    path.write_bytes(b"older")
    drawn(loss_and_score_curves, records(3), path)


def test_each_panel_has_a_title(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, path: figures.append(figure))
    record = {"images": 1, "loss_d": 1.0, "loss_g": 1.0, "score_real": 0.5}
    record |= {"score_fake_before": 0.5, "score_fake_after": 0.5}
    record |= {"gradient_mean": {"1": 1.0}, "gradient_max": {"1": 2.0}}
    curves.loss_and_score_curves([record], tmp_path / "a.png")
    curves.gradient_curves([record], tmp_path / "b.png")
    assert all(panel.get_title() for figure in figures for panel in figure.axes)
