"""Pictures that a program already has: every kind of item, and a reason for what is none."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import SMALL, Notes
from tests.tiny_images import class_names

import dcgan
from dcgan.data import open_items
from dcgan.data.labels import columns, item_classes
from dcgan.errors import DataError, RunConflict, UnreadableImage

GRAY = np.random.default_rng(0).integers(0, 256, (5, 6), dtype=np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (5, 6, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


ITEMS = {
    "picture": (Image.fromarray(COLOR), COLOR),
    "gray picture": (Image.fromarray(GRAY), GRAY),
    "H W": (GRAY, GRAY),
    "H W C": (COLOR, COLOR),
    "C H W": (COLOR.transpose(2, 0, 1), COLOR),
    "H W 1": (GRAY[:, :, None], GRAY),
    "1 H W": (GRAY[None], GRAY),
    "whole numbers": (COLOR.astype(np.int64), COLOR),
    "shares of white": (COLOR / 255, COLOR),
    "single precision": ((COLOR / 255).astype(np.float32), COLOR),
    "yes and no": (GRAY > 99, (GRAY > 99) * np.uint8(255)),
    "tensor": (torch.from_numpy(COLOR), COLOR),
    "tensor C H W": (torch.from_numpy(COLOR).permute(2, 0, 1) / 255, COLOR),
    "learned": (torch.tensor(COLOR / 255, requires_grad=True), COLOR),
    "bytes": (png(COLOR), COLOR),
    "with a class": ((png(COLOR), 3), COLOR),
    "with a caption": ((Image.fromarray(GRAY), "a cat"), GRAY),
    "list with a class": ([COLOR, 3], COLOR),
}


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("how", [list, tuple, iter, deque], ids=lambda how: how.__name__)
def test_every_kind_of_item_is_read(kind, how):
    item, pixels = ITEMS[kind]
    source = open_items(how([item, item]))
    assert len(source) == 2
    np.testing.assert_array_equal(np.asarray(source.read(1)), pixels)
    assert source.title(1) == "data[1]"


def test_paths_are_read(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(COLOR))
    monkeypatch.setenv("HOME", str(tmp_path))
    source = open_items([tmp_path / "a.png", str(tmp_path / "a.png"), "~/a.png", Path("~/a.png")])
    for index in range(4):
        np.testing.assert_array_equal(np.asarray(source.read(index)), COLOR)


def test_arrays_and_tensors_of_images_are_taken_whole():
    for whole in (
        np.stack([COLOR] * 4),
        np.stack([COLOR.transpose(2, 0, 1)] * 4) / 255,
        torch.from_numpy(np.stack([COLOR] * 4)),
        torch.tensor(np.stack([COLOR] * 4) / 255, requires_grad=True),
    ):
        source = open_items(whole)
        assert len(source) == 4
        assert source.labels == {}
        np.testing.assert_array_equal(np.asarray(source.read(3)), COLOR)
        np.testing.assert_array_equal(source.pixels()[3], COLOR.transpose(2, 0, 1))


class Given(torch.utils.data.Dataset):
    """A map-style data set; its third picture is broken."""

    def __init__(self) -> None:
        self.read: list[int] = []

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index):
        self.read.append(index)
        if index == 2:
            raise RuntimeError("the disk\nis on fire")
        return torch.full((3, 5, 6), index / 10), index % 2


def test_a_data_set_is_read_when_needed_and_its_failures_are_reasons():
    given = Given()
    source = open_items(given)
    assert given.read == []
    assert source.read(3).getpixel((0, 0)) == (76, 76, 76)  # 0.3 · 255
    assert given.read == [3]
    with pytest.raises(UnreadableImage, match=r"^RuntimeError: the disk is on fire$"):
        source.read(2)


def test_whole_numbers_beside_images_are_classes():
    source = open_items([(GRAY, 7), (GRAY, np.int64(-1)), (GRAY, 7)])
    labels = source.labels["label"]
    assert [labels.names[value] for value in labels.values] == ["7", "-1", "7"]
    assert open_items((GRAY, number) for number in (4, 2)).labels["label"].names == ("2", "4")


@pytest.mark.parametrize(
    "items",
    [
        [(GRAY, 1), (GRAY, "cat")],
        [(GRAY, 1), GRAY],
        [(GRAY, 1.5), (GRAY, 2.5)],
        [(GRAY, 1, 2), (GRAY, 1, 2)],
        [GRAY, GRAY],
    ],
)
def test_items_of_other_kinds_give_no_classes(items):
    source = open_items(items)
    assert source.labels == {}
    assert source.read(0).size == (6, 5)


WRONG = {
    "nothing": (None, "NoneType"),
    "a number": (5, "of type int"),
    "a dictionary": ({"image": GRAY}, "of type dict"),
    "an empty tuple": ((), "of type tuple"),
    "a vector": (np.zeros(9, np.uint8), "must be"),
    "a volume": (np.zeros((9, 9, 9), np.uint8), "must be"),
    "normalized": (torch.zeros(3, 4, 4) - 1, "from -1 to -1"),
    "not numbers": (np.full((4, 4), np.nan), "nan"),
    "too large": (np.full((4, 4), 256), "0..255"),
    "complex": (np.zeros((4, 4), complex), "complex"),
    "words": (np.full((4, 4), "x"), "must be numbers"),
    "text": (b"no picture at all", "not an image file"),
    "no bytes": (b"", "empty"),
    "no such path": ("/gone/a.png", "/gone/a.png: No such file"),
    "a folder": (Path("/"), "not a regular file"),
    "a long path": ("x" * 5000, "too long"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_image_is_unreadable_and_says_why(kind):
    item, reason = WRONG[kind]
    source = open_items([item, GRAY])
    with pytest.raises(UnreadableImage, match=reason) as failure:
        source.read(0)
    assert len(str(failure.value).splitlines()) == 1
    assert source.read(1).size == (6, 5)


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("a\0b.png", id="NUL in a path"),  # ValueError
        pytest.param("~nobody-of-that-name.png", id="no such home"),  # RuntimeError
        pytest.param(torch.zeros(3, 4, 4, dtype=torch.bfloat16), id="bfloat16"),  # TypeError
        pytest.param(torch.zeros(4, 4).to_sparse(), id="sparse"),  # TypeError
        pytest.param(np.zeros((0, 4), np.uint8), id="no rows"),  # a picture of no height
        pytest.param(np.zeros((4, 0, 3), np.uint8), id="no columns"),
    ],
)
def test_rare_items_are_images_or_unreadable(item):
    try:
        image = open_items([item]).read(0)
    except UnreadableImage:
        return
    assert min(image.size) > 0


@pytest.mark.parametrize("wrong", [5, None, 1.5, object()])
def test_what_is_neither_images_nor_a_path_is_refused(wrong):
    with pytest.raises(DataError, match=f"`data` is {re.escape(repr(wrong))}: use a path"):
        open_items(wrong)


@pytest.mark.parametrize("empty", [[], (), iter([]), {}.values()])
def test_nothing_is_refused(empty):
    with pytest.raises(DataError, match="holds no image"):
        open_items(empty)


@pytest.mark.parametrize("empty", [np.zeros((0, 4, 4), np.uint8), torch.zeros(0, 3, 4, 4)])
def test_an_array_of_nothing_is_refused(empty):
    with pytest.raises(DataError, match="holds no image"):
        open_items(empty)


@pytest.mark.parametrize(
    "whole", [torch.zeros(2, 4, 4, dtype=torch.bfloat16), torch.zeros(2, 4, 4).to_sparse()]
)
def test_rare_tensors_are_taken_or_refused(whole):
    try:
        source = open_items(whole)
    except DataError:
        return
    assert source.read(0).size == (4, 4)


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4)), np.zeros((2, 3, 4, 5, 6)), np.full((2, 4, 4), 2.5)]
)
def test_arrays_of_other_shapes_and_values_are_refused(wrong):
    with pytest.raises(DataError, match="must be"):
        open_items(wrong)


class Stream(torch.utils.data.IterableDataset):
    """An iterable data set that knows its length, as many do."""

    def __len__(self) -> int:
        return 2

    def __iter__(self):
        return iter([GRAY, GRAY])


def test_an_iterable_data_set_with_a_length_is_iterated():
    np.testing.assert_array_equal(np.asarray(open_items(Stream()).read(1)), GRAY)


def test_images_not_yet_decoded_are_read_from_several_threads(tmp_path):
    """``Image.open`` reads pixels only when they are wanted; here, one object stands 600 times."""
    (tmp_path / "a.png").write_bytes(png(np.kron(COLOR, np.ones((40, 40, 1), np.uint8))))
    (wanted,) = dcgan.data.load_dataset(open_items([tmp_path / "a.png"]), (5, 6), 3).images
    with Image.open(tmp_path / "a.png") as lazy:
        dataset = dcgan.data.load_dataset(open_items([lazy] * 600), (5, 6), 3)
    assert dataset.skipped == ()
    assert (dataset.images == wanted).all()


def scenes(count: int) -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [
        Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8)) for _ in range(count)
    ]


def test_a_list_of_images_trains_and_goes_on(tmp_path):
    items = [(image, index % 3) for index, image in enumerate(scenes(40))]
    run = dcgan.train(items, images=32, out=tmp_path / "run", **SMALL)
    assert run.sample(2).shape == (2, 3, 16, 16)
    longer = dcgan.train(items, images=64, out=tmp_path / "run", resume=True, **SMALL)
    assert longer.images_seen == 64
    with pytest.raises((DataError, RunConflict)):
        dcgan.train(scenes(41), images=96, out=tmp_path / "run", resume=True, **SMALL)


def test_training_on_what_is_no_image_is_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"none of 2 images can be read.*data\[0\]") as failure:
        dcgan.train([None, 5], images=64, out=tmp_path / "run", **SMALL)
    assert len(str(failure.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()


class Flipped(torch.utils.data.Dataset):
    """A map-style data set with a random transform, as torchvision users write them."""

    def __init__(self, seed: int, share: float = 0.5) -> None:
        self.images = [np.asarray(scene) for scene in scenes(40)]
        self.random, self.share = np.random.default_rng(seed), share

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return np.ascontiguousarray(image[:, ::-1] if self.random.random() < self.share else image)


def test_items_with_random_transforms_are_drawn_anew_each_time():
    said = Notes()
    dataset = dcgan.data.load_dataset(open_items(Flipped(0)), (20, 20), 3, reporter=said)
    seen = [dataset.take(np.array([7]), np.zeros(1)).numpy().tobytes() for _ in range(20)]
    assert len(set(seen)) == 2, "as it is, and mirrored"
    assert len(said) == 1
    assert "random transforms" in said[0]


@pytest.mark.parametrize(
    "items", [Flipped(0, share=0.0), Flipped(0, share=1.0), Given(), [GRAY] * 3]
)
def test_items_without_them_are_held_and_nothing_is_said(items):
    said = Notes()
    dataset = dcgan.data.load_dataset(
        open_items(items), (20, 20), 3, reporter=said, max_unreadable=0.5
    )
    assert not dataset.is_slow
    assert said == []


def test_a_run_on_random_transforms_resumes_by_the_number_of_images(tmp_path):
    dcgan.train(Flipped(0), images=32, out=tmp_path / "run", **SMALL)
    longer = dcgan.train(Flipped(1), images=64, out=tmp_path / "run", resume=True, **SMALL)
    assert longer.images_seen == 64
    fewer = Flipped(1)
    del fewer.images[0]
    with pytest.raises(DataError, match="was started on 40 images"):
        dcgan.train(fewer, images=96, out=tmp_path / "run", resume=True, **SMALL)


def test_prepared_random_transforms_are_said_to_be_frozen(tmp_path):
    said = Notes()
    dcgan.prepare(Flipped(0), tmp_path / "p", size=20, reporter=said)
    assert any("holds only one of them" in line for line in said)


TWELVE = np.random.default_rng(2).integers(0, 256, (12, 5, 6), dtype=np.uint8)
PARITY = [number % 2 for number in range(12)]


class Pairs(torch.utils.data.Dataset):
    """Images and labels as a data set of one's own gives them."""

    def __init__(self, labels, **attributes) -> None:
        self.labels_of_items = labels
        self.read: list[int] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index):
        self.read.append(index)
        return torch.from_numpy(TWELVE[index]), self.labels_of_items[index]


DATA_SETS = {
    "whole numbers": (Pairs(PARITY), ("0", "1")),
    "tensors": (Pairs(torch.tensor(PARITY)), ("0", "1")),
    "tensors of one": (Pairs(torch.tensor(PARITY)[:, None]), ("0", "1")),
    "one-hot": (Pairs(torch.eye(2)[torch.tensor(PARITY)]), ("0", "1")),
    "one-hot, of a network": (
        Pairs(torch.eye(2, requires_grad=True)[torch.tensor(PARITY)].bfloat16()),
        ("0", "1"),
    ),
    "words": (Pairs(["red" if odd else "blue" for odd in PARITY]), ("blue", "red")),
    "classes": (Pairs(PARITY, classes=["red", "blue"]), ("red", "blue")),
    "digits that are no number": (
        Pairs(["¹" if odd else "²" for odd in PARITY], classes=["red", "blue"]),
        ("²", "¹"),
    ),
    "targets": (Pairs(PARITY, targets=PARITY, classes=["red", "blue"]), ("red", "blue")),
    "tensor data set": (
        torch.utils.data.TensorDataset(torch.from_numpy(TWELVE), torch.tensor(PARITY)),
        ("0", "1"),
    ),
    "subset": (
        torch.utils.data.Subset(Pairs(PARITY, targets=PARITY, classes=["red", "blue"]), range(12)),
        ("red", "blue"),
    ),
    "several": (
        torch.utils.data.ConcatDataset([Pairs(PARITY)]),
        ("0", "1"),
    ),
}


@pytest.mark.parametrize("kind", DATA_SETS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_labels_of_data_sets_are_read(kind, when):
    data, names = DATA_SETS[kind]
    source = open_items(data)
    if when == "after":
        for index in range(12):
            source.read(index)
    assert class_names(source) == [names[odd] for odd in PARITY]


def test_labels_collected_while_reading_cost_no_second_reading():
    data = Pairs(PARITY)
    dataset = dcgan.data.load_dataset(open_items(data), (5, 6), 1)
    assert len(dataset.labels["label"].values) == 12
    assert data.read[-12:] == list(range(12)), "the last reading is that of the images"


def test_targets_save_fetching_the_items():
    data = Pairs(PARITY, targets=PARITY)
    assert class_names(open_items(data)) == [str(odd) for odd in PARITY]
    assert len(data.read) <= 4


def test_targets_are_read_once_and_not_for_each_item(monkeypatch):
    calls = []
    monkeypatch.setattr(item_classes, "class_texts", lambda array: calls.append(1) or texts(array))
    texts = columns.class_texts
    source = open_items(Pairs(PARITY, targets=PARITY))
    for index in range(5):
        source.read(index)
    before = len(calls)
    assert class_names(source) == [str(odd) for odd in PARITY]
    assert len(calls) - before <= 2


@pytest.mark.parametrize("label", [torch.tensor(1, device="meta"), np.zeros((2, 2)), object()])
def test_labels_that_cannot_be_read_are_none(label):
    source = open_items([(TWELVE[0], label)] * 12)
    np.testing.assert_array_equal(np.asarray(source.read(0)), TWELVE[0])
    assert source.labels == {}


def test_targets_that_a_transform_changes_are_not_believed():
    source = open_items(Pairs(PARITY, targets=[5] * 12))
    assert class_names(source) == [str(odd) for odd in PARITY]


def test_labels_that_are_no_classes_are_said():
    source = open_items(Pairs([f"a picture of {n}" for n in range(12)]))
    assert source.labels == {}
    assert "12 distinct values in 12 images" in source.notes[0]


class OneFile(torch.utils.data.Dataset):
    """Reads from one position at a time, as an open file does."""

    one_at_a_time = threading.get_ident()

    def __len__(self) -> int:
        return 600

    def __getitem__(self, index):
        self.place = index
        assert threading.get_ident() == self.one_at_a_time
        time.sleep(1e-5)
        return np.full((5, 6), self.place % 251, np.uint8)


def test_items_of_a_data_set_are_fetched_one_at_a_time_and_in_order():
    source = open_items(OneFile())
    dataset = dcgan.data.load_dataset(source, (5, 6), 1)
    assert [image[0, 0, 0] for image in dataset.images] == [n % 251 for n in range(600)]
    assert dataset.skipped == ()
    assert dcgan.data.survey(source, limit=300).looked_at == 300


def test_a_data_set_bears_readers_in_several_threads():
    """Such as the measurement beside the loader."""

    class Slow(OneFile):
        def __getitem__(self, index):
            self.place = index
            time.sleep(1e-5)
            return np.full((5, 6), self.place % 251, np.uint8)

    source = open_items(Slow())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: source.read(n).getpixel((0, 0)), range(600)))
    assert found == [n % 251 for n in range(600)]
