"""The survey: what is in a collection, counted before any training."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dcgan.data import Labels, Survey, open_source, survey
from dcgan.data.quality import evidence
from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.survey import LOOKED_AT
from dcgan.data.sources.base import ArraySource
from dcgan.errors import DataError
from dcgan.training.planning.advice import advise


@pytest.fixture
def folder(tmp_path):
    """Two classes, three modes, three sizes, one broken picture, two other files."""
    dataset = {
        "cat/1.png": Image.new("RGB", (30, 20)),
        "cat/2.png": Image.new("RGB", (30, 20)),
        "cat/3.png": Image.new("L", (30, 20)),
        "dog/4.png": Image.new("RGBA", (60, 20)),
        "dog/5.png": Image.new("RGB", (30, 90)),
    }
    for name, image in dataset.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        image.save(tmp_path / name)
    (tmp_path / "dog" / "6.png").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("text")
    (tmp_path / "dog" / "list.csv").write_text("text")
    return tmp_path


def test_modes_sizes_labels_and_other_files_are_counted(folder):
    seen = survey(open_source(str(folder)))
    assert (seen.count, seen.looked_at, seen.ignored) == (6, 6, 2)
    assert seen.modes == {"RGB": 3, "L": 1, "RGBA": 1}
    assert seen.sizes == {(20, 30): 3, (20, 60): 1, (90, 30): 1}
    assert seen.labels == {"label": {"cat": 3, "dog": 3}}


def test_the_most_frequent_come_first(tmp_path):
    for number, mode in enumerate(["L", "RGB", "RGB", "RGB", "RGBA", "RGBA"]):
        Image.new(mode, (8 + len(mode), 8)).save(tmp_path / f"{number}.png")
    seen = survey(open_source(str(tmp_path)))
    assert list(seen.modes) == ["RGB", "RGBA", "L"]
    assert list(seen.sizes) == [(8, 11), (8, 12), (8, 9)]


def test_unreadable_images_are_named_with_the_reason(folder):
    (broken,) = survey(open_source(str(folder))).skipped
    assert broken.title == "dog/6.png"
    assert "empty" in broken.reason


def test_the_median_size_is_height_by_width_and_ignores_outliers(folder):
    assert survey(open_source(str(folder))).median_size == (20, 30)


def test_the_median_counts_every_image_and_not_every_size():
    seen = Survey(10, 10, {}, {(64, 48): 8, (100, 200): 1, (300, 400): 1}, {}, (), 0)
    assert seen.median_size == (64, 48)


@pytest.mark.parametrize(
    ("modes", "color"),
    [
        (["L"], False),
        (["LA", "1", "L", "I;16"], False),
        (["I", "F"], False),
        (["L", "RGB"], True),
        (["RGBA"], True),
        (["CMYK"], True),
        (["P"], True),
    ],
)
def test_one_image_with_colors_makes_a_collection_colored(modes, color):
    seen = Survey(1, 1, dict.fromkeys(modes, 1), {(8, 8): 1}, {}, (), 0)
    assert seen.is_color is color


def test_built_in_sets_are_told_gray_from_colored():
    assert not survey(open_source("digits")).is_color
    assert survey(open_source("shapes"), limit=5).is_color


def test_labels_with_classes_are_counted_and_measurements_are_not():
    seen = survey(open_source("shapes"), limit=5)
    assert set(seen.labels) == {"shape", "color"}
    assert set(seen.labels["shape"]) == {"circle", "square", "triangle"}
    assert sum(seen.labels["shape"].values()) == 10_000


def test_empty_classes_are_counted_too():
    labels = {"label": Labels(np.array([0, 2, 2]), ("cat", "cow", "dog", "emu"))}
    seen = survey(ArraySource("pets", np.zeros((3, 4, 4), np.uint8), labels=labels))
    assert seen.labels == {"label": {"cat": 1, "cow": 0, "dog": 2, "emu": 0}}


def test_a_limit_looks_at_images_spread_over_the_whole_collection(tmp_path):
    for number in range(21):
        Image.new("L", (8, 10 + number)).save(tmp_path / f"{number:02d}.png")
    seen = survey(open_source(str(tmp_path)), limit=5)
    assert (seen.count, seen.looked_at) == (21, 5)
    assert set(seen.sizes) == {(height, 8) for height in (10, 15, 20, 25, 30)}


def test_a_limit_above_the_count_looks_at_everything_once(folder):
    assert survey(open_source(str(folder)), limit=100).looked_at == 6


def test_a_collection_of_nothing_readable_is_refused_naming_the_first(tmp_path):
    for name in ("1.png", "2.jpg"):
        (tmp_path / name).write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"none of 2 images can be read; the first is 1\.png"):
        survey(open_source(str(tmp_path)))


def test_readable_images_are_those_that_were_not_skipped(folder):
    assert survey(open_source(str(folder))).readable == 5


def test_headers_say_what_the_whole_images_would(tmp_path):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        Image.new("RGB", (40, 20)).save(tmp_path / f"{orientation}.jpg", exif=exif)
        Image.new("L", (40, 20)).save(tmp_path / f"{orientation}.png", exif=exif)
        Image.new("L", (40, 20)).save(tmp_path / f"{orientation}.tif", exif=exif)
        Image.new("RGB", (40, 20)).save(tmp_path / f"{orientation}.webp", exif=exif)
    Image.new("P", (7, 9)).save(tmp_path / "a.gif")
    source = open_source(str(tmp_path))
    for index in range(len(source)):
        image = source.read(index)
        assert source.peek(index) == (image.mode, (image.height, image.width))


def save_grays(folder, count, mode="L"):
    grays = np.random.default_rng(0).integers(0, 256, (count, 6, 6), np.uint8)
    for number, gray in enumerate(grays):
        Image.fromarray(gray).convert(mode).save(folder / f"{number:04d}.png")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_few_colored_ones_of_many_are_found_by_train_and_inspect(tmp_path, mode):
    save_grays(tmp_path, 400, mode)
    colored = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 6, 3), np.uint8))
    for number in (7, 201, 398):
        colored.save(tmp_path / f"{number:04d}.png")
    source = open_source(str(tmp_path))
    assert survey(source, LOOKED_AT).is_color
    assert inspect_dataset(source).is_color


def test_grays_stored_in_color_are_gray(tmp_path):
    save_grays(tmp_path, 60, "RGB")
    source = open_source(str(tmp_path))
    for seen in (survey(source, LOOKED_AT), inspect_dataset(source)):
        assert seen.has_color_modes
        assert not seen.is_color


def test_a_colored_dataset_is_known_by_one_image_and_few_headers():
    class Counting(ArraySource):
        peeked = decoded = 0

        def peek(self, index):
            self.peeked += 1
            return "RGB", (6, 6)

        def read(self, index, at_least=None):
            self.decoded += 1
            return super().read(index, at_least)

    images = np.random.default_rng(0).integers(0, 256, (5000, 6, 6, 3), np.uint8)
    source = Counting("photographs", images)
    assert survey(source, LOOKED_AT).is_color
    assert source.peeked == LOOKED_AT
    assert source.decoded == 1


def test_what_inspect_sees_beyond_the_survey_changes_no_recommendation(monkeypatch, tmp_path):
    """Where colors are so rare that training misses them, inspect says so, and how to keep them."""
    save_grays(tmp_path, 60, "RGB")
    Image.new("RGB", (6, 6), "red").save(tmp_path / "0033.png")
    monkeypatch.setattr(evidence, "MOST_PIXELS_READ", 4)
    seen = inspect_dataset(open_source(str(tmp_path)))
    assert (seen.is_color, seen.colored) == (False, 1)
    given = advise(seen, "cpu", data="grays")
    assert given.channels == 1
    assert any("`data.channels=3` keeps it" in danger for danger in given.dangers)


class InRuns(ArraySource):
    """Far pictures read in runs, that remember which were."""

    run = 64
    is_far = True

    def __init__(self, count):
        super().__init__("far", np.zeros((count, 4, 4), np.uint8))
        self.looked = []

    def peek(self, index):
        self.looked.append(index)
        return "L", (4, 4)


@pytest.mark.parametrize("count", [200, 100_000, 100_001])
def test_of_far_images_few_runs_are_read(count):
    source = InRuns(count)
    seen = survey(source, limit=256)
    runs = {index // 64 for index in source.looked}
    assert len(runs) <= 16
    assert seen.looked_at == len(set(source.looked)) <= 256
    assert 0 in runs
    assert max(source.looked) >= count - 64, "to the very end"


def test_the_median_size_is_square_where_most_images_are():
    found = Survey(8, 8, {"RGB": 8}, {(64, 64): 4, (96, 64): 2, (64, 96): 2}, {}, (), 0)
    assert found.median_size[0] == found.median_size[1]


@pytest.mark.parametrize(
    ("sizes", "median"),
    [
        ({(218, 178): 5}, (218, 178)),
        ({(40, 80): 3, (50, 100): 4}, (50, 100)),
        ({(80, 40): 3, (100, 50): 4}, (100, 50)),
    ],
)
def test_the_median_size_keeps_the_median_aspect(sizes, median):
    count = sum(sizes.values())
    assert Survey(count, count, {"RGB": count}, sizes, {}, (), 0).median_size == median
