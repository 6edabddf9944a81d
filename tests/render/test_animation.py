"""Animations: the frames in order, their times, and a loop without end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from dcgan.errors import ConfigError
from dcgan.render.animation import save_animation, save_gif

COLORS = [(200, 0, 0), (0, 150, 0), (0, 0, 250), (240, 240, 0)]


def flat(mode: str = "RGB") -> list[Image.Image]:
    """One frame of each color."""
    return [Image.new("RGB", (12, 8), color).convert(mode) for color in COLORS]


def read(path: Path) -> tuple[list[np.ndarray], list[int], int]:
    """Frames (H, W, 3), milliseconds, and how often it is repeated (0 is for ever)."""
    with Image.open(path) as gif:
        assert gif.format == "GIF"
        frames, times = [], []
        for frame in ImageSequence.Iterator(gif):
            times.append(frame.info["duration"])
            frames.append(np.asarray(frame.convert("RGB")))
        return frames, times, gif.info["loop"]


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
def test_the_frames_are_there_in_order(tmp_path, mode):
    save_gif(flat(mode), tmp_path / "a.gif")
    frames, _, _ = read(tmp_path / "a.gif")
    assert len(frames) == 4
    for frame, wanted in zip(frames, flat(mode), strict=True):
        np.testing.assert_array_equal(frame, wanted.convert("RGB"))


def test_it_loops_for_ever_and_stays_at_the_result(tmp_path):
    save_gif(flat(), tmp_path / "a.gif", frame_ms=80)
    _, times, loop = read(tmp_path / "a.gif")
    assert times == [80, 80, 80, 2000]
    assert loop == 0


def test_one_frame_is_an_animation_too(tmp_path):
    save_gif(flat()[:1], tmp_path / "a.gif")
    frames, _, _ = read(tmp_path / "a.gif")
    assert len(frames) == 1


def test_frames_of_many_colors_stay_recognizable(tmp_path):
    """A GIF has 256 colors."""
    down, across = np.mgrid[0:64, 0:64] * 4
    ramps = [np.stack([down, across, np.full_like(down, blue)], axis=2) for blue in (0, 128, 255)]
    frames = [Image.fromarray(ramp.astype(np.uint8)) for ramp in ramps]
    save_gif(frames, tmp_path / "a.gif")
    for frame, ramp in zip(read(tmp_path / "a.gif")[0], ramps, strict=True):
        assert abs(frame.astype(int) - ramp).mean() < 12


def test_an_older_animation_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"older")
    save_gif(flat(), path)
    assert len(read(path)[0]) == 4
    assert list(tmp_path.iterdir()) == [path]


FRAMES = np.stack(
    [np.broadcast_to(np.array(c, np.uint8)[:, None, None], (3, 8, 12)) for c in COLORS]
)
"""One frame of each color, (4, 3, 8, 12)."""


def frames_of(path: Path) -> list[np.ndarray]:
    """Frames (H, W, 3) of a GIF or WebP."""
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]


def mp4_frames(path: Path) -> tuple[list[np.ndarray], float]:
    """Frames (H, W, 3), and how many a second."""
    av = pytest.importorskip("av")
    with av.open(path) as container:
        rate = float(container.streams.video[0].average_rate)
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], rate


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_a_film_has_its_frames_in_order_at_its_size(tmp_path, name):
    save_animation(FRAMES, tmp_path / name, side=24)
    frames = frames_of(tmp_path / name)
    assert len(frames) == 4
    for frame, color in zip(frames, COLORS, strict=True):
        np.testing.assert_array_equal(frame, np.broadcast_to(color, (16, 24, 3)))


def test_an_mp4_has_its_frames_in_order_on_even_sides(tmp_path):
    save_animation(FRAMES[:, :, :7, :11], tmp_path / "a.mp4", side=33, fps=12.5)
    frames, rate = mp4_frames(tmp_path / "a.mp4")
    assert rate == 12.5
    assert len(frames) == 4
    for frame, color in zip(frames, COLORS, strict=True):
        assert frame.shape == (22, 34, 3)
        assert np.abs(frame[:18, :28].astype(int) - color).max() < 12


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.mp4"])
def test_gray_and_transparent_frames_make_films_too(tmp_path, name, channels):
    frames = np.full((3, channels, 8, 12), 200, np.uint8)
    frames[:, -1] = 255 if channels % 2 == 0 else 200
    save_animation(frames, tmp_path / name)
    found = mp4_frames(tmp_path / name)[0] if name.endswith("4") else frames_of(tmp_path / name)
    assert np.abs(found[0].astype(int) - 200).max() < 6


@pytest.mark.parametrize(("fps", "expected"), [(20, 50), (30, 30), (1000, 10)])
def test_a_gif_counts_hundredths_of_a_second(tmp_path, fps, expected):
    save_animation(FRAMES, tmp_path / "a.gif", fps=fps)
    assert read(tmp_path / "a.gif")[1] == [expected] * 4


def test_a_webp_counts_milliseconds(tmp_path):
    save_animation(FRAMES, tmp_path / "a.webp", fps=30)
    with Image.open(tmp_path / "a.webp") as film:
        times = []
        for number in range(4):
            film.seek(number)
            film.load()
            times.append(film.info["duration"])
    assert times == [33] * 4


@pytest.mark.parametrize(("loop", "expected"), [(True, 0), (False, None)])
def test_a_gif_is_repeated_for_ever_or_not_at_all(tmp_path, loop, expected):
    save_animation(FRAMES, tmp_path / "a.gif", loop=loop)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.info.get("loop") == expected


@pytest.mark.parametrize(("loop", "expected"), [(True, 0), (False, 1)])
def test_a_webp_is_repeated_for_ever_or_played_once(tmp_path, loop, expected):
    save_animation(FRAMES, tmp_path / "a.webp", loop=loop)
    with Image.open(tmp_path / "a.webp") as film:
        assert film.info["loop"] == expected


def test_small_frames_are_enlarged_by_a_whole_factor(tmp_path):
    save_animation(np.zeros((1, 1, 28, 20), np.uint8), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as film:
        assert film.size == (180, 252)


def test_another_suffix_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"\.gif, \.webp, \.mp4"):
        save_animation(FRAMES, tmp_path / "a.avi")


def test_an_interrupted_film_leaves_the_older_one(tmp_path, monkeypatch):
    path = tmp_path / "a.webp"
    path.write_bytes(b"older")
    monkeypatch.setattr(Image.Image, "save", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_animation(FRAMES, path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]
