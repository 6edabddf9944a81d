"""Show a direction: the same samples, moved along it by several amounts.

R samples · A amounts · F frames · C channels · H, W sides · Z numbers of a latent
"""

from __future__ import annotations

from math import pi, sin

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.directions import Direction, moved
from dcgan.latent.draw import samples_sheet, write_frames
from dcgan.render.outputs import refuse_film
from dcgan.render.sheet import SUFFIXES, save_image
from dcgan.runs.run import Run
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated

_ROWS, _COLUMNS = 6, 7
_FILMED = 3
"""Rows and columns of samples in an animation."""

_FRAMES = 48
_FARTHEST = 10.0


@isolated()
def write_sweep(
    run: Run,
    direction: Direction,
    choice: Choice,
    out: StrPath,
    *,
    most: float = 3.0,
    fps: float = 20.0,
    side: int | None = None,
    smooth: bool = False,
    loop: bool = True,
    beside: ImageDataset | None = None,
) -> None:
    """Write a sheet with a row for each sample, or an animation of nine samples.

    Parameters
    ----------
    run : Run
    direction : Direction
    choice : Choice
    out : Path
    most : float
        Standard deviations at both ends.
    fps, side, smooth, loop
        As for :func:`dcgan.latent.draw.write_frames`.
    beside : ImageDataset, optional
        On a sheet, show the nearest of these images below each image.

    Raises
    ------
    ConfigError
        See :func:`refuse_far`; neighbors in an animation.
    """
    refuse_far(most)
    out = expanded(out)
    refuse_film(out, fps=fps, side=side, beside=beside is not None)
    if out.suffix.lower() in SUFFIXES:
        amounts = [round(float(one), 2) for one in np.linspace(-most, most, _COLUMNS)]
        images = _moved_images(run, choice.latents(run, 0, _ROWS), direction, amounts)
        captions = [f"{amount:+g}" if amount else "0" for amount in amounts] * _ROWS
        flat = images.reshape(-1, *images.shape[2:])
        figure = samples_sheet(
            flat, columns=_COLUMNS, captions=captions, side=side, smooth=smooth, beside=beside
        )
        save_image(figure, out)
        return
    # there and back, slowest at the ends; the last frame continues into the first
    amounts = [most * sin(2 * pi * frame / _FRAMES) for frame in range(_FRAMES)]
    images = _moved_images(run, choice.latents(run, 0, _FILMED**2), direction, amounts)
    frames = np.stack([_tiled(images[:, frame], _FILMED) for frame in range(_FRAMES)])
    write_frames(frames, out, fps=fps, side=side, smooth=smooth, loop=loop)


def refuse_far(most: float) -> None:
    """Raise ConfigError unless ``most`` is above 0 and at most 10 standard deviations."""
    if not 0 < most <= _FARTHEST:
        raise ConfigError(
            "most", most, f"must be above 0, and at most {_FARTHEST:g} standard deviations"
        )


def _moved_images(
    run: Run, latent_RZ: Tensor, direction: Direction, amounts: list[float]
) -> NDArray[np.uint8]:
    """Images (R, A, C, H, W)."""
    space = run.networks.latent
    every = [moved(space, latent_RZ, [(direction.vector_D, amount)]) for amount in amounts]
    images = run.generate(torch.stack(every, dim=1).flatten(0, 1))
    return images.reshape(len(latent_RZ), len(amounts), *images.shape[1:])


def _tiled(image_NCHW: NDArray[np.uint8], across: int) -> NDArray[np.uint8]:
    """Images edge to edge, (C, rows × H, across × W)."""
    _, channels, height, width = image_NCHW.shape
    grid = image_NCHW.reshape(-1, across, channels, height, width)
    return grid.transpose(2, 0, 3, 1, 4).reshape(channels, -1, across * width)
