"""Prepared pictures: what is written is what is read, and nothing half-written looks whole."""

from __future__ import annotations

import binascii
import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL, Notes

import dcgan
from dcgan.data import Labels, load_dataset, open_source
from dcgan.data.checksums import checksums_of
from dcgan.data.dataset import HeldDataset, digest_of
from dcgan.data.decoding import Decoded
from dcgan.data.image_view import View
from dcgan.data.pixels.remarks import Skipped
from dcgan.data.prepared import checksum, is_prepared, open_prepared
from dcgan.data.sources.base import ArraySource
from dcgan.data.store import prepare_dataset
from dcgan.data.write_prepared import write_prepared
from dcgan.errors import ConfigError, DataError, TooManyUnreadable

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (7, 8, 6, 3), dtype=np.uint8)
LABELS = {
    "label": Labels(np.array([0, 1, 2, 0, 1, 2, 1]), ("a", "b", "c")),
    "weight": Labels(np.linspace(0, 1, 7)),
}
VIEW = View((8, 6), 3)


def source() -> ArraySource:
    return ArraySource("pets", PIXELS, labels=LABELS, stamp="1")


@pytest.fixture
def folder(tmp_path):
    prepare_dataset(source(), VIEW, tmp_path / "prepared")
    return tmp_path / "prepared"


def test_images_and_labels_come_back(folder):
    dataset = open_prepared(folder)
    np.testing.assert_array_equal(dataset.images, PIXELS.transpose(0, 3, 1, 2))
    assert dataset.shape == (3, 8, 6)
    assert dataset.labels["label"].names == ("a", "b", "c")
    np.testing.assert_array_equal(dataset.labels["label"].values, LABELS["label"].values)
    np.testing.assert_allclose(dataset.labels["weight"].values, LABELS["weight"].values)
    assert dataset.skipped == ()


@pytest.mark.parametrize("name", ["file", "allow_pickle", "arr_0", "hair/größe", "x.npy"])
def test_a_factor_may_have_any_name(tmp_path, name):
    given = ArraySource("pets", PIXELS, labels={name: LABELS["label"], "other": LABELS["weight"]})
    prepare_dataset(given, VIEW, tmp_path / "p")
    labels = open_prepared(tmp_path / "p").labels
    assert list(labels) == [name, "other"]
    np.testing.assert_array_equal(labels[name].values, LABELS["label"].values)


def test_they_are_mapped_and_not_read(folder):
    assert isinstance(open_prepared(folder).images.base, np.memmap)


def test_the_file_is_an_ordinary_npy(folder):
    np.testing.assert_array_equal(np.load(folder / "images.npy"), PIXELS.transpose(0, 3, 1, 2))


def test_the_fingerprint_is_that_of_the_same_images_in_memory(folder):
    held = HeldDataset(np.ascontiguousarray(PIXELS.transpose(0, 3, 1, 2)))
    assert open_prepared(folder).fingerprint == held.fingerprint


def test_skipped_images_are_left_out_with_their_labels_and_named(tmp_path):
    rows = source().pixels()
    images = [Decoded(i, Skipped(f"{i}.png", "torn") if i in {1, 4} else rows[i]) for i in range(7)]
    write_prepared(tmp_path / "p", source(), VIEW, images)
    dataset = open_prepared(tmp_path / "p")
    kept = [0, 2, 3, 5, 6]
    np.testing.assert_array_equal(dataset.images, rows[kept])
    np.testing.assert_array_equal(dataset.labels["label"].values, LABELS["label"].values[kept])
    assert dataset.skipped == (Skipped("1.png", "torn"), Skipped("4.png", "torn"))


def test_a_failure_in_between_leaves_nothing(tmp_path):
    def images():
        yield Decoded(0, source().pixels()[0])
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_prepared(tmp_path / "p", source(), VIEW, images())
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_there_until_all_is(tmp_path):
    def images():
        yield Decoded(0, source().pixels()[0])
        assert not (tmp_path / "p").exists()

    write_prepared(tmp_path / "p", source(), VIEW, images())
    assert is_prepared(tmp_path / "p")


def test_too_many_unreadable_images_leave_nothing(tmp_path):
    dataset = tmp_path / "pictures"
    dataset.mkdir()
    for number in range(4):
        (dataset / f"{number}.png").write_bytes(b"no picture")
    with pytest.raises(TooManyUnreadable):
        prepare_dataset(open_source(str(dataset)), VIEW, tmp_path / "p")
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "images.npy").unlink(),
        lambda folder: (folder / "images.npy").write_bytes(
            (folder / "images.npy").read_bytes()[:-9]
        ),
        lambda folder: np.save(folder / "images.npy", np.zeros((6, 3, 8, 6), np.uint8)),
        lambda folder: np.save(folder / "images.npy", np.zeros((7, 3, 8, 6), np.int64)),
        lambda folder: (folder / "labels.npz").write_bytes(b"PK"),
        lambda folder: np.savez(folder / "labels.npz", label=np.zeros(3), weight=np.zeros(7)),
        lambda folder: (folder / "prepared.json").write_text("{}"),
        lambda folder: (folder / "prepared.json").write_text("{"),
    ],
)
def test_damage_is_one_line(folder, damage):
    damage(folder)
    with pytest.raises(DataError, match=r"prepare.*again") as failure:
        open_prepared(folder)
    assert "\n" not in str(failure.value)


def one_bit(content: bytearray, random: np.random.Generator) -> None:
    content[random.integers(len(content))] ^= 1 << random.integers(8)


def cut_off(content: bytearray, random: np.random.Generator) -> None:
    del content[random.integers(len(content)) :]


def zeros(content: bytearray, random: np.random.Generator) -> None:
    """A block that was never written."""
    start = random.integers(len(content) - 20)
    content[start : start + 20] = bytes(20)


@pytest.mark.parametrize("name", ["images.npy", "kept.npy", "labels.npz", "prepared.json"])
@pytest.mark.parametrize("damage", [one_bit, cut_off, zeros])
def test_damage_anywhere_is_refused_and_names_the_file(tmp_path, name, damage):
    rows = source().pixels()
    images = [Decoded(i, Skipped("2", "torn") if i == 2 else rows[i]) for i in range(7)]
    write_prepared(tmp_path / "p", source(), VIEW, images)
    open_source(str(tmp_path / "p"))
    whole, random = (tmp_path / "p" / name).read_bytes(), np.random.default_rng(0)
    for _ in range(4):
        content = bytearray(whole)
        while content == whole:  # zeros may fall on zeros
            damage(content, random)
        (tmp_path / "p" / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: .*prepare the dataset again") as failure:
            open_source(str(tmp_path / "p"))
        assert "\n" not in str(failure.value)
    (tmp_path / "p" / name).write_bytes(whole)
    assert len(open_source(str(tmp_path / "p"))) == 6


def test_damage_to_the_sides_of_ragged_images_is_found(tmp_path):
    prepare_dataset(source(), View((8, 6), 3, how="cover-random"), tmp_path / "p")
    content = bytearray((tmp_path / "p" / "sides.npy").read_bytes())
    content[-8], content[-16] = content[-16], content[-8]
    (tmp_path / "p" / "sides.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"sides\.npy: damaged"):
        open_prepared(tmp_path / "p")


def test_damage_is_found_on_resume(folder, tmp_path):
    dcgan.train(folder, images=32, out=tmp_path / "run", **SMALL)
    content = bytearray((folder / "images.npy").read_bytes())
    content[-1] ^= 1
    (folder / "images.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"images\.npy: damaged"):
        dcgan.train(folder, images=64, out=tmp_path / "run", resume=True, **SMALL)


def test_files_are_compared_with_their_checksums_once(folder, monkeypatch):
    first = open_prepared(folder).fingerprint
    monkeypatch.setattr("dcgan.data.checksums.checksums_of", pytest.fail)
    assert open_prepared(folder).fingerprint == first


def test_checksums_are_those_of_the_bytes_and_need_no_memory(tmp_path):
    content = np.random.default_rng(0).integers(0, 256, 2**24 + 5, np.uint8).tobytes()
    (tmp_path / "a").write_bytes(content)
    parts = content[: 2**24], content[2**24 :]
    expected = {"bytes": 2**24 + 5, "crc32": [binascii.crc32(part) for part in parts]}
    assert checksums_of(tmp_path / "a") == expected


def without_checksums(folder) -> None:
    """As an earlier version prepared it."""
    manifest = json.loads((folder / "prepared.json").read_text())
    del manifest["files"], manifest["checksum"]
    (folder / "prepared.json").write_text(json.dumps(manifest | {"format": 1}))


def test_a_size_of_zero_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="`size` is 0: each side must be 16 to 4096"):
        dcgan.prepare("digits", tmp_path / "packed", size=0, progress=False)


def test_what_an_earlier_version_prepared_opens_and_says_so(folder):
    expected = open_prepared(folder).fingerprint
    without_checksums(folder)
    said = Notes()
    dataset = load_dataset(open_source(str(folder)), (8, 6), 3, reporter=said)
    assert dataset.fingerprint == expected
    assert len(said) == 1
    assert "without checksums" in said[0]


def test_other_pixels_in_what_an_earlier_version_prepared_are_refused(folder):
    without_checksums(folder)
    content = bytearray((folder / "images.npy").read_bytes())
    content[-1] ^= 1
    (folder / "images.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"images\.npy: damaged"):
        open_source(str(folder))


@pytest.mark.parametrize(
    ("method", "length"), [(zipfile.ZIP_DEFLATED, 10**7), (zipfile.ZIP_BZIP2, 7)]
)
def test_labels_that_unpack_to_more_than_those_of_the_images_are_refused(folder, method, length):
    """Checksums do not help: whoever made the folder made them, too."""
    with zipfile.ZipFile(folder / "labels.npz", "w", method) as archive:
        for name in LABELS:
            content = io.BytesIO()
            np.save(content, np.zeros(length))
            archive.writestr(f"{name}.npy", content.getvalue())
    manifest = json.loads((folder / "prepared.json").read_text())
    manifest.pop("checksum")
    manifest["files"]["labels.npz"] = checksums_of(folder / "labels.npz")
    manifest["checksum"] = checksum(manifest)
    (folder / "prepared.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="is not as dcgan writes it"):
        open_prepared(folder)


def test_a_newer_format_says_so(folder):
    manifest = json.loads((folder / "prepared.json").read_text())
    (folder / "prepared.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(DataError, match="newer dcgan"):
        open_prepared(folder)


def test_as_a_source_it_gives_images_and_lies_ready(folder):
    opened = open_source(str(folder))
    assert len(opened) == 7
    assert opened.labels["label"].names == ("a", "b", "c")
    np.testing.assert_array_equal(np.asarray(opened.read(3)), PIXELS[3])
    np.testing.assert_array_equal(opened.pixels(), PIXELS.transpose(0, 3, 1, 2))


def test_ragged_images_come_back_cut_where_asked(tmp_path):
    """Heights and widths of a photograph album; the place says where each is cut."""
    random = np.random.default_rng(1)
    images = [
        Image.fromarray(random.integers(0, 256, (h, w, 3), dtype=np.uint8))
        for h, w in ((8, 20), (30, 6), (8, 6))
    ]
    (tmp_path / "album").mkdir()
    for number, image in enumerate(images):
        image.save(tmp_path / "album" / f"{number}.png")
    view = View((8, 6), 3, how="cover-random")
    prepare_dataset(open_source(str(tmp_path / "album")), view, tmp_path / "p")
    dataset = open_prepared(tmp_path / "p")
    whole = [np.asarray(image).transpose(2, 0, 1) for image in images]
    first = dataset.take(np.arange(3), np.zeros(3)).numpy()
    last = dataset.take(np.arange(3), np.full(3, np.nextafter(1, 0))).numpy()
    np.testing.assert_array_equal(first, [image[:, :8, :6] for image in whole])
    # of 20 columns for a height of 8 the cover keeps all, of 30 rows for a width of 6 as well
    np.testing.assert_array_equal(last, [image[:, -8:, -6:] for image in whole])
    middle = dataset.take(np.array([0]), np.array([0.5])).numpy()[0]
    np.testing.assert_array_equal(middle, whole[0][:, :, 7:13])


def test_what_is_prepared_keeps_the_order_of_what_is_read_in_runs(tmp_path):
    class InRuns(ArraySource):
        run = 64

    made = InRuns("far", PIXELS, labels=LABELS, stamp="1")
    prepare_dataset(made, VIEW, tmp_path / "p")
    again = load_dataset(open_source(str(tmp_path / "p")), (8, 6), 3)
    direct = load_dataset(made, (8, 6), 3)
    assert again.run == direct.run == 64
    assert again.fingerprint == direct.fingerprint
    plain = load_dataset(source(), (8, 6), 3)
    assert plain.fingerprint != direct.fingerprint, "the same pictures in another order"


def test_the_digest_of_large_arrays_is_that_of_their_bytes():
    images = np.random.default_rng(0).integers(0, 256, (300, 3, 200, 200), dtype=np.uint8)
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert digest_of(images) == digest_of(channels_last)
    images[299, 2, 199, 199] ^= 1
    assert digest_of(images) != digest_of(channels_last)


@pytest.mark.parametrize("position", range(4, 300, 37))
def test_labels_with_a_wrong_byte_are_one_line(folder, position):
    path = folder / "labels.npz"
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 0xFF
    path.write_bytes(content)
    with suppress(DataError):  # and nothing else; a wrong byte in a name is none of its business
        open_prepared(folder)
