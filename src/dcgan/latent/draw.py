"""Write images as an animation or a sheet.

F frames · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data import ImageDataset
from dcgan.evaluation.nearest import nearest_row
from dcgan.render.animation import save_animation
from dcgan.render.outputs import refuse_film
from dcgan.render.sheet import SUFFIXES as SHEETS
from dcgan.render.sheet import Row, save_image, stacked
from dcgan.runtime.files import StrPath, expanded


def write_frames(
    frames_FCHW: NDArray[np.uint8],
    out: StrPath,
    *,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
    beside: ImageDataset | None = None,
    captions: Sequence[str] = (),
    columns: int | None = None,
) -> None:
    """Write an animation, or, as ``.png`` or ``.jpg``, one sheet of all frames.

    Parameters
    ----------
    frames_FCHW : uint8 (F, C, H, W)
    out : Path
    fps, side, smooth, loop
        See :func:`dcgan.render.animation.save_animation`. ``side`` and ``smooth`` apply to a sheet
        too; by default its images are enlarged to about 64 pixels.
    beside : ImageDataset, optional
        On a sheet, show the nearest of these images below each image.
    captions, columns
        Of a sheet: see :func:`samples_sheet`.

    Raises
    ------
    ConfigError
        Another suffix, neighbors in an animation, or ``fps`` or ``side`` out of range.
    """
    out = expanded(out)
    refuse_film(out, fps=fps, side=side, beside=beside is not None)
    if out.suffix.lower() in SHEETS:
        drawn = samples_sheet(
            frames_FCHW,
            columns=columns,
            captions=captions,
            side=side,
            smooth=smooth,
            beside=beside,
        )
        save_image(drawn, out)
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
    """One sheet of all images, if wanted with the nearest real image below each."""
    rows = [Row(images_NCHW, captions)]
    if beside is not None:
        rows.append(Row(*nearest_row(beside, images_NCHW)))
    return stacked(rows, columns, side=side, smooth=smooth)
