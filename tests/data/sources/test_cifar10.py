"""CIFAR-10: found, fetched and unpacked; refused when damaged."""

from __future__ import annotations

import hashlib
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from dcgan.data import open_source
from dcgan.data.sources import cifar10
from dcgan.errors import DataError, SourceNotFound
from dcgan.runtime.cache import cache_folder

SIZE = 30_730_000
"""Bytes of each official file: 10,000 pictures of 1 + 3 · 1024."""

TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]


def record(number, red=0, green=0, blue=0):
    """A class, then three planes, each a row of distinct values after the other."""
    return bytes([number]) + b"".join(bytes([tone]) * 1024 for tone in (red, green, blue))


def put(folder, *names, first=b"", size=SIZE):
    """Files that are black but for their beginning; holes, so they take no place on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        with (folder / name).open("wb") as file:
            file.write(first)
            file.truncate(size)


@pytest.mark.parametrize(
    "folder", ["cifar10/cifar-10-batches-bin", "cifar-10-batches-bin", "cifar10"]
)
def test_the_test_half_is_found_where_others_put_it(tmp_path, folder):
    put(tmp_path / folder, "test_batch.bin", first=record(9, 10, 20, 30) + record(3, 255))
    source = open_source("cifar10:test", tmp_path)
    assert len(source) == 10_000
    image = source.read(0)
    assert (image.mode, image.size) == ("RGB", (32, 32))
    assert image.getpixel((31, 31)) == (10, 20, 30)
    assert source.read(1).getpixel((0, 0)) == (255, 0, 0)
    assert source.read(9_999).getpixel((0, 0)) == (0, 0, 0)
    labels = source.labels["label"]
    assert [labels.names[value] for value in labels.values[:3]] == ["truck", "cat", "airplane"]
    assert source.pixels().shape == (10_000, 3, 32, 32)
    assert source.pixels()[0, :, 5, 5].tolist() == [10, 20, 30]


def test_rows_of_pixels_stay_rows(tmp_path):
    plane = np.arange(1024) // 32  # the row's number
    put(tmp_path / "cifar10", "test_batch.bin", first=b"\0" + bytes(plane.tolist()))
    red = np.asarray(open_source("cifar10:test", tmp_path).read(0))[:, :, 0]
    np.testing.assert_array_equal(red, np.repeat(np.arange(32)[:, None], 32, 1))


def test_the_train_half_is_five_files_in_order(tmp_path):
    for number, name in enumerate(TRAIN):
        put(tmp_path / "cifar10", name, first=record(number, number))
    source = open_source("cifar10:train", tmp_path)
    assert len(source) == 50_000
    assert source.labels["label"].values[::10_000].tolist() == [0, 1, 2, 3, 4]
    assert [source.read(i).getpixel((0, 0))[0] for i in range(0, 50_000, 10_000)] == [0, 1, 2, 3, 4]
    before = source.stamp()
    assert open_source("cifar10:train", tmp_path).stamp() == before
    put(tmp_path / "cifar10", TRAIN[4], first=record(7))
    assert open_source("cifar10:train", tmp_path).stamp() != before


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE - 3073, SIZE + 1])
def test_a_file_of_another_size_is_refused(tmp_path, size):
    put(tmp_path / "cifar10", "test_batch.bin", size=size)
    with pytest.raises(DataError, match=r"test_batch\.bin: has .* not 30,730,000\. Delete"):
        open_source("cifar10:test", tmp_path)


def test_a_class_beyond_the_ten_is_refused(tmp_path):
    put(tmp_path / "cifar10", "test_batch.bin", first=record(10))
    with pytest.raises(DataError, match="class 10 of 0 to 9"):
        open_source("cifar10:test", tmp_path)


def test_an_unknown_split_lists_the_two(tmp_path):
    with pytest.raises(SourceNotFound, match="train and test"):
        open_source("cifar10:validation", tmp_path)


def test_a_missing_set_names_the_file_its_address_and_the_folder(tmp_path):
    put(tmp_path / "cifar10", *TRAIN[:4])
    with pytest.raises(SourceNotFound) as failure:
        open_source("cifar10:train", tmp_path)
    message = str(failure.value)
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz" in message
    assert f"into {tmp_path / 'cifar10'}/" in message
    with pytest.raises(SourceNotFound, match=r"`data_root=DIR`.*DCGAN_DATA"):
        open_source("cifar10:train", None)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The official archive, but for what the training files hold."""
    put(tmp_path / "made" / "cifar-10-batches-bin", *TRAIN, size=0)
    put(tmp_path / "made" / "cifar-10-batches-bin", "test_batch.bin", first=record(5, 50))
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        packed.add(tmp_path / "made" / "cifar-10-batches-bin", "cifar-10-batches-bin")
    checksum = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
    monkeypatch.setattr(cifar10, "_ARCHIVE", replace(cifar10._ARCHIVE, checksum=checksum))
    return path


def test_the_archive_put_there_by_hand_is_unpacked_once(tmp_path, archive):
    root = tmp_path / "data"
    (root / "cifar10").mkdir(parents=True)
    archive.rename(root / "cifar10" / archive.name)
    assert open_source("cifar10:test", root).read(0).getpixel((0, 0)) == (50, 0, 0)
    assert sorted(path.name for path in (root / "cifar10").iterdir()) == [
        "cifar-10-batches-bin",
        "cifar-10-binary.tar.gz",
    ]
    (root / "cifar10" / archive.name).unlink()
    assert len(open_source("cifar10:test", root)) == 10_000


def test_what_was_fetched_lies_in_the_cache_where_no_root_is_given(tmp_path, archive, monkeypatch):
    asked = []

    def fetch(file, folder, progress):
        asked.append(folder)
        folder.mkdir(parents=True)
        return archive.rename(folder / file.name)

    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cifar10, "fetch", fetch)
    assert len(open_source("cifar10:test", None)) == 10_000
    assert asked == [cache_folder() / "datasets" / "cifar10"]
    assert len(open_source("cifar10:test", tmp_path / "elsewhere")) == 10_000
    assert len(asked) == 1


def test_a_file_that_went_missing_is_unpacked_again(tmp_path, archive):
    root = tmp_path / "data"
    (root / "cifar10").mkdir(parents=True)
    archive.rename(root / "cifar10" / archive.name)
    open_source("cifar10:test", root)
    (root / "cifar10" / "cifar-10-batches-bin" / "test_batch.bin").unlink()
    assert len(open_source("cifar10:test", root)) == 10_000


def test_an_archive_that_cannot_be_unpacked_is_named(tmp_path, archive, monkeypatch):
    root = tmp_path / "data"
    (root / "cifar10").mkdir(parents=True)
    damaged = root / "cifar10" / archive.name
    damaged.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(DataError, match="wrong checksum"):
        open_source("cifar10:test", root)
    checksum = f"md5:{hashlib.md5(damaged.read_bytes()).hexdigest()}"
    monkeypatch.setattr(cifar10, "_ARCHIVE", replace(cifar10._ARCHIVE, checksum=checksum))
    with pytest.raises(DataError, match="cannot be unpacked"):
        open_source("cifar10:test", root)
    assert list((root / "cifar10").iterdir()) == [damaged]
