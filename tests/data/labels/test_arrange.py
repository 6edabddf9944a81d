"""Splits and labels of folders, zips and tars: the forms in which datasets come."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import pytest
from tests.tiny_images import png

from dcgan.data import Source, open_source
from dcgan.errors import ConfigError


def as_folder(place: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        path = place / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(place / "data")


def as_zip(place: Path, files: dict[str, bytes]) -> str:
    with zipfile.ZipFile(place / "data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(place / "data.zip")


def as_tar(place: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(place / "data.tar", "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return str(place / "data.tar")


@pytest.fixture(params=[as_folder, as_zip, as_tar], ids=["folder", "zip", "tar"])
def pack(request, tmp_path):
    """Puts files, by their names, into one of the three containers."""
    return lambda files: request.param(tmp_path, files)


def images(*names: str) -> dict[str, bytes]:
    return {name: png(tone) for tone, name in enumerate(names)}


def numbered(folder: str, count: int) -> list[str]:
    return [f"{folder}{number:03d}.png" for number in range(count)]


def titles(source: Source) -> list[str]:
    """Paths of images within the collection; of a tar without its name."""
    return [source.title(index).rpartition(":")[2] for index in range(len(source))]


def classes(source: Source, factor: str = "label") -> dict[str, str]:
    labels = source.labels[factor]
    return {
        title: labels.names[value]
        for title, value in zip(titles(source), labels.values, strict=True)
    }


def notes(source: Source) -> str:
    assert all(len(note.splitlines()) == 1 for note in source.notes)
    return "\n".join(source.notes)


SPLITS = {
    "plain": ("train/{}/{}.png", "val/{}/{}.png", "test/{}/{}.png"),
    "longer words": ("Training/{}/{}.png", "validation/{}/{}.png", "Testing/{}/{}.png"),
    "below a folder": ("set/train/{}/{}.png", "set/valid/{}/{}.png", "set/test/{}/{}.png"),
    "with words": ("seg_train/x/{}/{}.png", "seg_val/x/{}/{}.png", "seg_test/x/{}/{}.png"),
    "with years": ("train2017/{}/{}.png", "val2017/{}/{}.png", "test2017/{}/{}.png"),
    "below the classes": ("{}/train/{}.png", "{}/val/{}.png", "{}/test/{}.png"),
    "beside others": ("train/{}/{}.png", "val/{}/{}.png", "extra/{}/{}.png"),
}


@pytest.mark.parametrize("kind", SPLITS)
def test_folders_called_by_splits_are_splits_and_train_is_used(pack, kind):
    data = pack(
        images(
            *(
                form.format(name, n)
                for form in SPLITS[kind]
                for name in ("a", "b")
                for n in range(3)
            )
        )
    )
    source = open_source(data)
    train = SPLITS[kind][0]
    assert classes(source) == {train.format(name, n): name for name in ("a", "b") for n in range(3)}
    assert "train 6" in notes(source)
    assert "`data.split`" in notes(source)


def test_another_split_and_all_can_be_asked_for(pack):
    data = pack(images("train/a/1.png", "train/b/2.png", "val/a/3.png", "test/b/4.png", "5.png"))
    for asked in ("val", "valid", "validation"):
        assert titles(open_source(data, split=asked)) == ["val/a/3.png"]
    assert titles(open_source(f"{data}:test")) == ["test/b/4.png"]
    assert len(open_source(data, split="all")) == 5
    assert "images outside the splits, not used: 1" in notes(open_source(data))
    with pytest.raises(ConfigError, match=r"data\.split` is 'dev2'.*train \(2 images\), val"):
        open_source(data, split="dev2")
    with pytest.raises(ConfigError, match="names the split val"):
        open_source(f"{data}:val", split="test")


def test_a_split_of_what_has_none_is_refused(pack):
    data = pack(images("a/1.png", "b/2.png"))
    assert len(open_source(data, split="all")) == 2
    with pytest.raises(ConfigError, match=r"has no splits\. Leave it out, or use all"):
        open_source(data, split="test")


@pytest.mark.parametrize("names", [("bus", "train", "tram"), ("train", "car"), ("test", "red")])
def test_a_class_may_be_called_like_a_split(pack, names):
    source = open_source(pack(images(*(f"{name}/{n}.png" for name in names for n in range(2)))))
    assert source.labels["label"].names == tuple(sorted(names))
    assert len(source) == 2 * len(names)


def test_without_a_train_split_all_are_used(pack):
    source = open_source(pack(images("val/a/1.png", "val/b/2.png", "test/a/3.png")))
    assert len(source) == 3
    assert source.labels["label"].names == ("a", "b")


def test_cyclegan_folders_are_splits_and_classes(pack):
    files = images(
        *(
            f"{split}{kind}/{n}.png"
            for split in ("train", "test")
            for kind in "AB"
            for n in range(2)
        )
    )
    source = open_source(pack(files))
    assert classes(source) == {
        f"train{kind}/{n}.png": kind.lower() for kind in "AB" for n in range(2)
    }


def test_boxes_of_yolo_are_named_and_its_splits_are_read(pack):
    files = images(*numbered("images/train/", 12), *numbered("images/val/", 12))
    files |= {
        name.replace("images", "labels").replace(".png", ".txt"): b"0 .5 .5 .1 .1\n"
        for name in list(files)
    }
    source = open_source(pack(files))
    assert titles(source) == numbered("images/train/", 12)
    assert source.labels == {}
    assert "24 .txt files next to the images are not read as labels" in notes(source)


def test_the_innermost_folder_that_differs_is_the_class(pack):
    source = open_source(pack(images("x/cat/1.png", "x/dog/2.png", "y/cat/3.png", "y/dog/4.png")))
    assert source.labels["label"].names == ("cat", "dog")


def test_folders_of_single_images_are_no_classes(pack):
    files = images(*(f"{kind}/{n:03d}/image.png" for kind in ("cat", "dog") for n in range(12)))
    assert open_source(pack(files)).labels["label"].names == ("cat", "dog")


def test_too_many_folders_for_classes_are_said(tmp_path):
    source = open_source(as_folder(tmp_path, {f"{n:03d}/a.png": png() for n in range(24)}))
    assert source.labels == {}
    assert "24 folders for 24 images: too many for classes" in notes(source)


def test_storage_in_blocks_is_no_class(tmp_path):
    names = [f"{n // 5:05d}/img{n:08d}.png" for n in range(18)]
    source = open_source(as_folder(tmp_path, images(*names)))
    assert source.labels == {}
    assert "storage in blocks" in notes(source)


def test_numbered_classes_are_classes(tmp_path):
    names = [f"{n % 3:05d}/{n:08d}.png" for n in range(18)]
    source = open_source(as_folder(tmp_path, images(*names)))
    assert source.labels["label"].names == ("00000", "00001", "00002")


def test_a_stray_image_beside_class_folders_is_skipped_and_named(pack):
    data = pack(images(*numbered("red/", 5), *numbered("blue/", 5), "cover.png"))
    source = open_source(data)
    assert len(source) == 10
    assert source.labels["label"].names == ("blue", "red")
    assert "1 image has no class and is skipped: cover.png" in notes(source)
    assert len(open_source(data, labels="none")) == 11
    assert open_source(data, labels="none").labels == {}


def test_many_images_beside_folders_take_the_labels_and_it_is_said(pack):
    source = open_source(pack(images("a/1.png", "b/2.png", "3.png")))
    assert len(source) == 3
    assert source.labels == {}
    assert "1 of 3 images are outside the folders a, b" in notes(source)


def test_backslashes_divide_folders(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for tone, name in enumerate(
            ("train\\red\\1.png", "train\\blue\\2.png", "test\\red\\3.png")
        ):
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, png(tone))
    source = open_source(str(path))
    assert classes(source) == {"train/blue/2.png": "blue", "train/red/1.png": "red"}
    assert [source.read(index).getpixel((0, 0)) for index in range(2)] == [1, 0]


NAMES = numbered("", 12)
COLORS = {name: ("red", "blue")[number % 2] for number, name in enumerate(NAMES)}


def table(rows, mark=",") -> bytes:
    return "\n".join(mark.join(map(str, row)) for row in rows).encode()


def lines(records) -> bytes:
    return "\n".join(map(json.dumps, records)).encode()


COCO = {
    "images": [{"id": number, "file_name": name} for number, name in enumerate(NAMES)],
    "categories": [{"id": 7, "name": "red"}, {"id": 3, "name": "blue"}],
    "annotations": [
        {
            "id": 2 * number + again,
            "image_id": number,
            "bbox": [0, 0, 1, 1],
            "category_id": {"red": 7, "blue": 3}[COLORS[name]],
        }
        for number, name in enumerate(NAMES)
        for again in range(2)
    ],
}

SIDE_FILES = {
    "csv": ("labels.csv", table([("file", "label"), *COLORS.items()])),
    "no header": ("labels.csv", table(COLORS.items())),
    "no endings": (
        "train.csv",
        table([("id", "breed"), *((n[:-4], c) for n, c in COLORS.items())]),
    ),
    "other endings": (
        "train.csv",
        table([("f", "class"), *((n[:-4] + ".JPG", c) for n, c in COLORS.items())]),
    ),
    "numbers without zeros": (
        "trainLabels.csv",
        table([("id", "label"), *((int(n[:-4]), c) for n, c in COLORS.items())]),
    ),
    "label first": (
        "a.csv",
        table(
            [
                ("", "class_name", "image_path"),
                *((i, c, f"/kaggle/input/x/{n}") for i, (n, c) in enumerate(COLORS.items())),
            ]
        ),
    ),
    "tabs": ("labels.tsv", table([("image", "label"), *COLORS.items()], "\t")),
    "semicolons": ("labels.csv", table([("image", "label"), *COLORS.items()], ";")),
    "utf-8 with a mark": (
        "labels.csv",
        b"\xef\xbb\xbf" + table([("file", "label"), *COLORS.items()]),
    ),
    "utf-16": (
        "labels.csv",
        table([("file", "label"), *COLORS.items()]).decode().encode("utf-16"),
    ),
    "Windows": ("labels.csv", table([("file", "label"), *COLORS.items()]).replace(b"\n", b"\r\n")),
    "quotes": (
        "labels.csv",
        table([('"file"', '"label"'), *((f'"{n}"', f'" {c} "') for n, c in COLORS.items())]),
    ),
    "one-hot": (
        "truth.csv",
        table(
            [
                ("image", "red", "blue"),
                *((n, 1.0 * (c == "red"), 1.0 * (c == "blue")) for n, c in COLORS.items()),
            ]
        ),
    ),
    "words": ("train.txt", table(COLORS.items(), " ")),
    "number and name": (
        "labels.csv",
        table([("file", "label", "class_name"), *((n, len(c), c) for n, c in COLORS.items())]),
    ),
    "hub jsonl": (
        "metadata.jsonl",
        lines({"file_name": n, "label": c} for n, c in COLORS.items()),
    ),
    "hub csv": ("metadata.csv", table([("file_name", "label"), *COLORS.items()])),
    "stylegan": ("dataset.json", json.dumps({"labels": list(COLORS.items())}).encode()),
    "coco": ("annotations/instances.json", json.dumps(COCO).encode()),
    "coco of roboflow": ("_annotations.coco.json", json.dumps(COCO).encode()),
    "boxes": (
        "_annotations.csv",
        table(
            [
                ("filename", "width", "height", "class", "xmin"),
                *((n, 3, 2, c, i) for i, (n, c) in enumerate(2 * list(COLORS.items()))),
            ]
        ),
    ),
    "json of names": ("labels.json", json.dumps(COLORS).encode()),
    "json of objects": (
        "labels.json",
        json.dumps([{"image": n, "class": c} for n, c in COLORS.items()]).encode(),
    ),
    "json of a list": (
        "labels.json",
        json.dumps({"v": 1, "data": [{"f": n, "y": c} for n, c in COLORS.items()]}).encode(),
    ),
}


@pytest.mark.parametrize("kind", SIDE_FILES)
def test_side_files_give_labels(pack, kind):
    name, content = SIDE_FILES[kind]
    source = open_source(pack(images(*NAMES) | {name: content, "readme.txt": b"Colors.\n"}))
    assert classes(source) == COLORS
    assert f"labels from {name}" in notes(source)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_of_every_language_name_images_and_classes(pack, encoding, form):
    """Excel on Windows writes cp1252, and macOS decomposes the letters of file names."""
    colors = {f"größe-{n}é.png": ("grün", "grau", "grâu")[n % 3] for n in range(12)}
    names = {name: unicodedata.normalize(form, name) for name in colors}
    rows = table([("file", "label"), *colors.items()])
    side = {"labels.csv": rows.decode().encode(encoding)}
    source = open_source(pack(images(*names.values()) | side))
    assert classes(source) == {names[name]: color for name, color in colors.items()}


def test_classes_of_single_images_may_be_written_on_windows(tmp_path):
    files = {}
    for n in range(12):
        files |= {f"{n}.png": png(n), f"{n}.cls": ("rot", "grün")[n % 2].encode("cp1252")}
    source = open_source(as_tar(tmp_path, files))
    assert set(source.labels["label"].names) == {"rot", "grün"}


@pytest.mark.parametrize("kind", ["csv", "coco", "stylegan", "hub jsonl"])
def test_side_files_in_a_folder_count_paths_from_there(tmp_path, kind):
    name, content = SIDE_FILES[kind]
    files = {f"set/{path}": data for path, data in images(*NAMES).items()}
    source = open_source(as_folder(tmp_path, files | {f"set/{name}": content}))
    assert classes(source) == {f"set/{path}": color for path, color in COLORS.items()}


def test_each_split_has_a_side_file_of_its_own(tmp_path):
    """The same names in both, as the hub's layout allows."""
    files = {}
    for split, shift in (("train", 0), ("test", 1)):
        files |= {f"{split}/{n}.png": png() for n in range(12)}
        rows = [("file_name", "label"), *((f"{n}.png", "ab"[(n + shift) % 2]) for n in range(12))]
        files[f"{split}/metadata.csv"] = table(rows)
    data = as_folder(tmp_path, files)
    for split, shift in (("train", 0), ("test", 1)):
        expected = {f"{split}/{n}.png": "ab"[(n + shift) % 2] for n in range(12)}
        assert classes(open_source(data, split=split)) == expected
    assert len(classes(open_source(data, split="all"))) == 24


def test_annotations_of_another_split_are_not_taken(tmp_path):
    files = {}
    for split, shift in (("train", 0), ("val", 1)):
        files |= {f"{split}/{n}.png": png() for n in range(12)}
        rows = [(f"{n}.png", "ab"[(n + shift) % 2]) for n in range(12)]
        files[f"annotations/{split}.csv"] = table(rows)
    data = as_folder(tmp_path, files)
    expected = {f"val/{n}.png": "ab"[(n + 1) % 2] for n in range(12)}
    assert classes(open_source(data, split="val")) == expected


def test_storage_folders_of_stylegan_are_no_classes_even_without_labels(pack):
    files = images(*(f"0000{n // 6}/{n}.png" for n in range(12)))
    assert open_source(pack(files | {"dataset.json": b'{"labels": null}'})).labels == {}


def test_a_list_of_categories_does_not_take_the_class_folders(tmp_path):
    files = images(*(f"{c}/{n}" for n, c in COLORS.items()))
    content = b'{"labels": [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}]}'
    source = open_source(as_folder(tmp_path, files | {"labels.json": content}))
    assert source.labels["label"].names == ("blue", "red")


def test_vectors_of_stylegan_are_said(tmp_path):
    content = json.dumps({"labels": [[name, [0.1] * 25] for name in NAMES]}).encode()
    source = open_source(as_folder(tmp_path, images(*NAMES) | {"dataset.json": content}))
    assert source.labels == {}
    assert "lists of numbers, not classes" in notes(source)


def test_attributes_of_celeba_from_kaggle_are_factors(pack):
    rows = [
        ("image_id", "Smiling", "Male"),
        *((name, (-1, 1)[n % 2], (1, -1)[n % 3 == 0]) for n, name in enumerate(NAMES)),
    ]
    boxes = [("image_id", "x_1"), *((name, n) for n, name in enumerate(NAMES))]
    files = {f"img_align_celeba/img_align_celeba/{n}": c for n, c in images(*NAMES).items()}
    files |= {"list_attr_celeba.csv": table(rows), "list_bbox_celeba.csv": table(boxes)}
    source = open_source(pack(files))
    assert set(source.labels) == {"Smiling", "Male"}
    assert list(classes(source, "Smiling").values()) == ["no", "yes"] * 6
    assert "list_bbox_celeba.csv is not read" in notes(source)


def test_a_few_unlabeled_images_are_skipped_and_named(tmp_path):
    rows = [("file", "label"), *list(COLORS.items())[1:]]
    data = as_folder(tmp_path, images(*NAMES) | {"labels.csv": table(rows)})
    source = open_source(data)
    assert titles(source) == NAMES[1:]
    assert "1 image has no class and is skipped: 000.png" in notes(source)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (table([("file", "label"), *list(COLORS.items())[:6]]), "for 6 of 12 images only"),
        (table([("file", "id"), *((n, f"x{n}") for n in NAMES)]), "12 distinct values in 12"),
        (table([("file", "text"), *((n, "long " * 40) for n in NAMES)]), "long texts"),
        (table([("file", "score"), *((n, i / 7) for i, n in enumerate(NAMES))]), "distinct|fract"),
        (table([("file", "label"), *((n, "one") for n in NAMES)]), "one value for all"),
        (table([("file", "label"), *((n, "nan") for n in NAMES)]), "empty"),
        (
            table([("file", "label"), *((n, c) for n in NAMES for c in ("red", "blue"))]),
            "12 images have several values",
        ),
        (table([("name", "label"), ("Ann", "x"), ("Bob", "y")]), "no column names the images"),
        (b"", "it is empty"),
        (b'file,label\n"000.png,red\n' + b"x" * 200_000, "not a readable table"),
        (b"file,label\n" + b"x" * 2_000_000, "longer than a megabyte"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_looks_like_labels_and_is_not_read_is_said(pack, content, reason):
    source = open_source(pack(images(*NAMES) | {"labels.csv": content}))
    assert source.labels == {}
    assert len(source) == 12
    assert re.search(rf"labels\.csv.*({reason})", notes(source))


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"labels": ' + b"[" * 100_000,
        b'{"images": [1], "annotations": [{"image_id": []}]}',
        b'{"images": [], "annotations": null}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"null",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"labels": [["000.png", NaN], [1], null, ["001.png", Infinity]]}',
    ],
    ids=range(9),
)
@pytest.mark.parametrize("name", ["dataset.json", "labels.json", "metadata.jsonl"])
def test_hostile_json_costs_nothing_but_labels(tmp_path, name, content):
    source = open_source(as_folder(tmp_path, images(*NAMES) | {name: content}))
    assert len(source) == 12
    assert source.labels == {}


def test_control_characters_do_not_reach_names_of_classes(tmp_path):
    rows = [(n, f"\x1b[31m{c}\x07\u202e") for n, c in COLORS.items()]
    source = open_source(as_folder(tmp_path, images(*NAMES) | {"labels.csv": table(rows)}))
    names = source.labels["label"].names
    assert len(names) == 2
    assert all(name.isprintable() for name in names)


def test_other_kinds_of_label_files_are_named(tmp_path):
    files = images(*NAMES) | {"imagelabels.mat": b"MATLAB"}
    assert "not read as labels: imagelabels.mat" in notes(open_source(as_folder(tmp_path, files)))


def test_a_pipe_called_labels_is_passed_over(tmp_path):
    data = as_folder(tmp_path, images(*NAMES))
    os.mkfifo(f"{data}/labels.csv")
    assert open_source(data).labels == {}


def test_a_named_file_gives_labels(pack, tmp_path):
    data = pack(images(*NAMES))
    (tmp_path / "mine.csv").write_bytes(SIDE_FILES["csv"][1])
    assert classes(open_source(data, labels=str(tmp_path / "mine.csv"))) == COLORS


def test_a_named_file_may_lie_within(pack):
    files = images(*NAMES) | {
        "a.csv": table([(n, ["one", "two"][c == "red"]) for n, c in COLORS.items()]),
        "labels.csv": SIDE_FILES["csv"][1],
    }
    data = pack(files)
    assert set(classes(open_source(data)).values()) == {"red", "blue"}
    assert set(classes(open_source(data, labels="a.csv")).values()) == {"one", "two"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("gone.csv", None, "no such file"),
        ("a.mat", b"x", "no such kind of file"),
        ("a.csv", b"x,y\nAnn,red\nBob,blue\n", "no column names the images"),
        ("a.csv", table([("file", "label"), ("000.png", "red")]), "for 1 of 12|one value"),
        ("a.json", b"[", "not readable JSON"),
    ],
)
def test_a_named_file_that_tells_nothing_is_refused(tmp_path, name, content, reason):
    data = as_folder(tmp_path, images(*NAMES))
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"data\.labels` is .*({reason})"):
        open_source(data, labels=str(tmp_path / name))


def test_class_folders_and_attributes_are_both_read(tmp_path):
    files = images(*(f"{c}/{n}" for n, c in COLORS.items()))
    rows = [("image", "size"), *((n, ("big", "small")[i % 3 == 0]) for i, n in enumerate(NAMES))]
    source = open_source(as_folder(tmp_path, files | {"attributes.csv": table(rows)}))
    assert source.labels["label"].names == ("blue", "red")
    assert source.labels["size"].names == ("big", "small")
    assert classes(source, "size")["red/000.png"] == "small"


WEBDATASET = {
    "cls": lambda c: {".cls": c.encode()},
    "txt": lambda c: {".txt": c.encode()},
    "json": lambda c: {".json": json.dumps({"label": c, "caption": "long " * 40}).encode()},
    "json and caption": lambda c: {
        ".json": json.dumps({"class": c, "width": 3}).encode(),
        ".txt": b"long " * 40,
    },
}


@pytest.mark.parametrize("kind", WEBDATASET)
def test_files_beside_each_image_of_a_webdataset_give_labels(tmp_path, kind):
    files = {}
    for name, color in COLORS.items():
        files[name] = png()
        files |= {name[:-4] + end: text for end, text in WEBDATASET[kind](color).items()}
    assert classes(open_source(as_tar(tmp_path, files))) == COLORS


def test_captions_of_a_webdataset_are_said(tmp_path):
    files = {}
    for number, name in enumerate(NAMES):
        files |= {name: png(), name[:-4] + ".txt": f"a picture of thing {number}".encode()}
    source = open_source(as_tar(tmp_path, files))
    assert source.labels == {}
    assert "txt (12 distinct values in 12 images)" in notes(source)


def test_names_of_shards_tell_splits(tmp_path):
    for shard in ("set-train-000000", "set-train-000001", "set-val-000000"):
        as_tar(tmp_path, {f"{shard}-{n}.png": png() for n in range(2)})
        (tmp_path / "data.tar").rename(tmp_path / f"{shard}.tar")
    assert len(open_source(str(tmp_path))) == 4
    assert len(open_source(str(tmp_path / "*.tar"), split="val")) == 2
    assert len(open_source(str(tmp_path), split="all")) == 6
