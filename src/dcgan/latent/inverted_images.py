"""Pictures found in latent space: named, kept in the run, shown.

N pictures · C channels · H, W sides · Z numbers of a latent
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError
from dcgan.evaluation.real_images import take
from dcgan.latent.choice import Choice
from dcgan.latent.nearest import nearest_row
from dcgan.latent.noise import to_normal
from dcgan.models.latents import LatentSpace
from dcgan.render.sheet import stacked
from dcgan.runs.dataset import read_files
from dcgan.runs.run import Run

MOST = 64
"""Pictures at a time."""

_COLUMNS = 8


def read_words(
    run: Run, words: Sequence[str], dataset: ImageDataset | None, kind: str
) -> tuple[list[str], NDArray[np.uint8]]:
    """The pictures that words on the command line mean, and a name for each.

    Parameters
    ----------
    run : Run
    words : sequence of str
        Files, or numbers in ``pictures``.
    dataset : Pictures, optional
        Needed where there are numbers.
    kind : str
        What those are called: its 17th is named ``KIND-17``.

    Returns
    -------
    (list of str, uint8 (N, C, H, W))

    Raises
    ------
    ConfigError
        No such number, or too many at a time.
    DataError
        A file that is missing or no picture.
    """
    if not 1 <= len(words) <= MOST:
        raise ConfigError("pictures", len(words), f"from 1 to {MOST} at a time")
    names: list[str] = []
    found = []
    for word in words:
        if dataset is not None and word.isdecimal():
            if int(word) >= len(dataset):
                raise ConfigError("picture", word, f"numbers go from 0 to {len(dataset) - 1:,}")
            found.append(take(dataset, np.array([int(word)])))
            name = f"{kind}-{word}"
        else:
            found.append(read_files(run.folder, run.networks, [Path(word)]))
            name = Path(word).stem
        names.append(_distinct(_slug(name), names))
    return names, np.concatenate(found)


def _slug(name: str) -> str:
    """A name that a file and a word on the command line can bear."""
    plain = re.sub(r"[^\w.]+", "-", normalize("NFC", name)).strip("-_.") or "picture"
    return f"picture-{plain}" if plain.isdigit() else plain


def _distinct(name: str, names: Sequence[str]) -> str:
    for number in range(2, len(names) + 2):
        if name not in names:
            return name
        name = f"{name.removesuffix(f'-{number - 1}')}-{number}"
    return name


def own_samples(run: Run, count: int, choice: Choice) -> tuple[Tensor, Tensor]:
    """Latents (N, Z) and what the generator draws of them, not rounded, (N, C, H, W)."""
    latent_NZ = choice.latents(run, 0, count)
    with torch.inference_mode():
        return latent_NZ, run.generator(latent_NZ.to(run.device)).cpu()


def relative_errors(space: LatentSpace, found_NZ: Tensor, true_NZ: Tensor) -> Tensor:
    """Length of the difference of two latents' noise, as part of that of the true one, (N,)."""
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
    """Pictures, below each what was found, and below that what it becomes where it is moved.

    ``beside`` are pictures of which the nearest stands below what was found.
    """
    found = run.draw(latent_NZ)
    rows = [(images_NCHW, names), (found, [f"{error:.3f}" for error in errors])]
    if beside is not None:
        rows.append(nearest_row(beside, found))
    if choice.moves:
        moves = " ".join(f"{name} {by:+g}" for name, by in choice.moves.items())
        moved_NZ = choice.move(run, latent_NZ)
        rows.append((run.draw(moved_NZ), [moves, *[""] * (len(names) - 1)]))
    return stacked(rows, min(_COLUMNS, len(names)))
