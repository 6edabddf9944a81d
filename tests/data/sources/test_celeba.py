"""CelebA: pictures, splits and attributes belong together, or the reason is said."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from PIL import Image

from dcgan.data import open_source
from dcgan.errors import DataError, SourceNotFound

NAMES = [f"{number:06d}.jpg" for number in range(1, 7)]
PARTITION = [0, 0, 0, 1, 2, 2]
FACTORS = ["5_o_Clock_Shadow", "Smiling", "Young"]
ANSWERS = [(-1, 1, 1), (1, -1, 1), (-1, -1, -1), (1, 1, 1), (-1, 1, -1), (1, -1, -1)]


def jpg(tone):
    buffer = BytesIO()
    Image.new("RGB", (178, 218), (tone, tone, tone)).save(buffer, "JPEG")
    return buffer.getvalue()


def partition_text():
    return "".join(f"{name} {part}\n" for name, part in zip(NAMES, PARTITION, strict=True))


def attributes_text():
    """As given out: the second line ends in a blank, numbers are two blanks apart."""
    lines = [str(len(NAMES)), " ".join(FACTORS) + " "]
    for name, answers in zip(NAMES, ANSWERS, strict=True):
        lines.append(name + "".join(f" {answer:2d}" for answer in answers) + " ")
    return "\r\n".join(lines) + "\r\n"


def put(root, *, folder="celeba", packed=False, names=NAMES, partition=None, attributes=None):
    place = root / folder
    (place if packed else place / "img_align_celeba").mkdir(parents=True)
    if packed:
        with zipfile.ZipFile(place / "img_align_celeba.zip", "w") as archive:
            for name in names:
                archive.writestr(f"img_align_celeba/{name}", jpg(20 * int(name[:6])))
    else:
        for name in names:
            (place / "img_align_celeba" / name).write_bytes(jpg(20 * int(name[:6])))
    (place / "list_eval_partition.txt").write_text(partition or partition_text(), "utf-8")
    (place / "list_attr_celeba.txt").write_text(attributes or attributes_text(), "utf-8")
    return place


def numbers(source):
    return [source.read(i).getpixel((50, 50))[0] // 20 for i in range(len(source))]


def answers(source, factor):
    labels = source.labels[factor]
    return [labels.names[value] for value in labels.values]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("folder", ["celeba", "CelebA"])
def test_each_split_has_its_images_and_their_attributes(tmp_path, packed, folder):
    put(tmp_path, folder=folder, packed=packed)
    train = open_source("celeba:train", tmp_path)
    assert numbers(train) == [1, 2, 3]
    assert list(train.labels) == ["5_o_clock_shadow", "smiling", "young"]
    assert answers(train, "smiling") == ["yes", "no", "no"]
    assert answers(train, "young") == ["yes", "yes", "no"]
    assert numbers(open_source("celeba:valid", tmp_path)) == [4]
    test = open_source("celeba:test", tmp_path)
    assert numbers(test) == [5, 6]
    assert answers(test, "smiling") == ["yes", "no"]
    assert test.title(0).endswith("000005.jpg")
    assert numbers(open_source("celeba:all", tmp_path)) == [1, 2, 3, 4, 5, 6]


def test_the_lists_of_kaggle_are_read(tmp_path):
    place = put(tmp_path)
    for name in ("list_eval_partition.txt", "list_attr_celeba.txt"):
        (place / name).unlink()
    lines = [",".join(map(str, row)) for row in zip(NAMES, PARTITION, strict=True)]
    (place / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *lines]))
    rows = zip(NAMES, ANSWERS, strict=True)
    lines = [",".join([name, *map(str, answers)]) for name, answers in rows]
    (place / "list_attr_celeba.csv").write_text(
        "\r\n".join([",".join(["image_id", *FACTORS]), *lines])
    )
    train = open_source("celeba:train", tmp_path)
    assert numbers(train) == [1, 2, 3]
    assert answers(train, "smiling") == ["yes", "no", "no"]


def test_images_that_no_list_names_are_ignored(tmp_path):
    put(tmp_path, names=[*NAMES, "000009.jpg"])
    assert len(open_source("celeba:all", tmp_path)) == 6


def test_the_stamp_tells_splits_and_changes_apart(tmp_path):
    place = put(tmp_path)
    stamp = open_source("celeba:train", tmp_path).stamp()
    assert open_source("celeba:train", tmp_path).stamp() == stamp
    assert open_source("celeba:test", tmp_path).stamp() != stamp
    (place / "img_align_celeba" / NAMES[0]).write_bytes(jpg(255) + b"more")
    assert open_source("celeba:train", tmp_path).stamp() != stamp


def test_without_attributes_there_are_no_labels(tmp_path):
    (put(tmp_path) / "list_attr_celeba.txt").unlink()
    source = open_source("celeba:train", tmp_path)
    assert numbers(source) == [1, 2, 3]
    assert source.labels == {}


def test_without_the_partition_there_is_only_all(tmp_path):
    place = put(tmp_path)
    (place / "list_eval_partition.txt").unlink()
    with pytest.raises(SourceNotFound, match=r"list_eval_partition\.txt is missing.*celeba:all"):
        open_source("celeba:train", tmp_path)
    source = open_source("celeba:all", tmp_path)
    assert numbers(source) == [1, 2, 3, 4, 5, 6]
    assert answers(source, "young") == ["yes", "yes", "no", "yes", "no", "no"]
    (place / "list_attr_celeba.txt").unlink()
    assert numbers(open_source("celeba:all", tmp_path)) == [1, 2, 3, 4, 5, 6]


def test_a_missing_set_names_files_folder_and_page(tmp_path):
    with pytest.raises(SourceNotFound) as failure:
        open_source("celeba:train", tmp_path)
    message = str(failure.value)
    for part in (
        "img_align_celeba.zip",
        "list_eval_partition.txt",
        "list_attr_celeba.txt",
        f"{tmp_path / 'celeba'}/",
        "http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ):
        assert part in message
    with pytest.raises(SourceNotFound, match=r"`data_root=DIR`.*DCGAN_DATA"):
        open_source("celeba:train", None)


def test_an_unknown_split_lists_the_four(tmp_path):
    with pytest.raises(SourceNotFound, match="train, valid, test and all"):
        open_source("celeba:dev2", tmp_path)


@pytest.mark.parametrize("packed", [False, True])
def test_missing_images_are_counted_and_the_first_is_named(tmp_path, packed):
    put(tmp_path, names=[NAMES[0], *NAMES[3:]], packed=packed)
    with pytest.raises(DataError, match=r"2 of the 3 images .*000002\.jpg first"):
        open_source("celeba:train", tmp_path)
    assert len(open_source("celeba:test", tmp_path)) == 2


@pytest.mark.parametrize(
    "wrong", ["000002.jpg 3\n", "000002.jpg\n", "000002.jpg 0 0\n", "\0\xff\n"]
)
def test_a_damaged_partition_names_its_line(tmp_path, wrong):
    put(tmp_path, partition=partition_text().replace("000002.jpg 0\n", wrong))
    with pytest.raises(DataError, match=r"list_eval_partition\.txt, line 2: must be"):
        open_source("celeba:train", tmp_path)


@pytest.mark.parametrize("wrong", ["000002.jpg 1 -1", "000002.jpg 1 -1 1 1", "000002.jpg 1 -1 2"])
def test_a_damaged_line_of_attributes_is_named(tmp_path, wrong):
    lines = attributes_text().splitlines()
    lines[3] = wrong
    put(tmp_path, attributes="\n".join(lines))
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt, line 4: must be .* 3 times"):
        open_source("celeba:train", tmp_path)


@pytest.mark.parametrize("head", [["x", "A B"], ["6", ""], ["6", "A a"]])
def test_a_damaged_head_of_attributes_is_named(tmp_path, head):
    put(tmp_path, attributes="\n".join(head))
    with pytest.raises(DataError, match=r"list_attr_celeba\.txt, line 1"):
        open_source("celeba:train", tmp_path)


def test_a_list_of_attributes_that_was_cut_off_says_so(tmp_path):
    put(tmp_path, attributes="\n".join(attributes_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="declares 6 images and lists 5"):
        open_source("celeba:train", tmp_path)


def test_attributes_of_other_images_are_refused(tmp_path):
    put(tmp_path, attributes=attributes_text().replace("000002", "000022"))
    with pytest.raises(
        DataError, match=r"list_attr_celeba\.txt: lacks 1 of the 3 images .*000002\.jpg first"
    ):
        open_source("celeba:train", tmp_path)


def test_an_image_listed_twice_is_refused(tmp_path):
    put(tmp_path, partition=partition_text().replace("000002", "000001"))
    with pytest.raises(DataError, match="twice"):
        open_source("celeba:train", tmp_path)
