"""Pictures decoded as they are shown: the same images, in bounded memory."""

from __future__ import annotations

import tarfile
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image
from tests.conftest import Notes

from dcgan.data import Batches, load_dataset, open_source
from dcgan.data.cache import Cache
from dcgan.data.image_view import View
from dcgan.data.sources.base import ArraySource
from dcgan.data.stream import StreamedDataset
from dcgan.errors import DataError, OutOfReach, TooManyUnreadable, UnreadableImage


@pytest.fixture
def album(tmp_path):
    """Sixty pictures of many sizes; the tone is the number."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(60):
        tone = Image.new("L", (10 + number % 7, 12 + number % 5), 4 * number)
        tone.save(folder / f"{number:02d}.png")
    return folder


def batches(dataset, start=0, steps=12, **options):
    return list(islice(Batches(dataset, 16, seed=1, **options).starting_at(start), steps))


@pytest.mark.parametrize("how", ["crop", "pad", "cover-random"])
def test_they_are_those_that_memory_would_hold(album, how):
    source = open_source(str(album))
    held = load_dataset(source, (8, 8), 1, how=how)
    streamed = load_dataset(source, (8, 8), 1, how=how, memory=0)
    assert streamed.is_slow
    assert not held.is_slow
    torch.testing.assert_close(batches(streamed), batches(held), rtol=0, atol=0)


def test_a_stream_can_be_entered_anywhere(album):
    streamed = load_dataset(open_source(str(album)), (8, 8), 1, memory=0)
    torch.testing.assert_close(batches(streamed, 96, 6), batches(streamed)[6:], rtol=0, atol=0)


def test_leaving_early_ends_the_reading(album):
    endless = Batches(load_dataset(open_source(str(album)), (8, 8), 1, memory=0), 16, seed=1)
    iterator = endless.starting_at(0)
    next(iterator)
    iterator.close()


def test_tar_shards_give_the_same_order_streamed_and_cached(album, tmp_path):
    for number in range(3):
        with tarfile.open(tmp_path / f"s{number}.tar", "w") as shard:
            for path in sorted(album.iterdir())[20 * number : 20 * (number + 1)]:
                shard.add(path, path.name)
    source = open_source(str(tmp_path / "s*.tar"))
    streamed = load_dataset(source, (8, 8), 1, memory=0)
    cached = load_dataset(source, (8, 8), 1, cache=Cache(tmp_path / "cache", 10**12))
    held = load_dataset(source, (8, 8), 1)
    assert (streamed.is_slow, cached.is_slow, held.is_slow) == (True, False, False)
    torch.testing.assert_close(batches(streamed), batches(cached), rtol=0, atol=0)
    torch.testing.assert_close(batches(streamed), batches(held), rtol=0, atol=0)


def test_an_unreadable_image_gives_its_place_to_the_next(album):
    (album / "07.png").write_bytes(b"torn")
    streamed = StreamedDataset(open_source(str(album)), View((8, 8), 1), max_unreadable=0.1)
    tones = streamed.take(np.array([6, 7, 8]), np.zeros(3))[:, 0, 0, 0].tolist()
    assert tones == [24, 32, 32]
    assert [(one.title, "not an image" in one.reason) for one in streamed.skipped] == [
        ("07.png", True)
    ]


def test_too_many_unreadable_ones_end_it(album):
    for number in range(0, 60, 2):
        (album / f"{number:02d}.png").write_bytes(b"torn")
    streamed = StreamedDataset(open_source(str(album)), View((8, 8), 1), max_unreadable=0.1)
    with pytest.raises(TooManyUnreadable, match=r"data\.max_unreadable=0\.1`"):
        batches(streamed)


def test_not_one_readable_image_ends_at_once(album):
    for path in album.iterdir():
        path.write_bytes(b"torn")
    streamed = StreamedDataset(open_source(str(album)), View((8, 8), 1), max_unreadable=1)
    with pytest.raises(TooManyUnreadable, match="no image can be read"):
        batches(streamed, steps=1)


def test_a_image_that_vanishes_while_training_is_passed_over(album):
    streamed = StreamedDataset(open_source(str(album)), View((8, 8), 1))
    (album / "59.png").unlink()
    assert streamed.take(np.array([58, 59]), np.zeros(2))[:, 0, 0, 0].tolist() == [232, 0]


def test_a_brief_look_at_a_large_collection_decodes_only_what_it_shows(
    album, monkeypatch, tmp_path
):
    monkeypatch.setattr("dcgan.data.store._LARGE", 50)
    source, cache = open_source(str(album)), Cache(tmp_path / "cache", 10**12)
    said = Notes()
    assert load_dataset(source, (8, 8), 1, cache=cache, shown=29, reporter=said).is_slow
    assert len(said) == 1
    assert not load_dataset(source, (8, 8), 1, cache=cache, shown=31).is_slow
    assert not load_dataset(source, (8, 8), 1, cache=cache, shown=29).is_slow, "is kept by now"


def test_the_fingerprint_is_of_the_names_and_so_of_the_order(album, tmp_path):
    def fingerprint(folder):
        return StreamedDataset(open_source(str(folder)), View((8, 8), 1)).fingerprint

    before = fingerprint(album)
    moved = album.rename(tmp_path / "elsewhere")
    assert fingerprint(moved) == before
    (moved / "07.png").unlink()
    assert fingerprint(moved) != before


@pytest.mark.parametrize("how", ["crop", "cover-random"])
def test_with_unreadable_images_every_way_of_holding_shows_the_same(album, tmp_path, how):
    for number in (0, 7, 8, 59):
        (album / f"{number:02d}.png").write_bytes(b"torn")
    source = open_source(str(album))
    ways = {
        "streamed": load_dataset(source, (8, 8), 1, how=how, memory=0, max_unreadable=0.1),
        "held": load_dataset(source, (8, 8), 1, how=how, max_unreadable=0.1),
        "cached": load_dataset(
            source, (8, 8), 1, how=how, max_unreadable=0.1, cache=Cache(tmp_path / "c", 10**12)
        ),
    }
    assert {len(dataset) for dataset in ways.values()} == {60}
    shown = {name: batches(dataset) for name, dataset in ways.items()}
    torch.testing.assert_close(shown["held"], shown["streamed"], rtol=0, atol=0)
    torch.testing.assert_close(shown["cached"], shown["streamed"], rtol=0, atol=0)
    assert ways["held"].fingerprint == ways["cached"].fingerprint


def test_labels_are_those_of_what_is_shown(tmp_path):
    for number in range(6):
        folder = tmp_path / "a" / f"class{number}"
        folder.mkdir(parents=True)
        Image.new("L", (8, 8), 40 * number).save(folder / "0.png")
    (tmp_path / "a" / "class2" / "0.png").write_bytes(b"torn")
    dataset = load_dataset(open_source(str(tmp_path / "a")), (8, 8), 1, max_unreadable=0.5)
    index = np.arange(6)
    tones = dataset.take(index, np.zeros(6))[:, 0, 0, 0].tolist()
    values = dataset.labels["label"].values[dataset.rows(index)].tolist()
    assert tones == [0, 40, 120, 120, 160, 200]
    assert values == [0, 1, 3, 3, 4, 5]


class Flaky(ArraySource):
    """Fails to be had some times before each picture comes."""

    def __init__(self, failures: int) -> None:
        super().__init__(
            "far", np.arange(40, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
        )
        self.left = dict.fromkeys(range(40), failures)

    def pixels(self):
        return None

    def read(self, index, at_least=None):
        self.left[index] -= 1
        if self.left[index] >= 0:
            raise OutOfReach("connection reset")
        return super().read(index)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("dcgan.data.sources.reach._PAUSES", (0.0, 0.0, 0.0))


@pytest.mark.parametrize("memory", [0, None])
def test_what_is_out_of_reach_for_a_moment_is_asked_for_again(impatient, memory):
    dataset = load_dataset(Flaky(3), (8, 8), 1, memory=memory)
    tones = dataset.take(np.arange(40), np.zeros(40))[:, 0, 0, 0]
    assert tones.tolist() == list(range(40))
    assert dataset.skipped == ()


@pytest.mark.parametrize("memory", [0, None])
def test_what_stays_out_of_reach_ends_the_run_and_is_not_taken_for_damage(
    impatient, memory, tmp_path
):
    cache = Cache(tmp_path / "cache", 10**12)
    with pytest.raises(
        DataError, match=r"far\[\d+\] cannot be read now: connection reset\. Try again when"
    ):
        batches(load_dataset(Flaky(10**9), (8, 8), 1, memory=memory, cache=cache))


def test_a_fair_share_of_damage_is_no_bad_luck(tmp_path, monkeypatch):
    """Of pictures with 4 % damage, the first hundred shown often hold more than 5."""
    refused = 0
    for seed in range(30):
        dataset = StreamedDataset(Spoilt(seed), View((8, 8), 1), max_unreadable=0.05)
        try:
            for start in range(0, 400, 100):
                dataset.take(np.arange(start, start + 100), np.zeros(100))
        except TooManyUnreadable:
            refused += 1
    assert refused <= 1


class Spoilt(ArraySource):
    """1,000 pictures of which 4 % are damaged."""

    def __init__(self, seed: int) -> None:
        super().__init__("spoilt", np.zeros((1000, 8, 8), np.uint8))
        self.damaged = set(np.random.default_rng(seed).choice(1000, 40, replace=False).tolist())

    def read(self, index, at_least=None):
        if index in self.damaged:
            raise UnreadableImage("torn")
        return super().read(index)
