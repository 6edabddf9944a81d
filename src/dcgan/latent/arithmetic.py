"""Sums of concepts: mean latents added and subtracted (Radford et al. 2016, section 6.3.1).

K exemplars · Z numbers of a latent: D of noise, then classes and codes · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.labelling import Reader
from dcgan.latent.nearest import nearest_row
from dcgan.latent.noise import from_normal, to_normal
from dcgan.latent.points import is_point, latents_of
from dcgan.models.latents import LatentSpace
from dcgan.render.equation import Column, equation
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed

EXEMPLARS = 3
"""As many as in the paper, which found single ones unstable."""

SPREAD = 0.25
"""Of the noise that makes neighbours, as in the paper: uniform within plus or minus this."""

_MIDDLE = 127.5
"""Of a pixel's values."""

_MOST_EXEMPLARS = 100
_SURE = 0.9
_SEARCHED = 2048


@dataclass(frozen=True)
class Concept:
    """What some exemplars have in common.

    Parameters
    ----------
    sign : {1, -1}
    name : str
        As it was asked for.
    points : tuple of str
        The exemplars, see :func:`dcgan.latent.points.latent_of`.
    latent_KZ : Tensor
    """

    sign: Literal[1, -1]
    name: str
    points: tuple[str, ...]
    latent_KZ: Tensor


@isolated()
def open_concepts(
    run: Run,
    plus: Sequence[str],
    minus: Sequence[str],
    *,
    choice: Choice,
    reader: Reader,
    exemplars: int = EXEMPLARS,
) -> list[Concept]:
    """Concepts by their exemplars' numbers, ``3,17,40``, or by what these show, ``shape=circle``.

    Parameters
    ----------
    run : Run
    plus, minus : sequence of str
        The first of ``plus`` comes first, then all of ``minus``, then the others.
    choice : Choice
    reader : Reader
        For concepts that are classes: the first samples that it is more than 90 % sure of.
    exemplars : int
        How many of these.

    Raises
    ------
    ConfigError
        Nothing to add, no such number or class, or too few such samples among 2,048.
    """
    if not plus:
        raise ConfigError("plus", list(plus), "give at least one concept, such as --plus 3,17,40")
    if not 1 <= exemplars <= _MOST_EXEMPLARS:
        raise ConfigError("exemplars", exemplars, f"from 1 to {_MOST_EXEMPLARS}")
    asked: list[tuple[Literal[1, -1], str]] = [
        (1, plus[0]),
        *((-1, name) for name in minus),
        *((1, name) for name in plus[1:]),
    ]
    found = []
    for sign, name in asked:
        words = tuple(word.strip() for word in name.split(","))
        if not any(is_point(run, word) for word in words):
            words = _exemplars(run, name, choice, reader, exemplars)
        found.append(Concept(sign, name, words, latents_of(run, words, choice)))
    return found


def _exemplars(run: Run, asked: str, choice: Choice, reader: Reader, count: int) -> tuple[str, ...]:
    conditions = reader.conditions(asked)
    found: list[int] = []
    for start in range(0, _SEARCHED, 256):
        images = run.draw(choice.latents(run, start, start + 256))
        sure = np.flatnonzero(reader.agreement(images, conditions) > _SURE)
        found += [start + int(number) for number in sure]
        if len(found) >= count:
            return tuple(str(number) for number in found[:count])
    raise ConfigError(
        "concept",
        asked,
        f"only {len(found)} of {_SEARCHED:,} samples look like it; take another --seed, fewer"
        " --exemplars, or numbers",
    )


def combine(space: LatentSpace, concepts: Sequence[Concept], *, rescale: bool = True) -> Tensor:
    """The sum of the concepts' means, (Z,).

    Parameters
    ----------
    space : LatentSpace
    concepts : sequence of Concept
    rescale : bool
        Bring the noise to the length of a drawn one. A mean of k normal latents has a variance of
        1/k, so that three concepts of three come to 1 by themselves, and others do not: the sum is
        divided by the root of its coefficients' sum of squares. Its direction stays.
    """
    latent_NZ = torch.cat([concept.latent_KZ for concept in concepts])
    weight_N = torch.cat(
        [
            torch.full((len(one.latent_KZ),), one.sign / len(one.latent_KZ), dtype=torch.float64)
            for one in concepts
        ]
    )
    noise_D = weight_N @ to_normal(space, latent_NZ).double()
    if rescale:
        # a latent that stands in several concepts counts once, with its whole weight
        _, place_N = torch.unique(latent_NZ, dim=0, return_inverse=True)
        whole = torch.zeros(len(latent_NZ), dtype=torch.float64).index_add(0, place_N, weight_N)
        noise_D = noise_D / whole.norm().clamp_min(1e-6)
    beside_Z = weight_N @ latent_NZ[:, space.dim :].double()
    return from_normal(space, noise_D[None].float(), beside_Z[None].float())[0]


@isolated()
def neighbours(
    space: LatentSpace, latent_Z: Tensor, *, count: int = 8, spread: float = SPREAD, seed: int = 0
) -> Tensor:
    """A latent with noise uniform within ± ``spread`` added to its own, (count, Z)."""
    own = derived_seed(seed, "neighbours")  # whose numbers are nobody's latents
    drawn = LatentSpace(space.dim, "uniform").numbered(own, 0, count) * spread
    moved_BD = latent_Z[: space.dim] + drawn
    if space.distribution == "uniform":
        moved_BD = moved_BD.clamp(-1, 1)
    return torch.cat([moved_BD, latent_Z[space.dim :].expand(count, -1)], dim=1)


def figure(
    run: Run,
    concepts: Sequence[Concept],
    *,
    rescale: bool = True,
    seed: int = 0,
    beside: ImageDataset | None = None,
) -> Image.Image:
    """The paper's figure, see :func:`dcgan.render.equation.equation`.

    ``beside`` are pictures of which the one nearest to the sum is shown.
    """
    space = run.networks.latent
    result_Z = combine(space, concepts, rescale=rescale)
    around = neighbours(space, result_Z, seed=seed)
    shown = [run.draw(concept.latent_KZ) for concept in concepts]
    columns = [
        Column(
            "+" if concept.sign > 0 else "-",
            concept.name,
            images,
            run.draw(combine(space, [replace(concept, sign=1)], rescale=rescale)[None])[0],
        )
        for concept, images in zip(concepts, shown, strict=True)
    ]
    results = run.draw(torch.cat([around[:4], result_Z[None], around[4:]]))
    control = in_pixels(shown, [concept.sign for concept in concepts])
    if beside is None:
        return equation(columns, results, control)
    nearest, (caption,) = nearest_row(beside, results[4:5])
    return equation(columns, results, control, (nearest[0], caption))


def in_pixels(images: Sequence[NDArray[np.uint8]], signs: Sequence[int]) -> NDArray[np.uint8]:
    """The control: the same sum of the exemplars' pixels, taken from -1 to 1 and cut off there.

    Parameters
    ----------
    images : sequence of uint8 (K, C, H, W)
        Concept by concept.
    signs : sequence of int

    Returns
    -------
    uint8 (C, H, W)
    """
    total = np.full(images[0].shape[1:], _MIDDLE)
    for sign, image_KCHW in zip(signs, images, strict=True):
        total += sign * (image_KCHW.mean(axis=0, dtype=np.float64) - _MIDDLE)
    return total.round().clip(0, 255).astype(np.uint8)
