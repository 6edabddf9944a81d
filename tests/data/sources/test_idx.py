"""MNIST and Fashion-MNIST: found where others put them, refused when damaged."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_images import class_names, read_all

from dcgan.data import open_source
from dcgan.data.sources import idx as module
from dcgan.errors import DataError, SourceNotFound, Unreachable


def idx(array: np.ndarray) -> bytes:
    """LeCun's format: 0 0, the type (8 is a byte), the number of axes, their lengths, the data."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


DIGITS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
NUMBERS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def put_idx(
    folder: Path, images: bytes, labels: bytes, *, prefix: str = "train", packed: bool = False
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("folder", ["mnist", "MNIST/raw", "MNIST", "."])
def test_mnist_is_found_plain_and_packed_where_others_put_it(tmp_path, folder, packed):
    """MNIST/raw is torchvision's layout."""
    put_idx(tmp_path / folder, idx(DIGITS), idx(NUMBERS), packed=packed)
    source = open_source("mnist", tmp_path)
    np.testing.assert_array_equal(read_all(source), DIGITS)
    assert class_names(source) == list("314159")
    assert source.labels["label"].names == tuple("0123456789")


@pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
def test_fashion_mnist_has_names_of_its_own(tmp_path, folder):
    put_idx(tmp_path / "mnist", idx(DIGITS[:2]), idx(NUMBERS[:2]))
    put_idx(tmp_path / folder, idx(DIGITS), idx(NUMBERS))
    source = open_source("fashion-mnist", tmp_path)
    assert len(source) == 6
    assert class_names(source) == [
        "dress",
        "trouser",
        "coat",
        "trouser",
        "sandal",
        "ankle boot",
    ]


def test_the_test_half_is_another_file(tmp_path):
    put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
    put_idx(tmp_path / "mnist", idx(DIGITS[:2]), idx(NUMBERS[:2]), prefix="t10k")
    assert len(open_source("mnist:test", tmp_path)) == 2
    assert len(open_source("mnist:train", tmp_path)) == 6
    with pytest.raises(SourceNotFound, match="train and test"):
        open_source("mnist:validation", tmp_path)


def test_the_variable_names_the_data_root(tmp_path, monkeypatch):
    put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
    monkeypatch.setenv("DCGAN_DATA", str(tmp_path))
    assert len(open_source("mnist")) == 6


def test_a_missing_set_names_the_files_and_the_folder(tmp_path):
    with pytest.raises(SourceNotFound) as failure:
        open_source("mnist", tmp_path)
    message = str(failure.value)
    assert "train-images-idx3-ubyte.gz" in message
    assert "train-labels-idx1-ubyte.gz" in message
    assert str(tmp_path / "mnist") in message


def test_images_without_their_labels_are_a_missing_set(tmp_path):
    put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(SourceNotFound, match="train-labels-idx1-ubyte"):
        open_source("mnist", tmp_path)


def test_without_a_data_root_the_message_says_how_to_name_one(monkeypatch):
    monkeypatch.delenv("DCGAN_DATA", raising=False)
    with pytest.raises(SourceNotFound, match=r"t10k-images.*`data_root=DIR`.*DCGAN_DATA"):
        open_source("fashion-mnist:test")


@pytest.mark.parametrize("magic", [b"\0\0\x0d\x03", b"PK\x03\x04", b"<htm"])
def test_a_wrong_magic_is_refused(tmp_path, magic):
    put_idx(tmp_path / "mnist", magic + idx(DIGITS)[4:], idx(NUMBERS))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte: not an IDX file"):
        open_source("mnist", tmp_path)


@pytest.mark.parametrize("length", [0, 3, 4, 9, 15, 16, 100, -1])
def test_a_truncated_file_is_refused(tmp_path, length):
    put_idx(tmp_path / "mnist", idx(DIGITS)[:length], idx(NUMBERS))
    with pytest.raises(DataError, match="train-images-idx3-ubyte"):
        open_source("mnist", tmp_path)


def test_a_file_with_too_much_is_refused(tmp_path):
    put_idx(tmp_path / "mnist", idx(DIGITS) + b"more", idx(NUMBERS))
    with pytest.raises(DataError, match="Download it again"):
        open_source("mnist", tmp_path)


def test_a_truncated_or_altered_gzip_is_refused(tmp_path):
    put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS), packed=True)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    impossible = whole[:10] + b"\xff" + whole[11:]  # a block of no known type
    wrong_sum = whole[:-8] + b"\0\0\0\0" + whole[-4:]
    for content in (whole[:-20], impossible, wrong_sum, b"no gzip at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="Download it again"):
            open_source("mnist", tmp_path)


def test_a_gzip_is_not_unpacked_beyond_any_file_of_a_set(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS), packed=True)
    bomb = gzip.compress(idx(DIGITS) + bytes(2**24))
    (tmp_path / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(bomb)
    with pytest.raises(DataError, match=r"and holds \d{3}\."):
        open_source("mnist", tmp_path)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (DIGITS, NUMBERS[:4]),
        (DIGITS[:4], NUMBERS),
        (NUMBERS, DIGITS),
        (NUMBERS, NUMBERS),
        (DIGITS, np.array([0, 1, 2, 3, 4, 77])),
    ],
    ids=["few labels", "few images", "swapped", "labels twice", "no such class"],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, images, labels):
    put_idx(tmp_path / "mnist", idx(images), idx(labels))
    with pytest.raises(DataError):
        open_source("mnist", tmp_path)


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """The network has both sets; what it is asked for."""
    names = []

    def fetch(file, folder, reporter):
        content = idx(DIGITS if "images" in file.name else NUMBERS)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(gzip.compress(content))
        names.append(file.urls[0])
        return folder / file.name

    monkeypatch.setattr(module, "fetch", fetch)
    return names


def test_a_missing_set_is_fetched_once_into_the_data_root(tmp_path, asked):
    assert class_names(open_source("mnist", tmp_path)) == list("314159")
    assert sorted(path.name for path in (tmp_path / "mnist").iterdir()) == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    ]
    open_source("mnist", tmp_path)
    assert len(asked) == 2
    assert all(url.startswith("https://") and "/mnist/train-" in url for url in asked)


def test_only_what_is_missing_is_fetched(tmp_path, asked):
    put_idx(tmp_path / "fashion-mnist", idx(DIGITS), idx(NUMBERS), prefix="t10k")
    (tmp_path / "fashion-mnist" / "t10k-labels-idx1-ubyte").unlink()
    assert len(open_source("fashion-mnist:test", tmp_path)) == 6
    assert [url.rpartition("/")[2] for url in asked] == ["t10k-labels-idx1-ubyte.gz"]


def test_without_a_data_root_the_cache_is_filled_and_found_from_any(tmp_path, asked, monkeypatch):
    monkeypatch.delenv("DCGAN_DATA", raising=False)
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    assert len(open_source("mnist")) == 6
    assert len(list((tmp_path / "cache" / "datasets" / "mnist").iterdir())) == 2
    assert len(open_source("mnist", tmp_path / "elsewhere")) == 6
    assert len(asked) == 2


def test_a_set_that_cannot_be_fetched_says_why(tmp_path, monkeypatch):
    def fetch(*arguments):
        raise Unreachable("https://host/file: answers 404 Not Found")

    monkeypatch.setattr(module, "fetch", fetch)
    with pytest.raises(SourceNotFound, match=r"train-images.*answers 404 Not Found\)"):
        open_source("mnist", tmp_path)
