"""Pictures decoded as they are shown: the same images, in bounded memory."""

from __future__ import annotations

import tarfile
from io import BytesIO
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.data import Batches, load_pictures, open_source
from dcgan.data.cache import Cache
from dcgan.data.stream import StreamedPictures
from dcgan.data.view import View
from dcgan.errors import TooManyUnreadable


@pytest.fixture
def album(tmp_path):
    """Sixty pictures of many sizes; the tone is the number."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(60):
        tone = Image.new("L", (10 + number % 7, 12 + number % 5), 4 * number)
        tone.save(folder / f"{number:02d}.png")
    return folder


def batches(pictures, start=0, steps=12, **options):
    return list(islice(Batches(pictures, 16, seed=1, **options).starting_at(start), steps))


@pytest.mark.parametrize("how", ["crop", "pad", "cover-random"])
def test_they_are_those_that_memory_would_hold(album, how):
    source = open_source(str(album))
    held = load_pictures(source, (8, 8), 1, how=how)
    streamed = load_pictures(source, (8, 8), 1, how=how, memory=0)
    assert streamed.is_slow
    assert not held.is_slow
    torch.testing.assert_close(batches(streamed), batches(held), rtol=0, atol=0)


def test_a_stream_can_be_entered_anywhere(album):
    streamed = load_pictures(open_source(str(album)), (8, 8), 1, memory=0)
    torch.testing.assert_close(batches(streamed, 96, 6), batches(streamed)[6:], rtol=0, atol=0)


def test_leaving_early_ends_the_reading(album):
    endless = Batches(load_pictures(open_source(str(album)), (8, 8), 1, memory=0), 16, seed=1)
    iterator = endless.starting_at(0)
    next(iterator)
    iterator.close()


def test_tar_shards_give_the_same_order_streamed_and_cached(album, tmp_path):
    for number in range(3):
        with tarfile.open(tmp_path / f"s{number}.tar", "w") as shard:
            for path in sorted(album.iterdir())[20 * number : 20 * (number + 1)]:
                shard.add(path, path.name)
    source = open_source(str(tmp_path / "s*.tar"))
    streamed = load_pictures(source, (8, 8), 1, memory=0)
    cached = load_pictures(source, (8, 8), 1, cache=Cache(tmp_path / "cache", 10**12))
    held = load_pictures(source, (8, 8), 1)
    assert (streamed.is_slow, cached.is_slow, held.is_slow) == (True, False, False)
    torch.testing.assert_close(batches(streamed), batches(cached), rtol=0, atol=0)
    torch.testing.assert_close(batches(streamed), batches(held), rtol=0, atol=0)


def test_an_unreadable_picture_gives_its_place_to_the_next(album):
    (album / "07.png").write_bytes(b"torn")
    streamed = StreamedPictures(open_source(str(album)), View((8, 8), 1), max_unreadable=0.1)
    tones = streamed.take(np.array([6, 7, 8]), np.zeros(3))[:, 0, 0, 0].tolist()
    assert tones == [24, 32, 32]
    assert [(one.title, "no picture" in one.reason) for one in streamed.skipped] == [
        ("07.png", True)
    ]


def test_too_many_unreadable_ones_end_it(album):
    for number in range(0, 60, 2):
        (album / f"{number:02d}.png").write_bytes(b"torn")
    streamed = StreamedPictures(open_source(str(album)), View((8, 8), 1), max_unreadable=0.1)
    with pytest.raises(TooManyUnreadable, match=r"data\.max_unreadable = 0\.1"):
        batches(streamed)


def test_not_one_readable_picture_ends_at_once(album):
    for path in album.iterdir():
        path.write_bytes(b"torn")
    streamed = StreamedPictures(open_source(str(album)), View((8, 8), 1), max_unreadable=1)
    with pytest.raises(TooManyUnreadable, match="not one picture"):
        batches(streamed, steps=1)


def test_a_picture_that_vanishes_while_training_is_passed_over(album):
    streamed = StreamedPictures(open_source(str(album)), View((8, 8), 1))
    (album / "59.png").unlink()
    assert streamed.take(np.array([58, 59]), np.zeros(2))[:, 0, 0, 0].tolist() == [232, 0]


def test_a_brief_look_at_a_large_collection_decodes_only_what_it_shows(
    album, monkeypatch, tmp_path
):
    monkeypatch.setattr("dcgan.data.store._LARGE", 50)
    source, cache = open_source(str(album)), Cache(tmp_path / "cache", 10**12)
    said = []
    assert load_pictures(source, (8, 8), 1, cache=cache, shown=29, note=said.append).is_slow
    assert len(said) == 1
    assert not load_pictures(source, (8, 8), 1, cache=cache, shown=31).is_slow
    assert not load_pictures(source, (8, 8), 1, cache=cache, shown=29).is_slow, "is kept by now"


def test_the_fingerprint_tells_that_a_file_changed(album):
    def fingerprint():
        return StreamedPictures(open_source(str(album)), View((8, 8), 1)).fingerprint

    before = fingerprint()
    assert fingerprint() == before
    buffer = BytesIO()
    Image.new("L", (30, 30)).save(buffer, "PNG")
    (album / "07.png").write_bytes(buffer.getvalue())
    assert fingerprint() != before
