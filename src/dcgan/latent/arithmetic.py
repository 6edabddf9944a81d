"""Latent arithmetic: adding and subtracting mean latents (Radford et al. 2016, section 6.3.1).

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
from dcgan.evaluation.nearest import nearest_row
from dcgan.latent.choice import Choice
from dcgan.latent.labeling import Reader
from dcgan.latent.noise import from_normal, to_normal
from dcgan.latent.points import is_point, latents_of
from dcgan.models.latents import LatentSpace
from dcgan.render.equation import Column, equation
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked

EXEMPLARS = 3
"""As in the paper, where sums of single exemplars were unstable."""

SPREAD = 0.25
"""Neighbors get uniform noise of this size, as in the paper."""

_GRAY = 127.5
"""The middle of the range of pixels."""

_NOTHING = 1e-9
"""Shares of classes below this are rounding errors."""

_MOST_EXEMPLARS = 100
_LEAST_PROBABILITY = 0.9
_SEARCHED = 2048


@dataclass(frozen=True)
class Concept:
    """A concept: exemplars whose mean is added or subtracted.

    Parameters
    ----------
    sign : {1, -1}
    name : str
    points : tuple of str
        Names of the exemplars, see :func:`dcgan.latent.points.latent_of`.
    latent_KZ : Tensor
    """

    sign: Literal[1, -1]
    name: str
    points: tuple[str, ...]
    latent_KZ: Tensor


@checked
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
    """Concepts by sample numbers, such as ``3,17,40``, or by class, such as ``shape=circle``.

    Parameters
    ----------
    run : Run
    plus, minus : sequence of str
        In the result, the first of ``plus`` comes first, then all of ``minus``, then the others.
    choice : Choice
    reader : Reader
        Finds the exemplars of a class: the first samples with a probability above 0.9.
    exemplars : int
        Samples for each class.

    Raises
    ------
    ConfigError
        Empty ``plus``, no such number or class, or too few samples of a class among 2,048.
    """
    if not plus:
        raise ConfigError("plus", list(plus), "at least one concept is needed, such as 3,17,40")
    if not 1 <= exemplars <= _MOST_EXEMPLARS:
        raise ConfigError("exemplars", exemplars, f"must be 1 to {_MOST_EXEMPLARS}")
    asked: list[tuple[Literal[1, -1], str]] = [
        (1, plus[0]),
        *((-1, name) for name in minus),
        *((1, name) for name in plus[1:]),
    ]
    concepts = []
    for sign, name in asked:
        words = tuple(word.strip() for word in name.split(","))
        if not any(is_point(run, word) for word in words):
            words = _exemplars(run, name, choice, reader, exemplars)
        concepts.append(Concept(sign, name, words, latents_of(run, words, choice)))
    return concepts


def _exemplars(run: Run, name: str, choice: Choice, reader: Reader, count: int) -> tuple[str, ...]:
    conditions = reader.conditions(name)
    found: list[int] = []
    for start in range(0, _SEARCHED, 256):
        images = run.generate(choice.latents(run, start, start + 256))
        shows_N = reader.agreement(images, conditions) > _LEAST_PROBABILITY
        found += [start + int(number) for number in np.flatnonzero(shows_N)]
        if len(found) >= count:
            return tuple(str(number) for number in found[:count])
    raise ConfigError(
        "concept",
        name,
        f"only {len(found)} of {_SEARCHED:,} samples show it. Use another `seed`, fewer"
        " `exemplars`, or sample numbers",
    )


def combine(space: LatentSpace, concepts: Sequence[Concept], *, rescale: bool = True) -> Tensor:
    """The sum of the concepts' means, (Z,).

    Classes and values of categorical codes with a negative share are left out. The other shares are
    scaled to a sum of 1, as in training. If none is positive, the shares are those of the added
    concepts.

    Parameters
    ----------
    space : LatentSpace
    concepts : sequence of Concept
    rescale : bool
        Scale the noise of the sum to the length of a random latent. The mean of k normal latents
        has a variance of 1/k, so the sum is divided by the root of its coefficients' sum of
        squares. Its direction stays.
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
        # a latent in several concepts has one coefficient: the sum of its weights
        _, place_N = torch.unique(latent_NZ, dim=0, return_inverse=True)
        coefficients = torch.zeros(len(latent_NZ), dtype=torch.float64).index_add(
            0, place_N, weight_N
        )
        noise_D = noise_D / coefficients.norm().clamp_min(1e-6)
    sum_Z = weight_N @ latent_NZ.double()
    added_Z = weight_N.clamp_min(0) @ latent_NZ.double()
    for place in (space.class_slice, *space.categorical_slices):
        share = sum_Z[place].clamp_min(0)
        share = share if share.sum() > _NOTHING else added_Z[place]
        sum_Z[place] = share / share.sum().clamp_min(_NOTHING)
    return from_normal(space, noise_D[None].float(), sum_Z[None, space.dim :].float())[0]


@checked
@isolated()
def neighbors(
    space: LatentSpace, latent_Z: Tensor, *, count: int = 8, spread: float = SPREAD, seed: int = 0
) -> Tensor:
    """Latents around a latent: its noise plus uniform noise within ± ``spread``, (count, Z)."""
    own = derived_seed(seed, "neighbours")  # independent of the latents of ``seed``
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

    With ``beside``, it shows the nearest of its images to the sum.
    """
    space = run.networks.latent
    result_Z = combine(space, concepts, rescale=rescale)
    around = neighbors(space, result_Z, seed=seed)
    exemplars = [run.generate(concept.latent_KZ) for concept in concepts]
    columns = [
        Column(
            "+" if concept.sign > 0 else "-",
            concept.name,
            images,
            run.generate(combine(space, [replace(concept, sign=1)], rescale=rescale)[None])[0],
        )
        for concept, images in zip(concepts, exemplars, strict=True)
    ]
    results = run.generate(torch.cat([around[:4], result_Z[None], around[4:]]))
    control = in_pixels(exemplars, [concept.sign for concept in concepts])
    if beside is None:
        return equation(columns, results, control)
    nearest, (caption,) = nearest_row(beside, results[4:5])
    return equation(columns, results, control, (nearest[0], caption))


def in_pixels(images: Sequence[NDArray[np.uint8]], signs: Sequence[int]) -> NDArray[np.uint8]:
    """The control: the same sum of the exemplars' pixels, in [-1, 1] and clipped there.

    Parameters
    ----------
    images : sequence of uint8 (K, C, H, W)
        Concept by concept.
    signs : sequence of int

    Returns
    -------
    uint8 (C, H, W)
    """
    total = np.full(images[0].shape[1:], _GRAY)
    for sign, image_KCHW in zip(signs, images, strict=True):
        total += sign * (image_KCHW.mean(axis=0, dtype=np.float64) - _GRAY)
    return total.round().clip(0, 255).astype(np.uint8)
