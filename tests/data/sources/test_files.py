"""Folders at any depth and zips read in place, whole and damaged."""

from __future__ import annotations

import errno
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.conftest import can_be_named
from tests.tiny_images import class_names, png, titles, tones

from dcgan.data import open_source
from dcgan.errors import DataError, UnreadableImage


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


def test_images_lie_at_any_depth_and_come_sorted_by_path(tmp_path):
    put(tmp_path, "z.png", "b/c/d/e.jpg", "b/a.png", "a/2.png", "a/10.png")
    source = open_source(str(tmp_path))
    assert titles(source) == ["a/10.png", "a/2.png", "b/a.png", "b/c/d/e.jpg", "z.png"]
    assert tones(source) == [4, 3, 2, 1, 0]


def test_class_folders_give_labels(tmp_path):
    put(tmp_path, "dog/1.png", "cat/2.png", "cat/deep/3.png")
    source = open_source(str(tmp_path))
    assert source.labels["label"].names == ("cat", "dog")
    assert titles(source) == ["cat/2.png", "cat/deep/3.png", "dog/1.png"]
    assert class_names(source) == ["cat", "cat", "dog"]


def test_folders_above_the_classes_are_passed_over(tmp_path):
    put(tmp_path, "set/train/cat/1.png", "set/train/dog/2.png")
    assert class_names(open_source(str(tmp_path))) == ["cat", "dog"]


@pytest.mark.parametrize(
    "names",
    [
        ("a/1.png", "b/2.png", "c.png"),
        ("1.png", "b/2.png", "c/3.png"),
        ("cat/1.png", "cat/2.png"),
        ("1.png",),
    ],
)
def test_images_beside_folders_or_in_one_folder_give_no_labels(tmp_path, names):
    put(tmp_path, *names)
    source = open_source(str(tmp_path))
    assert len(source) == len(names)
    assert source.labels == {}


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    put(tmp_path, "a.png", ".b.png", ".thumbnails/c.png", "d/._e.png", "__MACOSX/._a.png")
    assert titles(open_source(str(tmp_path))) == ["a.png"]


ADDED = [
    "@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg",
    "d/@eaDir/SYNOPHOTO_THUMB_XL.jpg",
    "#recycle/old.png",
    "@Recycle/old.png",
    ".@__thumb/a.png",
    "$RECYCLE.BIN/S-1/old.png",
    "System Volume Information/a.png",
    "d/lost+found/a.png",
    ".git/a.png",
    "d/.AppleDouble/a.png",
    "__macosx/a.png",
]


@pytest.mark.parametrize("how", [put, lambda folder, *names: pack(folder / "a.zip", *names)])
def test_thumbnails_and_trash_that_systems_add_are_passed_over(tmp_path, how):
    folder = tmp_path / "photos"
    folder.mkdir()
    how(folder, "a.png", "d/b.png", *ADDED, "Thumbs.db", ".DS_Store", "d/desktop.ini", "._a.png")
    source = open_source(str(next(folder.glob("*.zip"), folder)))
    assert titles(source) == ["a.png", "d/b.png"]
    assert source.others == {}, "and are not counted as somebody's files"


def test_folders_named_nearly_like_those_are_entered(tmp_path):
    put(tmp_path, "eaDir/1.png", "recycle/2.png", "lost/3.png", "my @eaDir/4.png")
    assert len(open_source(str(tmp_path))) == 4


def test_other_files_are_counted_and_not_read(tmp_path):
    put(tmp_path, "a.png")
    for name in ("readme.txt", "labels.csv", "noextension"):
        (tmp_path / name).write_text("text")
    source = open_source(str(tmp_path))
    assert titles(source) == ["a.png"]
    assert source.ignored == 3


def test_extensions_may_be_upper_case(tmp_path):
    put(tmp_path, "A.PNG", "B.Jpg", "C.JPEG", "D.TIFF")
    assert len(open_source(str(tmp_path))) == 4


@pytest.mark.skipif(not can_be_named("猫собака"), reason="no such names in this locale's encoding")
def test_names_may_be_in_any_script(tmp_path):
    put(tmp_path, "猫/写真 1.png", "собака/ü & 'x'.png")
    source = open_source(str(tmp_path))
    assert set(titles(source)) == {"猫/写真 1.png", "собака/ü & 'x'.png"}
    assert set(class_names(source)) == {"猫", "собака"}
    assert sorted(tones(source)) == [0, 1]


def test_a_loop_of_links_ends_and_shows_every_image_once(tmp_path):
    put(tmp_path, "a/1.png", "a/b/2.png", "z.png")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "b" / "self").symlink_to(tmp_path / "a" / "b")
    assert titles(open_source(str(tmp_path))) == ["a/1.png", "a/b/2.png", "z.png"]


def test_a_linked_folder_is_entered(tmp_path):
    put(tmp_path / "elsewhere", "1.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    assert titles(open_source(str(tmp_path / "data"))) == ["link/1.png"]


def test_a_broken_link_is_one_unreadable_image(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    source = open_source(str(tmp_path))
    assert source.read(0).getpixel((0, 0)) == 0
    with pytest.raises(UnreadableImage, match="No such file"):
        source.read(1)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_forbidden_file_is_one_unreadable_image(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(UnreadableImage, match="Permission"):
        open_source(str(tmp_path)).read(0)


def test_an_empty_folder_is_refused_and_says_what_it_wants(tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(DataError, match=r"holds no image \(other files: 1 .txt\).*\.png"):
        open_source(str(tmp_path))


def test_a_zip_is_read_in_place_with_the_labels_of_its_folders(tmp_path):
    path = pack(tmp_path / "pets.zip", "pets/dog/1.png", "pets/cat/2.PNG", "pets/cat/ü.png")
    source = open_source(str(path))
    assert titles(source) == ["pets/cat/2.PNG", "pets/cat/ü.png", "pets/dog/1.png"]
    assert tones(source) == [1, 2, 0]
    assert class_names(source) == ["cat", "cat", "dog"]
    assert list(tmp_path.iterdir()) == [path]


def test_what_macos_adds_is_passed_over(tmp_path):
    path = pack(tmp_path / "a.zip", "cat/1.png", "dog/2.png", "__MACOSX/cat/1.png", "cat/._1.png")
    source = open_source(str(path))
    assert titles(source) == ["cat/1.png", "dog/2.png"]
    assert source.labels["label"].names == ("cat", "dog")


def test_other_members_are_counted_and_folders_are_not(tmp_path):
    path = pack(tmp_path / "a.zip", "a/1.png", "a/readme.txt", "a/empty/")
    source = open_source(str(path))
    assert len(source) == 1
    assert source.ignored == 1


def test_a_folder_named_like_a_image_is_none(tmp_path):
    assert titles(open_source(str(pack(tmp_path / "a.zip", "a.png/", "a.png/1.png")))) == [
        "a.png/1.png"
    ]


def test_members_are_read_from_several_threads_at_once(tmp_path):
    names = [f"{number:03d}.png" for number in range(200)]
    source = open_source(str(pack(tmp_path / "a.zip", *names)))
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda index: source.read(index).getpixel((0, 0)), range(200)))
    assert seen == list(range(200))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_a_broken_zip_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip: a damaged or incomplete zip"):
        open_source(str(path))


def test_a_truncated_zip_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", "1.png", "2.png")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="a damaged or incomplete zip"):
        open_source(str(path))


@pytest.mark.parametrize("damage", ["version", "name"])
def test_a_zip_whose_list_of_members_is_damaged_is_refused(tmp_path, damage):
    path = pack(tmp_path / "a.zip", "ü.png")
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    if damage == "version":
        content[entry + 6] = 255  # the version needed to read it
    else:
        content[entry + 46] = 255  # the first byte of the name, said to be UTF-8
    path.write_bytes(content)
    with pytest.raises(DataError, match="a damaged or incomplete zip"):
        open_source(str(path))


@pytest.mark.parametrize(
    "compression",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
    ids=["stored", "deflated", "bzip2", "lzma"],
)
def test_a_damaged_member_is_one_unreadable_image(tmp_path, compression):
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


def test_a_member_under_a_damaged_name_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", "ü.png")
    content = bytearray(path.read_bytes())
    content[content.index("ü.png".encode())] = 255
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match="damaged in the zip"):
        open_source(str(path)).read(0)


def test_an_encrypted_member_is_one_unreadable_image(tmp_path):
    path = pack(tmp_path / "a.zip", "1.png")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1  # the flag "encrypted", in both places
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match="encrypted"):
        open_source(str(path)).read(0)


def test_a_zip_without_images_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no image \(other files: 1 .txt\)"):
        open_source(str(pack(tmp_path / "a.zip", "readme.txt")))


@pytest.mark.parametrize("mark", ["networks.json", "prepared.json"])
def test_what_was_made_from_the_images_is_not_learned_from(tmp_path, mark):
    """``dcgan train .`` leaves its sheets below the folder it learns from."""
    put(tmp_path, "1.png", "2.png", "runs/first/samples/000000064.png", "pictures-inspect.png")
    put(tmp_path, "pictures-inspect-2.png")
    (tmp_path / "runs" / "first" / mark).write_text("{}")
    source = open_source(str(tmp_path))
    assert titles(source) == ["1.png", "2.png"]
    assert source.others == {"sheet of dcgan inspect": 2}


def test_a_folder_with_a_sheet_alone_does_not_ask_for_what_it_holds(tmp_path):
    put(tmp_path, "pictures-inspect.png")
    with pytest.raises(DataError, match=r"other files: 1 sheet of dcgan inspect\)"):
        open_source(str(tmp_path))


def run_folder(path: Path, source: str) -> None:
    put(path, "samples/000000064.png", "sheet.png")
    (path / "networks.json").write_text("{}")
    (path / "config.yaml").write_text(f"data: {{source: {source}}}")


@pytest.mark.parametrize("named", ["runs/first", "runs/first/samples", "runs"])
def test_sheets_of_runs_are_refused_and_their_dataset_is_named(tmp_path, monkeypatch, named):
    run_folder(tmp_path / "runs" / "first", "photos/cats")
    put(tmp_path / "runs", "compare.png")
    with pytest.raises(DataError, match=r"no dataset\. Use a dataset, such as photos/cats"):
        open_source(str(tmp_path / named))
    monkeypatch.chdir(tmp_path / named)
    with pytest.raises(DataError, match=r"^\.: "):
        open_source(".")


def test_a_damaged_run_folder_is_refused_too(tmp_path):
    run_folder(tmp_path, "photos")
    (tmp_path / "config.yaml").write_text("[")
    with pytest.raises(DataError, match="a run folder, which holds generated images"):
        open_source(str(tmp_path))


def test_images_beside_a_run_folder_are_a_dataset(tmp_path):
    put(tmp_path, *(f"{number}.png" for number in range(10)))
    run_folder(tmp_path / "run", ".")
    assert len(open_source(str(tmp_path))) == 10


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_a_folder_that_may_not_be_read_is_counted(tmp_path):
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "b").chmod(0)
    source = open_source(str(tmp_path))
    (tmp_path / "b").chmod(0o700)
    assert source.others == {"closed folder": 1}


def test_a_closed_folder_is_not_asked_whether_it_holds_runs(tmp_path, monkeypatch):
    put(tmp_path, "a/1.png", "closed/2.png")
    run_folder(tmp_path / "run", ".")
    is_file, iterdir = Path.is_file, Path.iterdir

    def refuse(path, *closed):
        if path in closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def guarded(path, **options):
        refuse(path, tmp_path / "closed" / "networks.json")
        return is_file(path, **options)

    monkeypatch.setattr(Path, "is_file", guarded)
    with pytest.raises(DataError, match="holds run folders and no dataset"):
        open_source(str(tmp_path))

    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path, tmp_path) or iterdir(path))
    assert len(open_source(str(tmp_path))) > 0
