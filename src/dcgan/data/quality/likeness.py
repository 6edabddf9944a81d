"""Whether images look like their classes.

N images · F numbers of a thumbnail
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

LOOKED_AT = (500, 5000)
"""From how many images to tell whether they look like their classes: at least, and at most."""

_SHUFFLES, _CHANCE = 1000, 0.05
"""Permutations; how often unrelated classes seem to say something."""


class Unlike(NamedTuple):
    """How often the nearest image has the same class, and how often by chance; 0 to 1."""

    same: float
    by_chance: float


def unlike_classes(thumbnail_NF: torch.Tensor, class_N: NDArray[np.integer]) -> Unlike | None:
    """That images do not look like their classes; None if they do, or if images are few.

    A permutation test of how often the nearest image, by its thumbnail, has the same class.
    """
    if len(class_N) < LOOKED_AT[0]:
        return None
    distance_NN = torch.cdist(thumbnail_NF, thumbnail_NF).fill_diagonal_(float("inf"))
    nearest_N = distance_NN.argmin(1).numpy()
    generator = np.random.default_rng(0)

    def agreement(shuffled_N: NDArray[np.integer]) -> float:
        return float((shuffled_N[nearest_N] == shuffled_N).mean())

    by_chance = [agreement(generator.permutation(class_N)) for _ in range(_SHUFFLES)]
    same = agreement(class_N)
    if same > np.quantile(by_chance, 1 - _CHANCE):
        return None
    return Unlike(same, float(np.mean(by_chance)))
