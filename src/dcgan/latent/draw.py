"""Images in sequence into a file.

F frames · C channels · H, W sides
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data import Pictures
from dcgan.errors import ConfigError
from dcgan.latent.nearest import with_nearest
from dcgan.render.animation import SUFFIXES, save_animation
from dcgan.render.sheet import save_image, sheet


def write_frames(
    frames_FCHW: NDArray[np.uint8],
    out: Path,
    *,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
    beside: Pictures | None = None,
) -> None:
    """A film, or as ``.png`` one sheet of them all.

    Parameters
    ----------
    frames_FCHW : uint8 (F, C, H, W)
    out : Path
    fps, side, smooth, loop
        Of a film, see :func:`dcgan.render.animation.save_animation`.
    beside : Pictures, optional
        On a sheet, show the nearest of these below each image.

    Raises
    ------
    ConfigError
        A suffix of neither, or neighbours in a film; ``fps`` or ``side`` out of bounds.
    """
    if out.suffix.lower() not in {".png", *SUFFIXES}:
        kinds = ", ".join(SUFFIXES)
        raise ConfigError("out", out.suffix, f"a film ends in {kinds}, a sheet in .png")
    refuse_beside(beside is not None, out)
    if not 0 < fps <= 100:
        raise ConfigError("fps", fps, "above 0, up to 100 frames per second")
    if side is not None and not 1 <= side <= 4096:
        raise ConfigError("side", side, "from 1 to 4096 pixels")
    if out.suffix.lower() == ".png":
        save_image(sheet(frames_FCHW) if beside is None else with_nearest(beside, frames_FCHW), out)
        return
    save_animation(frames_FCHW, out, fps=fps, side=side, smooth=smooth, loop=loop)


def refuse_beside(wanted: bool, out: Path) -> None:
    """Raise ConfigError for real neighbours that no sheet is there for."""
    if wanted and out.suffix.lower() != ".png":
        raise ConfigError("neighbours", out.suffix, "stand on a sheet; give a .png")
