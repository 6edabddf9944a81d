"""Animations: GIF, animated WebP and MP4.

F frames · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.errors import ConfigError, DcganError
from dcgan.render.sheet import enlarged, on_white
from dcgan.runtime.files import written_whole
from dcgan.runtime.shell import install

SUFFIXES = (".gif", ".webp", ".mp4")
"""Suffixes of animations."""

_LAST_FRAME_MS = 2000
"""The last frame stays visible before the animation starts again."""

_GIF_UNIT_MS = 10
"""A GIF counts hundredths of a second."""

_MP4_QUALITY = 17
"""x264's constant rate factor; the loss is hardly visible."""

_SIDE = 256
"""Small frames are enlarged by a whole factor until their longer side is about this long."""


def save_animation(
    frames_FCHW: NDArray[np.uint8],
    path: Path,
    *,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
) -> None:
    """Write frames as an animation, atomically, in the format of the suffix.

    Parameters
    ----------
    frames_FCHW : uint8 (F, C, H, W)
        At least one.
    path : Path
        ``.gif`` (256 colors a frame), ``.webp`` (lossless) or ``.mp4`` (H.264; needs the extra
        ``media``).
    fps : float, default 20
        Frames per second. The duration of a GIF's frame is rounded to hundredths of a second.
    side : int, optional
        Pixels of the longer side; default: a whole factor to about 256.
    smooth : bool
        Enlarge smoothly (Lanczos); default: pixels stay squares.
    loop : bool
        Repeat without end, or play once. An MP4 does not store this.

    Raises
    ------
    ConfigError
        Another suffix.
    DcganError
        An MP4 without the library PyAV.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("out", path.suffix, f"must be a {', '.join(SUFFIXES)} file")
    frames = [enlarged(frame, side, smooth=smooth, about=_SIDE) for frame in frames_FCHW]
    if suffix == ".mp4":
        _save_mp4(frames, path, fps)
        return
    frame_ms = round(1000 / fps)
    if suffix == ".gif":
        frame_ms = max(_GIF_UNIT_MS, round(frame_ms / _GIF_UNIT_MS) * _GIF_UNIT_MS)
        _save_gif(frames, path, [frame_ms] * len(frames), loop=loop)
        return
    with written_whole(path) as unfinished:
        frames[0].save(
            unfinished,
            format="WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=frame_ms,
            loop=0 if loop else 1,
            lossless=True,
        )


def save_gif(frames: Sequence[Image.Image], path: Path, *, frame_ms: int = 120) -> None:
    """Write a looping GIF, atomically; its last frame stays for two seconds.

    Parameters
    ----------
    frames : sequence of PIL.Image.Image
        At least one.
    frame_ms : int
        Milliseconds per frame.
    """
    _save_gif(frames, path, [frame_ms] * (len(frames) - 1) + [_LAST_FRAME_MS], loop=True)


def _save_gif(
    frames: Sequence[Image.Image], path: Path, durations: Sequence[int], *, loop: bool
) -> None:
    # without this, Pillow's GIF writer is 70 times slower, and gray frames are twice as large
    palettes = [
        on_white(frame).quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        for frame in frames
    ]
    with written_whole(path) as unfinished:
        palettes[0].save(
            unfinished,
            format="GIF",
            save_all=True,
            append_images=palettes[1:],
            duration=list(durations),
            optimize=False,
            **({"loop": 0} if loop else {}),  # a GIF without the number is played once
        )


def _save_mp4(frames: Sequence[Image.Image], path: Path, fps: float) -> None:
    try:
        import av
    except ImportError:
        raise DcganError(
            f"{path}: MP4 needs PyAV, which is not installed. Run {install('media')}, or"
            " use .webp or .gif"
        ) from None
    # players need even sides: color has half the resolution
    width, height = (side + side % 2 for side in frames[0].size)
    with (
        written_whole(path) as unfinished,
        av.open(unfinished, "w", format="mp4") as container,
    ):
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(_MP4_QUALITY)}
        for frame in frames:
            paper = Image.new("RGB", (width, height), "#ffffff")
            paper.paste(frame.convert("RGBA"), (0, 0), frame.convert("RGBA"))
            shown = av.VideoFrame.from_ndarray(np.asarray(paper), format="rgb24")
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
