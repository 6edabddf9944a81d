"""Animated pictures: every frame one picture, in order, with its picture's label."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from tests.tiny_images import titles

from dcgan.data import Source, load_dataset, open_source
from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import Film, count_frames
from dcgan.errors import DataError, UnreadableImage

KINDS = {
    "GIF": ("gif", {}),
    "PNG": ("png", {}),
    "WEBP": ("webp", {"lossless": True}),
    "TIFF": ("tif", {}),
}
"""Formats that hold several pictures, with their ends and what keeps their colors exact."""


def animation(kind: str, tones: list[int], size: tuple[int, int] = (6, 4)) -> bytes:
    """Plain frames of these tones."""
    first, *rest = (Image.new("RGB", size, (tone, 255 - tone, 0)) for tone in tones)
    buffer = BytesIO()
    first.save(buffer, kind, save_all=True, append_images=rest, **KINDS[kind][1])
    return buffer.getvalue()


def still(tone: int, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (6, 4), (tone, 255 - tone, 0)).save(buffer, kind)
    return buffer.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


def tones(source: Source) -> list[int]:
    """Of every frame, from its middle."""
    frames = (to_channels(source.read(index), 3) for index in range(len(source)))
    return [frame.getpixel((3, 2))[0] for frame in frames]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [2, 5])
def test_every_frame_is_a_image(tmp_path, kind, count):
    wanted = [40 * number for number in range(count)]
    folder = put(tmp_path, {f"a.{KINDS[kind][0]}": animation(kind, wanted)})
    assert tones(open_source(folder)) == wanted[:1]
    source = open_source(folder, frames="all")
    assert tones(source) == wanted
    last_first = [to_channels(source.read(-1 - index + count), 3) for index in range(count)]
    assert [frame.getpixel((3, 2))[0] for frame in last_first] == wanted[::-1]


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_counted_and_taken_by_number(kind):
    data = animation(kind, [10, 90, 200])
    assert count_frames(data) == 3
    film = Film(data)
    for number, tone in ((2, 200), (0, 10), (1, 90)):
        assert to_channels(film.frame(number), 3).getpixel((0, 0)) == (tone, 255 - tone, 0)
    with pytest.raises(UnreadableImage):
        film.frame(3)


def long_gif(count: int) -> bytes:
    """Of two frames, the second again and again."""
    data = animation("GIF", [10, 90])
    start = data.rindex(b"\x21\xf9")
    return data[:start] + (count - 1) * data[start:-1] + data[-1:]


def test_frames_of_a_long_gif_are_counted_without_going_through_them(monkeypatch):
    data = long_gif(50_000)
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile._seek", _no_more_than(2))
    assert count_frames(data) == 50_000


def _no_more_than(calls: int):
    """Pillow's own step to a frame, so many times."""
    step, made = GifImageFile._seek, []

    def limited(*args):
        made.append(args)
        assert len(made) <= calls, "goes through the frames"
        return step(*args)

    return limited


def test_reading_all_frames_goes_through_a_film_once(tmp_path, monkeypatch):
    """Once in each thread."""
    folder = put(tmp_path, {"a.gif": long_gif(300)})
    monkeypatch.setattr("dcgan.runtime.threads.cores", lambda: 2)
    source = open_source(folder, frames="all")
    monkeypatch.setattr("PIL.GifImagePlugin.GifImageFile._seek", _no_more_than(2 * 300 + 4))
    dataset = load_dataset(source, (4, 6), 3)
    assert dataset.images[:, 0, 0, 0].tolist() == [10] + [90] * 299


def colorful_gif(count: int) -> bytes:
    """With a long comment, and a table of colors for every frame."""
    random = np.random.default_rng(count)
    frames = [Image.fromarray(random.integers(0, 256, (9, 13, 3), np.uint8)) for _ in range(count)]
    buffer = BytesIO()
    options = {"append_images": frames[1:], "comment": b"x" * 700, "disposal": 2}
    frames[0].save(buffer, "GIF", save_all=True, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_gifs_are_counted_as_pillow_counts_them(count):
    data = colorful_gif(count)
    with Image.open(BytesIO(data)) as image:
        assert count_frames(data) == image.n_frames == count


def test_of_a_gif_that_is_cut_off_the_whole_frames_are_read(tmp_path):
    data = colorful_gif(7)
    folder = put(tmp_path, {"a.gif": data[: len(data) * 5 // 7]})
    source = open_source(folder, frames="all")
    whole = open_source(put(tmp_path / "whole", {"a.gif": data}), frames="all")
    assert len(source) in {5, 6}
    for index in range(len(source) - 1):
        assert source.read(index).tobytes() == whole.read(index).tobytes()
    with pytest.raises(UnreadableImage):
        source.read(len(source) - 1)


def test_frames_that_change_a_part_show_the_whole(tmp_path):
    """A GIF holds of each frame only what differs from the one before."""
    base = np.full((20, 20), 50, np.uint8)
    frames = []
    for place in range(3):
        pixels = base.copy()
        pixels[4 * place : 4 * place + 3, 2:5] = 200
        frames.append(pixels)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest)
    source = open_source(str(tmp_path), frames="all")
    for index, pixels in enumerate(frames):
        np.testing.assert_array_equal(to_channels(source.read(index), 1), pixels)


def test_labels_are_repeated_and_stills_stand_beside(tmp_path):
    files = {
        "cat/a.gif": animation("GIF", [1, 2, 3]),
        "cat/b.png": still(4),
        "dog/c.webp": animation("WEBP", [5, 6]),
        "dog/d.jpg": still(7, "JPEG"),
    }
    source = open_source(put(tmp_path, files), frames="all")
    assert titles(source) == [
        "cat/a.gif frame 0",
        "cat/a.gif frame 1",
        "cat/a.gif frame 2",
        "cat/b.png",
        "dog/c.webp frame 0",
        "dog/c.webp frame 1",
        "dog/d.jpg",
    ]
    assert source.labels["label"].values.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert source.labels["label"].names == ("cat", "dog")
    np.testing.assert_allclose(tones(source), [1, 2, 3, 4, 5, 6, 7], atol=3)


def test_a_broken_image_is_one_unreadable_one(tmp_path):
    files = {
        "a.gif": animation("GIF", [10, 20]),
        "b.gif": b"GIF89a and no more",
        "c.png": b"",
        "d.gif": animation("GIF", [30, 40]),
    }
    source = open_source(put(tmp_path, files), frames="all")
    assert titles(source)[2:4] == ["b.gif", "c.png"]
    dataset = load_dataset(source, (16, 16), 3, max_unreadable=0.5)
    assert [one.title for one in dataset.skipped] == ["b.gif", "c.png"]
    assert dataset.images[:, 0, 8, 8].tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize("kind", KINDS)
def test_an_animation_cut_off_anywhere_gives_frames_or_reasons(tmp_path, kind):
    whole = animation(kind, [10, 90, 200], (30, 20))
    path = tmp_path / f"a.{KINDS[kind][0]}"
    for length in range(1, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        source = open_source(str(tmp_path), frames="all")
        assert 1 <= len(source) <= 3
        for index in range(len(source)):
            try:
                frame = source.read(index)
            except UnreadableImage:
                continue
            assert frame.size == (30, 20)


def test_a_image_that_vanishes_while_frames_are_counted_is_named(tmp_path):
    source = open_source(put(tmp_path, {"a.png": still(1), "b.gif": animation("GIF", [2, 3])}))
    (tmp_path / "b.gif").unlink()
    from dcgan.data.sources.frames import FramesSource

    frames = FramesSource(source)
    assert titles(frames) == ["a.png", "b.gif"]
    with pytest.raises(UnreadableImage, match="No such file"):
        frames.read(1)


def test_frames_of_a_zip_are_read_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.gif", animation("GIF", [10, 20]))
        archive.writestr("b.png", still(30))
    assert tones(open_source(str(tmp_path / "a.zip"), frames="all")) == [10, 20, 30]


def test_the_stamp_tells_frames_from_images_and_changes_with_them(tmp_path):
    folder = put(tmp_path, {"a.gif": animation("GIF", [10, 20])})
    first, every = open_source(folder), open_source(folder, frames="all")
    before = every.stamp()
    assert first.stamp() != before == open_source(folder, frames="all").stamp()
    put(tmp_path, {"a.gif": animation("GIF", [10, 20, 30])})
    assert before != open_source(folder, frames="all").stamp()


def test_what_is_no_encoded_source_stays_as_it_is(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 4, 4), np.uint8))
    assert len(open_source(str(tmp_path / "a.npy"), frames="all")) == 3


def test_a_folder_without_images_is_refused_with_frames_too(tmp_path):
    with pytest.raises(DataError, match="holds no image"):
        open_source(str(tmp_path), frames="all")
