"""Images to invert: reading them, their names, and the figure.

N images · C channels · H, W sides · Z numbers of a latent
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil
from unicodedata import normalize

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError
from dcgan.evaluation.nearest import nearest_row
from dcgan.evaluation.real_images import take
from dcgan.latent.choice import Choice
from dcgan.latent.noise import to_normal
from dcgan.latent.store import is_of_a_name, stored_images
from dcgan.models.latents import LatentSpace
from dcgan.render.sheet import Row, stacked
from dcgan.runs.dataset import read_files
from dcgan.runs.run import Run
from dcgan.runtime.files import expanded
from dcgan.runtime.run_names import is_portable_name

MOST = 64
"""Images at a time."""

_COLUMNS = 8

_SIDE = 128
"""Least width of an image on the figure, in pixels."""


def read_words(
    run: Run, words: Sequence[str], dataset: ImageDataset | None, kind: str
) -> tuple[list[str], NDArray[np.uint8]]:
    """The images that words on the command line mean, and a name for each.

    Parameters
    ----------
    run : Run
    words : sequence of str
        Files, or numbers of images in ``dataset``.
    dataset : ImageDataset, optional
        Needed for numbers.
    kind : str
        Image 17 of the dataset is named ``KIND-17``.

    Returns
    -------
    (list of str, uint8 (N, C, H, W))

    Raises
    ------
    ConfigError
        No such number, or more than 64 images.
    DataError
        A file that is missing or not an image.
    """
    if not 1 <= len(words) <= MOST:
        raise ConfigError("images", len(words), f"must be 1 to {MOST} images at a time")
    names: list[str] = []
    images, stored = [], stored_images(run)
    for word in words:
        if dataset is not None and word.isdecimal():
            if int(word) >= len(dataset):
                raise ConfigError("image", word, f"numbers are from 0 to {len(dataset) - 1:,}")
            images.append(take(dataset, np.array([int(word)])))
            name = f"{kind}-{word}"
        else:
            path = expanded(word)
            images.append(read_files(run.folder, run.networks, [path]))
            name = path.stem
        names.append(_distinct(_slug(name), names, stored))
    return names, np.concatenate(images)


def _slug(name: str) -> str:
    """A name that works as a file name and as an argument."""
    allowed = (sign if is_of_a_name(sign) else "-" for sign in normalize("NFC", name))
    plain = re.sub("-+", "-", "".join(allowed)).strip("-_.")
    if not plain[:1].isalnum():
        return f"image-{plain}".rstrip("-")
    is_taken = plain.isdigit() or not is_portable_name(plain)  # by samples, or by Windows
    return f"image-{plain}" if is_taken else plain


def _distinct(name: str, names: Sequence[str], stored: Sequence[str]) -> str:
    """A name that is neither one of ``names`` nor differs from a stored one in case alone.

    Windows and macOS ignore case in names of files. An equal stored name is replaced.
    """
    for number in range(2, len(names) + len(stored) + 2):
        others = [*names, *(one for one in stored if one != name)]
        if name.casefold() not in {one.casefold() for one in others}:
            return name
        name = f"{name.removesuffix(f'-{number - 1}')}-{number}"
    return name


def own_samples(run: Run, count: int, choice: Choice) -> tuple[Tensor, Tensor]:
    """Latents (N, Z) and their images, not rounded to 8 bits, (N, C, H, W) in [-1, 1]."""
    latent_NZ = choice.latents(run, 0, count)
    with torch.inference_mode():
        return latent_NZ, run.generator(latent_NZ.to(run.device)).cpu()


def relative_errors(space: LatentSpace, found_NZ: Tensor, true_NZ: Tensor) -> Tensor:
    """Length of the difference of the noise of two latents, relative to the true one, (N,)."""
    true_ND = to_normal(space, true_NZ)
    relative_N: Tensor = (to_normal(space, found_NZ) - true_ND).norm(dim=1) / true_ND.norm(dim=1)
    return relative_N


def figure(
    run: Run,
    names: Sequence[str],
    images_NCHW: NDArray[np.uint8],
    latent_NZ: Tensor,
    errors: Sequence[float],
    choice: Choice,
    beside: ImageDataset | None = None,
) -> Image.Image:
    """Images above their reconstructions, and, with moves, above the moved reconstructions.

    With ``beside``, the nearest of its images is shown below each reconstruction. Each row has a
    title. All images are at least 128 pixels wide.
    """
    inverted = run.generate(latent_NZ)
    title = "their reconstructions, and the pixel error (0 is exact, 1 is black for white)"
    rows = [
        Row(images_NCHW, names, "the images to invert"),
        Row(inverted, [f"{error:.3f}" for error in errors], title),
    ]
    if beside is not None:
        title = "the real images nearest to the reconstructions, and the difference of pixels"
        rows.append(Row(*nearest_row(beside, inverted), title))
    if choice.moves:
        moves = " ".join(f"{name} {by:+g}" for name, by in choice.moves.items())
        moved_NZ = choice.move(run, latent_NZ)
        rows.append(Row(run.generate(moved_NZ), title=f"the reconstructions, moved: {moves}"))
    *_, height, width = images_NCHW.shape
    side = max(height, width) * ceil(_SIDE / width)
    return stacked(rows, _COLUMNS, side=side)
