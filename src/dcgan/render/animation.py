"""Pictures in sequence as a GIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from dcgan.runtime.files import written_whole

_LAST_FRAME_MS = 2000
"""The result stays long enough to look at before the loop begins again."""


def save_gif(frames: Sequence[Image.Image], path: Path, *, frame_ms: int = 120) -> None:
    """Write a looping GIF, whole or not at all; the last frame stays for two seconds.

    Parameters
    ----------
    frames : sequence of PIL.Image.Image
        At least one.
    frame_ms : int
        Milliseconds per frame.
    """
    # quantised beforehand: left to itself, Pillow's GIF writer is some 70 times slower, and its
    # grey frames come out more than twice as large
    palettes = [
        frame.convert("RGB").quantize(
            256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        for frame in frames
    ]
    durations = [frame_ms] * (len(palettes) - 1) + [_LAST_FRAME_MS]
    with written_whole(path) as unfinished:
        palettes[0].save(
            unfinished,
            format="GIF",
            save_all=True,
            append_images=palettes[1:],
            duration=durations,
            loop=0,
            optimize=False,
        )
