"""The confusion matrix: right and wrong answers show, whatever the number of classes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dcgan.errors import DataError
from dcgan.render.confusion import confusion_matrix


def drawn(counts: np.ndarray, path, names=None, **more) -> np.ndarray:
    confusion_matrix(counts, names or [f"class {n}" for n in range(len(counts))], path, **more)
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def share(pixels: np.ndarray, kind: str) -> float:
    """Of the picture, how much is blue or red."""
    red, blue = pixels[:, :, 0], pixels[:, :, 2]
    found = blue - red > 40 if kind == "blue" else red - blue > 40
    return float(found.mean())


@pytest.mark.parametrize("classes", [2, 20, 50])
def test_right_answers_are_blue_and_wrong_ones_red(classes, tmp_path):
    """One class is taken for another, all others are right."""
    counts = np.eye(classes, dtype=np.int64) * 30
    counts[1] = np.roll(counts[1], -1)
    pixels = drawn(counts, tmp_path / "a.png")
    blue, red = share(pixels, "blue"), share(pixels, "red")
    assert blue == pytest.approx((classes - 1) * red, rel=0.1)
    assert red > 0.3 / classes**2
    assert max(pixels.shape) < 2000
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_name_that_the_font_lacks_is_shown_by_its_number(tmp_path):
    """As boxes, all such names would look the same; Matplotlib's warning is an error here."""
    counts = np.eye(3, dtype=np.int64)
    pixels = drawn(counts, tmp_path / "a.png", ["日本", "中国", "café"])
    by_number = drawn(counts, tmp_path / "b.png", ["№ 0", "№ 1", "café"])
    np.testing.assert_array_equal(pixels, by_number)


def test_a_name_with_dollar_signs_is_no_formula(tmp_path):
    """As formulas, both names are errors."""
    drawn(np.eye(2, dtype=np.int64), tmp_path / "a.png", ["$1_to_$5_a_b", r"$\no$"])


def test_rows_are_true_classes(tmp_path):
    """One row spread over all columns is a band across, in the row's own place."""
    counts = np.eye(6, dtype=np.int64) * 60
    counts[4] = 10
    pixels = drawn(counts, tmp_path / "a.png")
    reddish = pixels[:, :, 0] - pixels[:, :, 2] > 40
    rows, columns = np.nonzero(reddish)
    assert np.ptp(columns) > 3 * np.ptp(rows)
    assert rows.mean() > 0.55 * len(pixels)


def test_rare_classes_show_as_well_as_frequent_ones(tmp_path):
    frequent = drawn(np.diag([1000, 1000]), tmp_path / "a.png")
    rare = drawn(np.diag([1000, 3]), tmp_path / "b.png")
    assert share(rare, "blue") == pytest.approx(share(frequent, "blue"), rel=0.1)


def test_a_class_without_images_is_no_error(tmp_path):
    drawn(np.array([[5, 1, 0], [0, 0, 0], [0, 2, 3]]), tmp_path / "a.png")


def test_long_names_are_cut_in_the_middle_so_that_numbered_ones_differ(tmp_path):
    counts = np.eye(2, dtype=np.int64)
    names = ["a very long name of a class that nobody would print 1", "b"]
    first = drawn(counts, tmp_path / "a.png", names)
    assert first.shape[1] < 800
    names[0] = names[0][:-1] + "2"
    assert (drawn(counts, tmp_path / "b.png", names) != first).any()


def test_the_title_and_every_count_show(tmp_path):
    counts = np.array([[50, 3], [4, 60]])
    plain = drawn(counts, tmp_path / "a.png")
    assert (drawn(counts, tmp_path / "a.png", title="Title") != plain).any()
    assert (drawn(np.array([[50, 3], [4, 61]]), tmp_path / "a.png") != plain).any()


def test_too_many_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match="300 classes"):
        drawn(np.eye(300, dtype=np.int64), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
