"""NumPy files: every layout and type of pictures, and what is refused."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_images import class_names, read_all

from dcgan.data import load_dataset, open_source, survey
from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.selection import Drops, select
from dcgan.data.sources.arrays import open_array
from dcgan.errors import ConfigError, DataError


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_npy_with_channels_last(tmp_path, channels):
    images = random_images(5, 6, 7, channels)
    np.save(tmp_path / "a.npy", images)
    read = read_all(open_source(str(tmp_path / "a.npy")))
    np.testing.assert_array_equal(read.reshape(images.shape), images)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_npy_with_channels_first(tmp_path, channels):
    images = random_images(5, channels, 6, 7)
    np.save(tmp_path / "a.npy", images)
    read = read_all(open_source(str(tmp_path / "a.npy")))
    np.testing.assert_array_equal(read.reshape(5, 6, 7, channels), np.moveaxis(images, 1, 3))


def test_npy_without_channels_is_gray(tmp_path):
    images = random_images(5, 6, 7)
    np.save(tmp_path / "a.npy", images)
    source = open_source(str(tmp_path / "a.npy"))
    assert source.read(0).mode == "L"
    np.testing.assert_array_equal(read_all(source), images)
    assert source.title(3).endswith("a.npy[3]")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_from_0_to_1_become_pixels(tmp_path, kind):
    images = random_images(2, 16, 16)
    images[0] = np.arange(256).reshape(16, 16)
    np.save(tmp_path / "a.npy", (images / 255).astype(kind))
    np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images)


def test_floats_between_two_pixels_become_the_nearer(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[[0.001, 0.0021, 0.5021, 0.999]]]))
    assert read_all(open_source(str(tmp_path / "a.npy"))).tolist() == [[[0, 1, 128, 255]]]


def test_truth_values_become_black_and_white(tmp_path):
    images = random_images(2, 5, 5) > 127
    np.save(tmp_path / "a.npy", images)
    np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images * 255)


def test_wider_whole_numbers_are_taken_when_they_are_pixels(tmp_path):
    images = random_images(2, 5, 5)
    np.save(tmp_path / "a.npy", images.astype(np.int64))
    np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images)


def test_npz_gives_images_and_labels(tmp_path):
    images = random_images(4, 5, 5, 3)
    np.savez(tmp_path / "a.npz", other=np.zeros((9, 2, 2)), labels=[2, 0, 1, 2], images=images)
    source = open_source(str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(read_all(source), images)
    assert source.labels["label"].values.tolist() == [2, 0, 1, 2]
    assert source.labels["label"].names == ("0", "1", "2")


def test_npz_without_that_name_gives_its_first_array_of_images(tmp_path):
    images = random_images(4, 5, 5)
    np.savez_compressed(tmp_path / "a.npz", numbers=np.zeros(4), pictures=images)
    source = open_source(str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(read_all(source), images)
    assert source.labels == {}


def test_labels_of_another_length_are_none(tmp_path):
    np.savez(tmp_path / "a.npz", images=random_images(4, 5, 5), labels=[0, 1])
    assert open_source(str(tmp_path / "a.npz")).labels == {}


def test_labels_may_be_any_whole_numbers(tmp_path):
    """-1 often says "no label", and numbers need not be without gaps."""
    np.savez(tmp_path / "a.npz", images=random_images(4, 5, 5), labels=[7, -1, 10**9, 7])
    seen = survey(open_source(str(tmp_path / "a.npz")))
    assert seen.labels == {"label": {"-1": 1, "7": 2, "1000000000": 1}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((2, 4, 4), 300), r"300: must be whole numbers in 0\.\.255"),
        (np.full((2, 4, 4), -1), "from -1"),
        (np.full((2, 4, 4), 2.0), r"2: must be .* floats in 0\.\.1"),
        (np.full((2, 4, 4), -0.5), "from -0.5"),
        (np.full((2, 4, 4), np.nan), "nan"),
        (np.full((2, 4, 4), np.inf), "inf"),
        (np.zeros((2, 5, 6, 7), np.uint8), r"1 to 4 channels\. Found \(2, 5, 6, 7\)"),
        (np.zeros((2, 4), np.uint8), r"Found .*\(2, 4\)"),
        (np.zeros((2, 1, 4, 4, 3), np.uint8), r"Found .*\(2, 1, 4, 4, 3\)"),
        (np.zeros((0, 4, 4), np.uint8), "no image"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_values_and_shapes_that_are_no_images_are_refused(tmp_path, values, message, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, values)
    else:
        np.savez(path, images=values)
    with pytest.raises(DataError, match=message):
        open_source(str(path))


def test_text_in_an_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.full((2, 4, 4), "a"))
    with pytest.raises(DataError, match=r"a\.npy"):
        open_source(str(tmp_path / "a.npy"))


def test_python_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="plain numbers"):
        open_source(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # NumPy leaves a broken npz open
@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"PK\x03\x04"])
def test_a_broken_file_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.np"):
        open_source(str(path))


def test_a_truncated_npy_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, random_images(4, 5, 5))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(DataError, match=r"a\.npy"):
        open_source(str(path))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_npz_is_refused(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, images=np.arange(20_000).reshape(2, 100, 100) // 50 % 256)
    content = bytearray(path.read_bytes())
    for place in range(200, 240):
        content[place] ^= 0x5A
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.npz"):
        open_source(str(path))


@pytest.mark.parametrize(("true", "false"), [(".npy", ".npz"), (".npz", ".npy")])
def test_a_file_under_the_other_suffix_is_read_or_refused(tmp_path, true, false):
    images = random_images(4, 5, 5)
    if true == ".npy":
        np.save(tmp_path / "a.npy", images)
    else:
        np.savez(tmp_path / "a.npz", images=images)
    path = (tmp_path / f"a{true}").rename(tmp_path / f"b{false}")
    try:
        source = open_source(str(path))
    except DataError:
        return
    np.testing.assert_array_equal(read_all(source), images)


def test_a_note_in_an_npz_does_no_harm(tmp_path):
    np.savez(tmp_path / "pictures.npz", pictures=random_images(4, 5, 5))
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w") as archive,
        zipfile.ZipFile(tmp_path / "pictures.npz") as original,
    ):
        archive.writestr("readme.txt", "made by hand")
        archive.writestr("pictures.npy", original.read("pictures.npy"))
    assert len(open_source(str(path))) == 4


def bomb(path: Path, shape: tuple[int, ...]) -> Path:
    """An ``.npz`` of zeros, which packs a thousand times smaller."""
    np.savez_compressed(path, images=np.zeros(shape, np.uint8))
    return path


def test_an_npz_beyond_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = bomb(tmp_path / "my faces.npz", (64, 100, 100))
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 500_000)
    monkeypatch.setattr("numpy.lib.npyio.NpzFile.__getitem__", pytest.fail)
    with pytest.raises(DataError, match=r"640\.1 kB of memory") as failure:
        open_array(path)
    assert str(failure.value).endswith("run: python -m zipfile -e 'my faces.npz' .")
    assert "batch" not in str(failure.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_npz_is_not_unpacked_by_what_numpy_does_not_write(tmp_path, monkeypatch, method):
    """The standard library sets no bound to what it unpacks of these."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(bomb(tmp_path / "b.npz", (4, 16, 16))) as original:
        content = original.read("images.npy")
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("images.npy", content)
    monkeypatch.setattr("zipfile.ZipFile.open", pytest.fail)
    with pytest.raises(DataError, match=r"images\.npy has a compression"):
        open_array(path)


def test_of_an_npz_no_header_is_read_that_is_longer_than_any(tmp_path):
    path, spaces = tmp_path / "a.npz", 2**24
    header = b"\x93NUMPY\x02\x00" + spaces.to_bytes(4, "little") + b" " * spaces
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header)
    tracemalloc.start()
    with pytest.raises(DataError, match="not a NumPy file of plain numbers"):
        open_array(path)
    assert tracemalloc.get_traced_memory()[1] < spaces / 4
    tracemalloc.stop()


def test_floats_beyond_memory_are_refused_and_bytes_are_read_in_place(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros((64, 100, 100), np.float32))
    np.save(tmp_path / "b.npy", np.zeros((64, 100, 100), np.uint8))
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 500_000)
    with pytest.raises(DataError, match=r"640\.0 kB of memory.*as uint8 with numpy\.save"):
        open_array(tmp_path / "a.npy")
    assert len(open_array(tmp_path / "b.npy")) == 64


@pytest.mark.parametrize("shape", [(64, 0, 16), (64, 16, 0), (64, 0, 0, 3), (64, 3, 0, 16)])
def test_images_without_pixels_are_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match=r"without pixels: the shape is \(64, .*at least 1"):
        open_array(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 1, 1, 3), (3, 1, 40), (3, 40, 1)])
def test_images_of_one_pixel_or_row_are_stretched_over_the_view(tmp_path, shape):
    values = np.array([10, 20, 30], np.uint8).reshape(3, *[1] * (len(shape) - 1))
    np.save(tmp_path / "a.npy", np.broadcast_to(values, shape))
    source = open_array(tmp_path / "a.npy")
    for how in ("crop", "pad", "stretch", "cover-random"):
        dataset = load_dataset(source, (16, 16), 3, how=how, background="#0a0a0a")
        assert dataset.take(np.array([0]), np.zeros(1)).unique().tolist() == [10]
    assert inspect_dataset(source).tiny == (0, 1, 2)


def save(path, **arrays) -> str:
    np.savez(path, **arrays)
    return str(path)


TWELVE = random_images(12, 6, 7)
PARITY = np.arange(12) % 2

LABEL_ARRAYS = {
    "whole numbers": (PARITY, ("0", "1")),
    "one column": (PARITY[:, None], ("0", "1")),
    "floats": (PARITY.astype(float), ("0", "1")),
    "words": (np.array(["red", "blue"])[1 - PARITY], ("blue", "red")),
    "bytes": (np.array([b"red", b"blue"])[1 - PARITY], ("blue", "red")),
    "one-hot": (np.eye(2)[PARITY], ("0", "1")),
    "one-hot whole numbers": (np.eye(2, dtype=int)[PARITY], ("0", "1")),
    "truth values": (PARITY.astype(bool), ("no", "yes")),
}


@pytest.mark.parametrize("kind", LABEL_ARRAYS)
@pytest.mark.parametrize("name", ["labels", "label", "y", "Y", "targets", "class_labels"])
def test_labels_of_every_kind_are_read(tmp_path, kind, name):
    values, names = LABEL_ARRAYS[kind]
    source = open_source(save(tmp_path / "a.npz", images=TWELVE, **{name: values}))
    assert class_names(source) == [names[value] for value in PARITY]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("x_{}", "y_{}"),
        ("X_{}", "Y_{}"),
        ("{}_images", "{}_labels"),
        ("{}X", "{}Y"),
        ("{}_data", "{}_targets"),
    ],
)
def test_arrays_called_by_splits_are_splits(tmp_path, x, y):
    """The test split comes first in the file, as in Keras' mnist.npz."""
    arrays = {x.format("test"): TWELVE[:4], x.format("train"): TWELVE, y.format("test"): PARITY[:4]}
    path = save(tmp_path / "a.npz", **arrays, **{y.format("train"): 1 - PARITY})
    source = open_source(path)
    np.testing.assert_array_equal(read_all(source), TWELVE)
    assert class_names(source) == [str(1 - value) for value in PARITY]
    assert any("train 12, test 4" in note for note in source.notes)
    assert class_names(open_source(path, split="test")) == [str(value) for value in PARITY[:4]]
    assert len(open_source(path, split="all")) == 16
    assert open_source(path, split="test").stamp() != source.stamp()
    with pytest.raises(ConfigError, match=r"data\.split` is 'val'.*train \(12 images\), test"):
        open_source(path, split="val")


def test_labels_that_are_none_are_said(tmp_path):
    path = save(tmp_path / "a.npz", images=TWELVE, labels=np.random.default_rng(0).random((12, 5)))
    source = open_source(path)
    assert source.labels == {}
    assert "not one-hot" in source.notes[0]
    path = save(tmp_path / "b.npz", images=TWELVE, labels=PARITY[:5])
    assert "labels (5,)" in open_source(path).notes[0]


def test_labels_without_a_value_are_skipped_or_said(tmp_path):
    few = np.where(np.arange(12) == 3, np.nan, PARITY)
    source = open_source(save(tmp_path / "a.npz", images=TWELVE, labels=few))
    np.testing.assert_array_equal(read_all(source), np.delete(TWELVE, 3, axis=0))
    assert "1 images are skipped" in source.notes[0] or "1 image" in source.notes[0]
    many = np.where(np.arange(12) < 6, np.nan, PARITY)
    source = open_source(save(tmp_path / "b.npz", images=TWELVE, labels=many))
    assert source.labels == {}
    assert len(source) == 12
    assert "for 6 of 12 images only" in source.notes[0]


def test_arrays_that_are_not_wanted_are_not_read(tmp_path):
    """Such as pickled ones, which would run code, beside the images of dsprites."""
    pickled = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "a.npz", metadata=pickled, imgs=TWELVE, latents_classes=np.zeros((12, 6)))
    np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npz"))), TWELVE)


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "txt"])
def test_a_file_of_labels_goes_with_an_array_in_order(tmp_path, kind):
    np.save(tmp_path / "a.npy", TWELVE)
    path = tmp_path / f"labels.{kind}"
    match kind:
        case "npy":
            np.save(path, PARITY)
        case "npz":
            np.savez(path, arr_0=PARITY)
        case "csv":
            path.write_text("\n".join(["label", *map(str, PARITY)]))
        case "txt":
            path.write_text("\n".join(map(str, PARITY)))
    source = open_source(str(tmp_path / "a.npy"), labels=str(path))
    assert class_names(source) == [str(value) for value in PARITY]
    np.save(tmp_path / "b.npy", TWELVE[:5])
    with pytest.raises(ConfigError, match=r"data\.labels.*5"):
        open_source(str(tmp_path / "b.npy"), labels=str(path))


@pytest.mark.parametrize("suffix", ["csv", "txt"])
@pytest.mark.parametrize("header", [["kind"], []])
def test_a_blank_line_of_a_file_of_labels_is_an_image_without_a_class(tmp_path, suffix, header):
    words = np.array(["cat", "dog"])[PARITY].tolist()
    words[5] = ""
    path = tmp_path / f"labels.{suffix}"
    path.write_text("\n".join([*header, *words]) + "\n\n\n")  # blank lines at the end say nothing
    np.save(tmp_path / "a.npy", TWELVE)
    source = open_source(str(tmp_path / "a.npy"), labels=str(path))
    assert class_names(source) == [word for word in words if word]
    np.testing.assert_array_equal(read_all(source), np.delete(TWELVE, 5, axis=0))


@pytest.mark.parametrize("names", [["kind"], ["0"], ["", "0"]])
def test_a_header_of_a_file_of_labels_is_told_from_a_label_too_many(tmp_path, names):
    np.save(tmp_path / "a.npy", TWELVE)
    path = tmp_path / "labels.csv"
    before = "," * (len(names) - 1)  # pandas numbers columns without names, beside the index
    rows = [before + str(value) for value in PARITY]
    path.write_text("\n".join([",".join(names), *rows]))
    source = open_source(str(tmp_path / "a.npy"), labels=str(path))
    assert class_names(source) == [str(value) for value in PARITY]
    path.write_text("\n".join([*map(str, 1 - PARITY), "1"]))
    with pytest.raises(ConfigError, match="more than 12 rows for 12 images"):
        open_source(str(tmp_path / "a.npy"), labels=str(path))


def test_what_is_known_of_the_images_with_some_labels_is_not_taken_for_others(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    images[9] = images[6]
    np.save(tmp_path / "a.npy", images)
    left = {}
    for without in (2, 11):
        path = tmp_path / f"without-{without}.csv"
        path.write_text("".join(f"{'' if n == without else 'ab'[n % 2]},\n" for n in range(12)))
        source = open_source(str(tmp_path / "a.npy"), labels=str(path))
        chosen = select(source, Drops(duplicates="drop"), known=tmp_path / "known")
        left[without] = read_all(chosen)
    for without, kept in left.items():
        np.testing.assert_array_equal(kept, np.delete(images, [without, 9], axis=0))
