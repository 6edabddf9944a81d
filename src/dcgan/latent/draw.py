"""Images in sequence into a file.

F frames · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError
from dcgan.latent.nearest import nearest_row
from dcgan.render.animation import SUFFIXES, all_enlarged, save_animation
from dcgan.render.sheet import SUFFIXES as SHEETS
from dcgan.render.sheet import save_image, sheet, stacked
from dcgan.runtime.files import StrPath


def write_frames(
    frames_FCHW: NDArray[np.uint8],
    out: StrPath,
    *,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
    beside: ImageDataset | None = None,
) -> None:
    """A film, or as ``.png`` one sheet of them all.

    Parameters
    ----------
    frames_FCHW : uint8 (F, C, H, W)
    out : Path
    fps, side, smooth, loop
        See :func:`dcgan.render.animation.save_animation`; of a sheet's images, too, ``side`` and
        ``smooth``, which else are enlarged to about 64 pixels.
    beside : Pictures, optional
        On a sheet, show the nearest of these below each image.

    Raises
    ------
    ConfigError
        A suffix of neither, or neighbours in a film; ``fps`` or ``side`` out of bounds.
    """
    out = Path(out)
    refuse_film(out, fps=fps, side=side, beside=beside is not None)
    if out.suffix.lower() in SHEETS:
        save_image(samples_sheet(frames_FCHW, side=side, smooth=smooth, beside=beside), out)
        return
    save_animation(frames_FCHW, out, fps=fps, side=side, smooth=smooth, loop=loop)


def samples_sheet(
    images_NCHW: NDArray[np.uint8],
    *,
    columns: int | None = None,
    captions: Sequence[str] = (),
    side: int | None = None,
    smooth: bool = False,
    beside: ImageDataset | None = None,
) -> Image.Image:
    """All on one sheet, where wanted with the nearest real picture and its distance below each;
    enlarged as in a film where that is asked for."""
    rows = [(images_NCHW, list(captions) or [""] * len(images_NCHW))]
    if beside is not None:
        rows.append(nearest_row(beside, images_NCHW))
    enlarge = None
    if side is not None or smooth:
        rows = [(all_enlarged(images, side, smooth=smooth), texts) for images, texts in rows]
        enlarge = 1
    if beside is None:
        return sheet(rows[0][0], columns=columns, enlarge=enlarge, captions=captions)
    return stacked(rows, columns, enlarge=enlarge)


def refuse_film(out: Path, *, fps: float, side: int | None, beside: bool) -> None:
    """Raise ConfigError for what no film or sheet can be; better before it is drawn."""
    if out.suffix.lower() not in {*SHEETS, *SUFFIXES}:
        films, sheets = ", ".join(SUFFIXES), ", ".join(SHEETS)
        raise ConfigError("out", out.suffix, f"a film ends in {films}, a sheet in {sheets}")
    refuse_beside(beside, out)
    if not 0.1 <= fps <= 100:
        raise ConfigError("fps", fps, "from 0.1 to 100 frames per second")
    if side is not None and not 1 <= side <= 4096:
        raise ConfigError("side", side, "from 1 to 4096 pixels")


def refuse_beside(wanted: bool, out: Path) -> None:
    """Raise ConfigError for real neighbours that no sheet is there for."""
    if wanted and out.suffix.lower() not in SHEETS:
        raise ConfigError("neighbours", out.suffix, "stand on a sheet; give a .png")
