"""Animations: the frames in order, their times, and a loop without end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from dcgan.render.animation import save_gif

COLOURS = [(200, 0, 0), (0, 150, 0), (0, 0, 250), (240, 240, 0)]


def flat(mode: str = "RGB") -> list[Image.Image]:
    """One frame of each colour."""
    return [Image.new("RGB", (12, 8), colour).convert(mode) for colour in COLOURS]


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


def test_frames_of_many_colours_stay_recognisable(tmp_path):
    """A GIF has 256 colours."""
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
