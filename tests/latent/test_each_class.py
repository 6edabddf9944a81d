"""All classes of a run in one call: folders of classes, arrays with labels, a sheet of rows."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.errors import ConfigError, DataError
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.models.latents import LatentSpace
from dcgan.render.sheet import enlarged
from dcgan.runtime.ranks import Ranks

DIGITS = tuple("0123456789")
CELL = 66
"""Pixels of a sheet from one image of 16 pixels to the next: 4 times as large, and the gap."""


def pixels(file: Path | BytesIO) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_a_run_names_its_classes(small_run, unlabeled_run):
    assert small_run.classes == DIGITS
    assert unlabeled_run.classes == ()


def test_a_class_without_images_was_not_learned(untrained, tmp_path):
    run = untrained(LatentSpace(3, classes=(0.5, 0.0, 0.5)))
    run.checkpoint = Path("1")
    assert run.classes == ("a", "c")
    write_samples(run, 1, tmp_path, each_class=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_a_folder_holds_one_folder_for_each_class(small_run, tmp_path):
    write_samples(small_run, 3, tmp_path / "new", Choice(seed=4), each_class=True)
    found = sorted(path.relative_to(tmp_path / "new") for path in tmp_path.glob("new/**/*.*"))
    assert found == [Path(f"{at // 3}/{at:06d}.png") for at in range(30)]
    for path in found:
        wanted = small_run.sample(30, seed=4, label=path.parent.name)[int(path.stem), 0]
        np.testing.assert_array_equal(pixels(tmp_path / "new" / path), wanted)


def test_a_zip_holds_the_same_folders(small_run, tmp_path):
    write_samples(small_run, 2, tmp_path / "new.zip", each_class=True)
    with zipfile.ZipFile(tmp_path / "new.zip") as archive:
        assert archive.namelist() == [f"{at // 2}/{at:06d}.png" for at in range(20)]
        seven = pixels(BytesIO(archive.read("7/000015.png")))
    np.testing.assert_array_equal(seven, small_run.sample(16, label="7")[15, 0])


def test_an_npz_holds_the_name_of_each_class(small_run, tmp_path):
    write_samples(small_run, 2, tmp_path / "new.npz", each_class=True)
    with np.load(tmp_path / "new.npz") as file:
        assert file["labels"].tolist() == [name for name in DIGITS for _ in range(2)]
        for at, name in enumerate(DIGITS):
            ours = file["images"][file["labels"] == name]
            theirs = small_run.sample(2 * at + 2, label=name)[2 * at :]
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("suffix", ["", ".zip", ".npz"])
def test_such_a_file_is_a_dataset_with_these_labels(small_run, tmp_path, suffix):
    write_samples(small_run, 2, tmp_path / f"new{suffix}", each_class=True)
    labels = dcgan.open_source(tmp_path / f"new{suffix}").labels["label"]
    assert labels.names == DIGITS
    assert labels.values.tolist() == [at for at in range(10) for _ in range(2)]


def test_a_sheet_has_a_row_of_each_class_with_its_name_above(small_run, tmp_path):
    write_samples(small_run, 12, tmp_path / "new.png", each_class=True)
    drawn = pixels(tmp_path / "new.png")
    assert drawn.shape[1] == 2 + 12 * CELL
    between = drawn.shape[0] // 10
    assert between > CELL  # for the names
    for row, name in enumerate(DIGITS):
        images = small_run.sample(12, label=name)
        top = drawn.shape[0] - (10 - row) * between + between - CELL
        for column in (0, 11):
            wanted = np.asarray(enlarged(images[column]))
            left = 2 + column * CELL
            np.testing.assert_array_equal(drawn[top : top + 64, left : left + 64], wanted)


def test_every_row_has_its_numbers(small_run, tmp_path):
    for name in ("plain", "numbered"):
        out = tmp_path / f"{name}.png"
        write_samples(small_run, 2, out, each_class=True, numbered=name == "numbered")
    plain, numbered = (pixels(tmp_path / f"{name}.png") for name in ("plain", "numbered"))
    assert len(numbered) >= len(plain) + 10 * 10


def test_a_sheet_is_measured_with_all_its_rows(small_run, tmp_path):
    with pytest.raises(DataError, match=r"a sheet of 250 images would be 16502x662 "):
        write_samples(small_run, 250, tmp_path / "new.png", each_class=True)


def test_a_run_without_classes_is_refused(unlabeled_run, tmp_path):
    with pytest.raises(ConfigError, match=r"each_class.* has learned no classes"):
        write_samples(unlabeled_run, 2, tmp_path / "new", each_class=True)


def test_one_class_and_all_classes_are_refused(small_run, tmp_path):
    with pytest.raises(ConfigError, match=r"label.*'7'.*cannot be set with `each_class`"):
        write_samples(small_run, 2, tmp_path / "new", Choice(label="7"), each_class=True)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("day", "day/night"), "'day/night' cannot be the name of a folder"),
        (("", "day"), "'' cannot be the name of a folder"),
        (("..", "day"), r"'\.\.' cannot be the name of a folder"),
        (("a\nb", "day"), r"'a\\nb' cannot be the name of a folder"),
        (("Day", "day"), "differ only in upper and lower case"),
    ],
)
def test_classes_that_cannot_be_folders_are_refused(tmp_path, names, said):
    run = SimpleNamespace(
        networks=SimpleNamespace(image_shape=(1, 4, 4), class_names=names),
        classes=names,
        generate_numbered=lambda latents, count: iter([np.zeros((count, 1, 4, 4), np.uint8)]),
        ranks=Ranks(),
        checkpoint=Path("1"),
    )
    for suffix in ("", ".zip"):
        with pytest.raises(ConfigError, match=rf"{said}\. Use an \.npz"):
            write_samples(run, 2, tmp_path / f"new{suffix}", each_class=True)
    write_samples(run, 1, tmp_path / "new.npz", each_class=True)
    with np.load(tmp_path / "new.npz") as file:
        assert tuple(file["labels"]) == names
    assert list(tmp_path.iterdir()) == [tmp_path / "new.npz"]
