"""Sources: folders, zips, arrays, IDX files and the built-in sets, whole and damaged."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from io import BytesIO
from math import cos, pi, sin
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data import open_source
from dcgan.data.sources.base import Source
from dcgan.data.sources.shapes import COLOURS, SHAPES, SIDE, ShapesSource, draw_shape
from dcgan.errors import DataError, SourceNotFound, UnreadableImage


def png(tone: int = 0) -> bytes:
    """A grey picture, recognised by its tone."""
    buffer = BytesIO()
    Image.new("L", (3, 2), tone).save(buffer, "PNG")
    return buffer.getvalue()


def put(folder: Path, *names: str) -> None:
    """Pictures of the tones 0, 1, 2, … under these names."""
    for tone, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(tone))


def pack(path: Path, *names: str, compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip of such pictures."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for tone, name in enumerate(names):
            archive.writestr(name, png(tone))
    return path


def titles(source: Source) -> list[str]:
    return [source.title(index) for index in range(len(source))]


def tones(source: Source) -> list[int]:
    return [source.read(index).getpixel((0, 0)) for index in range(len(source))]


def class_names(source: Source) -> list[str]:
    labels = source.labels["label"]
    return [labels.names[value] for value in labels.values]


class TestFolder:
    def test_pictures_lie_at_any_depth_and_come_sorted_by_path(self, tmp_path):
        put(tmp_path, "z.png", "b/c/d/e.jpg", "b/a.png", "a/2.png", "a/10.png")
        source = open_source(str(tmp_path))
        assert titles(source) == ["a/10.png", "a/2.png", "b/a.png", "b/c/d/e.jpg", "z.png"]
        assert tones(source) == [4, 3, 2, 1, 0]

    def test_class_folders_give_labels(self, tmp_path):
        put(tmp_path, "dog/1.png", "cat/2.png", "cat/deep/3.png")
        source = open_source(str(tmp_path))
        assert source.labels["label"].names == ("cat", "dog")
        assert titles(source) == ["cat/2.png", "cat/deep/3.png", "dog/1.png"]
        assert class_names(source) == ["cat", "cat", "dog"]

    def test_folders_above_the_classes_are_passed_over(self, tmp_path):
        put(tmp_path, "set/train/cat/1.png", "set/train/dog/2.png")
        assert class_names(open_source(str(tmp_path))) == ["cat", "dog"]

    @pytest.mark.parametrize(
        "names", [("cat/1.png", "dog/2.png", "3.png"), ("cat/1.png", "cat/2.png"), ("1.png",)]
    )
    def test_pictures_beside_folders_or_in_one_folder_give_no_labels(self, tmp_path, names):
        put(tmp_path, *names)
        source = open_source(str(tmp_path))
        assert len(source) == len(names)
        assert source.labels == {}

    def test_hidden_files_and_folders_are_passed_over(self, tmp_path):
        put(tmp_path, "a.png", ".b.png", ".thumbnails/c.png", "d/._e.png", "__MACOSX/._a.png")
        assert titles(open_source(str(tmp_path))) == ["a.png"]

    def test_other_files_are_counted_and_not_read(self, tmp_path):
        put(tmp_path, "a.png")
        for name in ("readme.txt", "labels.csv", "noextension"):
            (tmp_path / name).write_text("text")
        source = open_source(str(tmp_path))
        assert titles(source) == ["a.png"]
        assert source.ignored == 3

    def test_extensions_may_be_upper_case(self, tmp_path):
        put(tmp_path, "A.PNG", "B.Jpg", "C.JPEG", "D.TIFF")
        assert len(open_source(str(tmp_path))) == 4

    def test_names_may_be_in_any_script(self, tmp_path):
        put(tmp_path, "猫/写真 1.png", "собака/ü & 'x'.png")
        source = open_source(str(tmp_path))
        assert set(titles(source)) == {"猫/写真 1.png", "собака/ü & 'x'.png"}
        assert set(class_names(source)) == {"猫", "собака"}
        assert sorted(tones(source)) == [0, 1]

    def test_a_loop_of_links_ends_and_shows_every_picture_once(self, tmp_path):
        put(tmp_path, "a/1.png", "a/b/2.png")
        (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
        (tmp_path / "a" / "b" / "self").symlink_to(tmp_path / "a" / "b")
        assert titles(open_source(str(tmp_path))) == ["a/1.png", "a/b/2.png"]

    def test_a_linked_folder_is_entered(self, tmp_path):
        put(tmp_path / "elsewhere", "1.png")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
        assert titles(open_source(str(tmp_path / "data"))) == ["link/1.png"]

    def test_a_broken_link_is_one_unreadable_picture(self, tmp_path):
        put(tmp_path, "a.png")
        (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
        source = open_source(str(tmp_path))
        assert source.read(0).getpixel((0, 0)) == 0
        with pytest.raises(UnreadableImage, match="No such file"):
            source.read(1)

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
    )
    def test_a_forbidden_file_is_one_unreadable_picture(self, tmp_path):
        put(tmp_path, "a.png")
        (tmp_path / "a.png").chmod(0)
        with pytest.raises(UnreadableImage, match="Permission"):
            open_source(str(tmp_path)).read(0)

    def test_an_empty_folder_is_refused_and_says_what_it_wants(self, tmp_path):
        (tmp_path / "notes.txt").write_text("text")
        with pytest.raises(DataError, match=r"holds no picture \(other files: 1\).*\.png"):
            open_source(str(tmp_path))


class TestZip:
    def test_a_zip_is_read_in_place_with_the_labels_of_its_folders(self, tmp_path):
        path = pack(tmp_path / "pets.zip", "pets/dog/1.png", "pets/cat/2.PNG", "pets/cat/ü.png")
        source = open_source(str(path))
        assert titles(source) == ["pets/cat/2.PNG", "pets/cat/ü.png", "pets/dog/1.png"]
        assert tones(source) == [1, 2, 0]
        assert class_names(source) == ["cat", "cat", "dog"]
        assert list(tmp_path.iterdir()) == [path]

    def test_what_macos_adds_is_passed_over(self, tmp_path):
        path = pack(
            tmp_path / "a.zip", "cat/1.png", "dog/2.png", "__MACOSX/cat/1.png", "cat/._1.png"
        )
        source = open_source(str(path))
        assert titles(source) == ["cat/1.png", "dog/2.png"]
        assert source.labels["label"].names == ("cat", "dog")

    def test_other_members_are_counted_and_folders_are_not(self, tmp_path):
        path = pack(tmp_path / "a.zip", "a/1.png", "a/readme.txt", "a/empty/")
        source = open_source(str(path))
        assert len(source) == 1
        assert source.ignored == 1

    def test_a_folder_named_like_a_picture_is_none(self, tmp_path):
        assert titles(open_source(str(pack(tmp_path / "a.zip", "a.png/", "a.png/1.png")))) == [
            "a.png/1.png"
        ]

    def test_members_are_read_from_several_threads_at_once(self, tmp_path):
        from concurrent.futures import ThreadPoolExecutor

        names = [f"{number:03d}.png" for number in range(200)]
        source = open_source(str(pack(tmp_path / "a.zip", *names)))
        with ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(lambda index: source.read(index).getpixel((0, 0)), range(200)))
        assert seen == list(range(200))

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
    def test_a_broken_zip_is_refused_by_its_name(self, tmp_path, content):
        path = tmp_path / "a.zip"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.zip: not a readable zip"):
            open_source(str(path))

    def test_a_truncated_zip_is_refused(self, tmp_path):
        path = pack(tmp_path / "a.zip", "1.png", "2.png")
        path.write_bytes(path.read_bytes()[:-30])
        with pytest.raises(DataError, match="not a readable zip"):
            open_source(str(path))

    @pytest.mark.parametrize("damage", ["version", "name"])
    def test_a_zip_whose_list_of_members_is_damaged_is_refused(self, tmp_path, damage):
        path = pack(tmp_path / "a.zip", "ü.png")
        content = bytearray(path.read_bytes())
        entry = content.rindex(b"PK\x01\x02")
        if damage == "version":
            content[entry + 6] = 255  # the version needed to read it
        else:
            content[entry + 46] = 255  # the first byte of the name, said to be UTF-8
        path.write_bytes(content)
        with pytest.raises(DataError, match="not a readable zip"):
            open_source(str(path))

    @pytest.mark.parametrize(
        "compression",
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
        ids=["stored", "deflated", "bzip2", "lzma"],
    )
    def test_a_damaged_member_is_one_unreadable_picture(self, tmp_path, compression):
        path = pack(tmp_path / "a.zip", "1.png", "2.png", compression=compression)
        content = bytearray(path.read_bytes())
        start = content.index(b"1.png") + len("1.png")
        for place in range(start + 10, start + 40):
            content[place] ^= 0xA5
        path.write_bytes(content)
        source = open_source(str(path))
        with pytest.raises(UnreadableImage, match="damaged in the zip"):
            source.read(0)
        assert source.read(1).getpixel((0, 0)) == 1

    def test_a_member_under_a_damaged_name_is_one_unreadable_picture(self, tmp_path):
        path = pack(tmp_path / "a.zip", "ü.png")
        content = bytearray(path.read_bytes())
        content[content.index("ü.png".encode())] = 255
        path.write_bytes(content)
        with pytest.raises(UnreadableImage, match="damaged in the zip"):
            open_source(str(path)).read(0)

    def test_an_encrypted_member_is_one_unreadable_picture(self, tmp_path):
        path = pack(tmp_path / "a.zip", "1.png")
        content = bytearray(path.read_bytes())
        content[content.index(b"PK\x03\x04") + 6] |= 1  # the flag "encrypted", in both places
        content[content.index(b"PK\x01\x02") + 8] |= 1
        path.write_bytes(content)
        with pytest.raises(UnreadableImage, match="encrypted"):
            open_source(str(path)).read(0)

    def test_a_zip_without_pictures_is_refused(self, tmp_path):
        with pytest.raises(DataError, match=r"holds no picture \(other files: 1\)"):
            open_source(str(pack(tmp_path / "a.zip", "readme.txt")))


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def read_all(source: Source) -> np.ndarray:
    return np.stack([np.asarray(source.read(index)) for index in range(len(source))])


class TestArrays:
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_npy_with_channels_last(self, tmp_path, channels):
        images = random_images(5, 6, 7, channels)
        np.save(tmp_path / "a.npy", images)
        read = read_all(open_source(str(tmp_path / "a.npy")))
        np.testing.assert_array_equal(read.reshape(images.shape), images)

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_npy_with_channels_first(self, tmp_path, channels):
        images = random_images(5, channels, 6, 7)
        np.save(tmp_path / "a.npy", images)
        read = read_all(open_source(str(tmp_path / "a.npy")))
        np.testing.assert_array_equal(read.reshape(5, 6, 7, channels), np.moveaxis(images, 1, 3))

    def test_npy_without_channels_is_grey(self, tmp_path):
        images = random_images(5, 6, 7)
        np.save(tmp_path / "a.npy", images)
        source = open_source(str(tmp_path / "a.npy"))
        assert source.read(0).mode == "L"
        np.testing.assert_array_equal(read_all(source), images)
        assert source.title(3).endswith("a.npy[3]")

    @pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
    def test_floats_from_0_to_1_become_pixels(self, tmp_path, kind):
        images = random_images(2, 16, 16)
        images[0] = np.arange(256).reshape(16, 16)
        np.save(tmp_path / "a.npy", (images / 255).astype(kind))
        np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images)

    def test_truth_values_become_black_and_white(self, tmp_path):
        images = random_images(2, 5, 5) > 127
        np.save(tmp_path / "a.npy", images)
        np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images * 255)

    def test_wider_whole_numbers_are_taken_when_they_are_pixels(self, tmp_path):
        images = random_images(2, 5, 5)
        np.save(tmp_path / "a.npy", images.astype(np.int64))
        np.testing.assert_array_equal(read_all(open_source(str(tmp_path / "a.npy"))), images)

    def test_npz_gives_images_and_labels(self, tmp_path):
        images = random_images(4, 5, 5, 3)
        np.savez(tmp_path / "a.npz", other=np.zeros((9, 2, 2)), labels=[2, 0, 1, 2], images=images)
        source = open_source(str(tmp_path / "a.npz"))
        np.testing.assert_array_equal(read_all(source), images)
        assert source.labels["label"].values.tolist() == [2, 0, 1, 2]
        assert source.labels["label"].names == ("0", "1", "2")

    def test_npz_without_that_name_gives_its_first_array_of_images(self, tmp_path):
        images = random_images(4, 5, 5)
        np.savez_compressed(tmp_path / "a.npz", numbers=np.zeros(4), pictures=images)
        source = open_source(str(tmp_path / "a.npz"))
        np.testing.assert_array_equal(read_all(source), images)
        assert source.labels == {}

    def test_labels_of_another_length_are_none(self, tmp_path):
        np.savez(tmp_path / "a.npz", images=random_images(4, 5, 5), labels=[0, 1])
        assert open_source(str(tmp_path / "a.npz")).labels == {}

    def test_negative_labels_are_refused_or_none(self, tmp_path):
        """-1 often says "no label"; counting classes must not fall over it."""
        from dcgan.data import survey

        np.savez(tmp_path / "a.npz", images=random_images(3, 5, 5), labels=[-1, 0, 1])
        try:
            source = open_source(str(tmp_path / "a.npz"))
        except DataError:
            return
        survey(source)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (np.full((2, 4, 4), 300), r"300; wants whole numbers in 0\.\.255"),
            (np.full((2, 4, 4), -1), "from -1"),
            (np.full((2, 4, 4), 2.0), r"2; wants .* floats in 0\.\.1"),
            (np.full((2, 4, 4), -0.5), "from -0.5"),
            (np.full((2, 4, 4), np.nan), "nan"),
            (np.full((2, 4, 4), np.inf), "inf"),
            (np.zeros((2, 5, 6, 7), np.uint8), r"1 to 4 channels; found \(2, 5, 6, 7\)"),
            (np.zeros((2, 4), np.uint8), r"found .*\(2, 4\)"),
            (np.zeros((2, 1, 4, 4, 3), np.uint8), r"found .*\(2, 1, 4, 4, 3\)"),
            (np.zeros((0, 4, 4), np.uint8), "no picture"),
        ],
    )
    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    def test_values_and_shapes_that_are_no_pictures_are_refused(
        self, tmp_path, values, message, suffix
    ):
        path = tmp_path / f"a{suffix}"
        if suffix == ".npy":
            np.save(path, values)
        else:
            np.savez(path, images=values)
        with pytest.raises(DataError, match=message):
            open_source(str(path))

    def test_text_in_an_array_is_refused(self, tmp_path):
        np.save(tmp_path / "a.npy", np.full((2, 4, 4), "a"))
        with pytest.raises(DataError, match=r"a\.npy"):
            open_source(str(tmp_path / "a.npy"))

    def test_python_objects_are_never_unpickled(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
        with pytest.raises(DataError, match="plain numbers"):
            open_source(str(tmp_path / "a.npy"))

    @pytest.mark.parametrize("suffix", [".npy", ".npz"])
    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # NumPy leaves a broken npz open
    @pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY", b"PK\x03\x04"])
    def test_a_broken_file_is_refused(self, tmp_path, suffix, content):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.np"):
            open_source(str(path))

    def test_a_truncated_npy_is_refused(self, tmp_path):
        path = tmp_path / "a.npy"
        np.save(path, random_images(4, 5, 5))
        path.write_bytes(path.read_bytes()[:-7])
        with pytest.raises(DataError, match=r"a\.npy"):
            open_source(str(path))

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_a_damaged_npz_is_refused(self, tmp_path, save):
        path = tmp_path / "a.npz"
        save(path, images=np.arange(20_000).reshape(2, 100, 100) // 50 % 256)
        content = bytearray(path.read_bytes())
        for place in range(200, 240):
            content[place] ^= 0x5A
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz"):
            open_source(str(path))

    @pytest.mark.parametrize(("true", "false"), [(".npy", ".npz"), (".npz", ".npy")])
    def test_a_file_under_the_other_suffix_is_read_or_refused(self, tmp_path, true, false):
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

    def test_a_note_in_an_npz_does_no_harm(self, tmp_path):
        np.savez(tmp_path / "pictures.npz", pictures=random_images(4, 5, 5))
        path = tmp_path / "a.npz"
        with (
            zipfile.ZipFile(path, "w") as archive,
            zipfile.ZipFile(tmp_path / "pictures.npz") as original,
        ):
            archive.writestr("readme.txt", "made by hand")
            archive.writestr("pictures.npy", original.read("pictures.npy"))
        assert len(open_source(str(path))) == 4


def idx(array: np.ndarray) -> bytes:
    """LeCun's format: 0 0, the type (8 is a byte), the number of axes, their lengths, the data."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


DIGITS = random_images(6, 28, 28)
NUMBERS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def put_idx(
    folder: Path, images: bytes, labels: bytes, *, prefix: str = "train", packed: bool = False
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("images-idx3", images), ("labels-idx1", labels)):
        path = folder / f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(content) if packed else content)


class TestIdx:
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("folder", ["mnist", "MNIST/raw", "MNIST", "."])
    def test_mnist_is_found_plain_and_packed_where_others_put_it(self, tmp_path, folder, packed):
        """MNIST/raw is torchvision's layout."""
        put_idx(tmp_path / folder, idx(DIGITS), idx(NUMBERS), packed=packed)
        source = open_source("mnist", tmp_path)
        np.testing.assert_array_equal(read_all(source), DIGITS)
        assert class_names(source) == list("314159")
        assert source.labels["label"].names == tuple("0123456789")

    @pytest.mark.parametrize("folder", ["fashion-mnist", "FashionMNIST/raw"])
    def test_fashion_mnist_has_names_of_its_own(self, tmp_path, folder):
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

    def test_the_test_half_is_another_file(self, tmp_path):
        put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
        put_idx(tmp_path / "mnist", idx(DIGITS[:2]), idx(NUMBERS[:2]), prefix="t10k")
        assert len(open_source("mnist:test", tmp_path)) == 2
        assert len(open_source("mnist:train", tmp_path)) == 6
        with pytest.raises(SourceNotFound, match="train and test"):
            open_source("mnist:validation", tmp_path)

    def test_the_variable_names_the_data_root(self, tmp_path, monkeypatch):
        put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
        monkeypatch.setenv("DCGAN_DATA", str(tmp_path))
        assert len(open_source("mnist")) == 6

    def test_a_missing_set_names_the_files_and_the_folder(self, tmp_path):
        with pytest.raises(SourceNotFound) as failure:
            open_source("mnist", tmp_path)
        message = str(failure.value)
        assert "train-images-idx3-ubyte.gz" in message
        assert "train-labels-idx1-ubyte.gz" in message
        assert str(tmp_path / "mnist") in message

    def test_images_without_their_labels_are_a_missing_set(self, tmp_path):
        put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS))
        (tmp_path / "mnist" / "train-labels-idx1-ubyte").unlink()
        with pytest.raises(SourceNotFound, match="train-labels-idx1-ubyte"):
            open_source("mnist", tmp_path)

    def test_without_a_data_root_the_message_says_how_to_name_one(self, monkeypatch):
        monkeypatch.delenv("DCGAN_DATA", raising=False)
        with pytest.raises(SourceNotFound, match=r"t10k-images.*--data-root.*DCGAN_DATA"):
            open_source("fashion-mnist:test")

    @pytest.mark.parametrize("magic", [b"\0\0\x0d\x03", b"PK\x03\x04", b"<htm"])
    def test_a_wrong_magic_is_refused(self, tmp_path, magic):
        put_idx(tmp_path / "mnist", magic + idx(DIGITS)[4:], idx(NUMBERS))
        with pytest.raises(DataError, match=r"train-images-idx3-ubyte: not an IDX file"):
            open_source("mnist", tmp_path)

    @pytest.mark.parametrize("length", [0, 3, 4, 9, 15, 16, 100, -1])
    def test_a_truncated_file_is_refused(self, tmp_path, length):
        put_idx(tmp_path / "mnist", idx(DIGITS)[:length], idx(NUMBERS))
        with pytest.raises(DataError, match="train-images-idx3-ubyte"):
            open_source("mnist", tmp_path)

    def test_a_file_with_too_much_is_refused(self, tmp_path):
        put_idx(tmp_path / "mnist", idx(DIGITS) + b"more", idx(NUMBERS))
        with pytest.raises(DataError, match="fetch it again"):
            open_source("mnist", tmp_path)

    def test_a_truncated_or_altered_gzip_is_refused(self, tmp_path):
        put_idx(tmp_path / "mnist", idx(DIGITS), idx(NUMBERS), packed=True)
        path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
        whole = path.read_bytes()
        altered = bytearray(whole)
        altered[len(altered) // 2] ^= 0xFF
        for content in (whole[:-20], bytes(altered), b"no gzip at all"):
            path.write_bytes(content)
            with pytest.raises(DataError, match="fetch it again"):
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
    def test_files_that_do_not_belong_together_are_refused(self, tmp_path, images, labels):
        put_idx(tmp_path / "mnist", idx(images), idx(labels))
        with pytest.raises(DataError):
            open_source("mnist", tmp_path)


class TestDigits:
    def test_the_built_in_digits_are_1797_in_ten_balanced_classes(self):
        source = open_source("digits")
        assert len(source) == 1797
        labels = source.labels["label"]
        assert labels.names == tuple("0123456789")
        counts = np.bincount(labels.values, minlength=10)
        assert counts.min() > 170
        assert counts.max() < 190

    def test_they_are_light_strokes_on_black_over_the_whole_range(self):
        images = read_all(open_source("digits"))
        assert images.shape == (1797, 8, 8)
        assert images.min() == 0
        assert images.max() == 255
        assert images[:, :, 0].mean() < 5  # the left margin is empty
        assert len(np.unique(images)) == 17  # counts of ink from 0 to 16

    def test_the_digits_are_those_of_their_labels(self):
        """The mean zero has a hole, the mean one has none."""
        source = open_source("digits")
        images, values = read_all(source), source.labels["label"].values
        hole = images[:, 3:5, 3:5].mean(axis=(1, 2))
        assert hole[values == 0].mean() < 50 < 200 < hole[values == 1].mean()


def paint(image: Image.Image, colour: str) -> np.ndarray:
    """How much of each pixel is covered, 0 to 1, from its mix of white and the colour."""
    channel = int(np.argmin(COLOURS[colour]))
    return (255 - np.asarray(image, float)[:, :, channel]) / (255 - COLOURS[colour][channel])


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


class TestShapes:
    @pytest.fixture(scope="class")
    def source(self):
        return ShapesSource(count=300)

    def factors(self, source, index):
        labels = source.labels
        names = (labels[key].names[labels[key].values[index]] for key in ("shape", "colour"))
        return *names, *(float(labels[key].values[index]) for key in ("size", "x", "y", "angle"))

    def test_pictures_are_drawn_from_their_labels(self, source):
        for index in range(0, 300, 10):
            shape, colour, size, x, y, angle = self.factors(source, index)
            drawn = draw_shape(shape, colour, size=size, x=x, y=y, angle=angle)
            assert source.read(index).tobytes() == drawn.tobytes()

    @pytest.mark.parametrize("index", range(0, 300, 15))
    def test_the_factors_can_be_measured_in_the_picture(self, source, index):
        shape, colour, size, x, y, _ = self.factors(source, index)
        image = source.read(index)
        assert image.mode == "RGB"
        assert image.size == (SIDE, SIDE)
        cover = paint(image, colour)
        centres = (np.arange(SIDE) + 0.5) / SIDE
        assert image.getpixel((round(x * SIDE), round(y * SIDE))) == COLOURS[colour]
        assert (cover.sum(axis=0) @ centres) / cover.sum() == pytest.approx(x, abs=0.5 / SIDE)
        assert (cover.sum(axis=1) @ centres) / cover.sum() == pytest.approx(y, abs=0.5 / SIDE)
        assert cover.mean() == pytest.approx(AREA[shape] * size**2, rel=0.1)

    @pytest.mark.parametrize(("shape", "corners"), [("triangle", 3), ("square", 4)])
    @pytest.mark.parametrize("angle", [0.0, 0.4, 2.0, 5.5])
    def test_the_angle_turns_the_shape(self, shape, corners, angle):
        image = draw_shape(shape, "blue", size=0.38, x=0.45, y=0.57, angle=angle)
        wanted = regular_polygon(corners, 0.38, 0.45, 0.57, angle)
        assert abs(paint(image, "blue") - wanted).mean() < 0.02

    @pytest.mark.parametrize("colour", COLOURS)
    def test_the_paper_is_white_and_the_edges_are_smooth(self, colour):
        image = draw_shape("circle", colour, size=0.3, x=0.5, y=0.5, angle=0)
        seen = {pixel for _, pixel in image.getcolors()}
        assert image.getpixel((0, 0)) == (255, 255, 255)
        assert COLOURS[colour] in seen
        assert len(seen) > 5

    def test_a_seed_and_a_number_always_give_the_same_picture(self, source):
        again = ShapesSource(count=300)
        for index in (299, 0, 150):
            assert source.read(index).tobytes() == again.read(index).tobytes()
        other = ShapesSource(count=300, seed=1)
        assert not np.array_equal(source.labels["x"].values, other.labels["x"].values)

    def test_the_factors_are_uniform_and_independent(self):
        labels = open_source("shapes").labels
        assert len(labels["shape"].values) == 10_000
        for key, classes in (("shape", SHAPES), ("colour", COLOURS)):
            counts = np.bincount(labels[key].values, minlength=len(classes))
            np.testing.assert_allclose(counts, 10_000 / len(classes), rtol=0.06)
        bounds = {"size": (0.2, 0.4), "x": (0.4, 0.6), "y": (0.4, 0.6), "angle": (0, 2 * pi)}
        for key, (low, high) in bounds.items():
            assert labels[key].names == ()
            assert low <= labels[key].values.min() < low + 0.01 * (high - low)
            assert high - 0.01 * (high - low) < labels[key].values.max() <= high
        table = np.corrcoef([factor.values for factor in labels.values()])
        assert abs(table - np.eye(6)).max() < 0.05


class TestNames:
    @pytest.mark.parametrize(
        ("wrong", "right"), [("digts", "digits"), ("mnits", "mnist"), ("shape", "shapes")]
    )
    def test_an_unknown_name_is_answered_with_the_nearest(self, wrong, right):
        with pytest.raises(SourceNotFound, match=f"{wrong}: no such file.*'{right}'"):
            open_source(wrong)

    def test_a_missing_path_lists_the_names(self, tmp_path):
        with pytest.raises(SourceNotFound, match="digits, shapes, mnist, fashion-mnist"):
            open_source(str(tmp_path / "gone"))

    @pytest.mark.parametrize("name", ["digits:test", "shapes:train"])
    def test_sets_without_splits_say_so(self, name):
        with pytest.raises(SourceNotFound, match="no splits"):
            open_source(name)

    def test_a_single_picture_is_refused_with_the_cure(self, tmp_path):
        put(tmp_path, "a.png")
        with pytest.raises(DataError, match=r"a\.png: not a folder.*into a folder"):
            open_source(str(tmp_path / "a.png"))

    def test_a_path_may_begin_at_home(self, tmp_path, monkeypatch):
        put(tmp_path / "pictures", "a.png")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert titles(open_source("~/pictures")) == ["a.png"]
