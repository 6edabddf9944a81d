"""Pictures in sequence: GIF, animated WebP and MP4.

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
from dcgan.render.sheet import on_white, pillow_image
from dcgan.runtime.files import written_whole

SUFFIXES = (".gif", ".webp", ".mp4")
"""What a sequence can be written as."""

_LAST_FRAME_MS = 2000
"""The result stays long enough to look at before the loop begins again."""

_GIF_UNIT_MS = 10
"""GIF knows hundredths of a second."""

_MP4_QUALITY = 17
"""x264's constant rate factor: near what the eye tells from the original."""


def save_animation(
    frames_FCHW: NDArray[np.uint8],
    path: Path,
    *,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
) -> None:
    """Write frames as a film, whole or not at all; the suffix says of which kind.

    Parameters
    ----------
    frames_FCHW : uint8 (F, C, H, W)
        At least one.
    path : Path
        ``.gif`` (256 colours a frame), ``.webp`` (lossless) or ``.mp4`` (H.264; the extra
        ``media``).
    fps : float
        Frames per second; a GIF's are rounded to hundredths of a second a frame.
    side : int, optional
        Pixels of the longer side; default: enlarged by a whole factor to about 256.
    smooth : bool
        Enlarge smoothly (Lanczos); default: each pixel stays a square.
    loop : bool
        For ever, or once; an MP4 leaves that to who plays it.

    Raises
    ------
    ConfigError
        Another suffix.
    DcganError
        An MP4 without the library that writes it.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("out", path.suffix, f"a film ends in {', '.join(SUFFIXES)}")
    frames = [enlarged(frame, side, smooth=smooth) for frame in frames_FCHW]
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


def enlarged(
    image_CHW: NDArray[np.uint8], side: int | None = None, *, smooth: bool = False
) -> Image.Image:
    """One image, its longer side ``side`` pixels; default: a whole factor to about 256."""
    image = pillow_image(image_CHW)
    longer = max(image.size)
    factor = side / longer if side else max(1, round(256 / longer))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    if size == image.size:
        return image
    method = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    return image.resize(size, method)


def all_enlarged(
    images_NCHW: NDArray[np.uint8], side: int | None, *, smooth: bool
) -> NDArray[np.uint8]:
    """:func:`enlarged` for images of a sheet."""
    _, channels, *_ = images_NCHW.shape
    large = np.stack([np.asarray(enlarged(one, side, smooth=smooth)) for one in images_NCHW])
    return large[:, None] if channels == 1 else large.transpose(0, 3, 1, 2)


def save_gif(frames: Sequence[Image.Image], path: Path, *, frame_ms: int = 120) -> None:
    """Write a looping GIF, whole or not at all; the last frame stays for two seconds.

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
    # quantised beforehand: left to itself, Pillow's GIF writer is some 70 times slower, and its
    # grey frames come out more than twice as large
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
            f"{path}: MP4 needs a library that is not here; pip install 'dcgan[media]', or take"
            " .webp or .gif"
        ) from None
    # players want even sides, for colours at half the resolution
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
