"""What is compared: the run's discriminator, and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, did_you_mean
from dcgan.probe.features import BATCH, FeatureMap, LayerFeatures, batches_of, with_statistics_of
from dcgan.probe.kmeans import KMeansFeatures
from dcgan.probe.labeled import recorded
from dcgan.runs.run import Run
from dcgan.runtime.rng import derived_seed
from dcgan.vocabulary import Initialization

METHODS = ("discriminator", "pixels", "untrained", "k-means", "supervised")
"""In the order of the table. The last is a network; all others are features for the SVM."""

_STATISTICS_IMAGES = 10_240
"""Training images, chosen at random, on which batch norm statistics are computed."""


@dataclass(frozen=True)
class Unlabeled:
    """Images that features may be learned from, without their classes."""

    run: Run
    dataset: ImageDataset
    index: NDArray[np.int64]
    seed: int
    device: torch.device


def checked_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """The chosen methods in the order of the table.

    Raises
    ------
    ConfigError
        An unknown method, or none.
    """
    for name in methods:
        if name not in METHODS:
            raise ConfigError("methods", name, did_you_mean(name, METHODS))
    if not methods:
        raise ConfigError("methods", "", f"at least one of {', '.join(METHODS)}")
    return tuple(name for name in METHODS if name in methods)


def features_of(method: str, seen: Unlabeled) -> FeatureMap:
    """The features of a method."""
    if method == "pixels":
        return Pixels(seen.dataset.shape)
    if method == "k-means":
        return KMeansFeatures(seen.dataset, seen.index, seen.seed, seen.device)
    discriminator, networks = seen.run.discriminator, seen.run.networks
    if method == "untrained":
        # the same table with new random weights of the run's initialization
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derived_seed(seen.seed, "untrained"))
            discriminator = networks.build_discriminator(initialization_of(seen.run))
    random = np.random.default_rng(derived_seed(seen.seed, "batch norm"))
    some = random.permutation(seen.index)[:_STATISTICS_IMAGES]
    # whole batches, if there is one: of a last one with a single image there may be no variance
    some = some[: len(some) // BATCH * BATCH or len(some)]
    ready = with_statistics_of(
        discriminator, batches_of(seen.dataset, some), networks.scale, seen.device
    )
    return LayerFeatures(ready, networks.discriminator, networks.scale)


def initialization_of(run: Run) -> Initialization:
    """The initialization of the run's discriminator."""
    stored = recorded(run, "model", "discriminator", "init", default="default")
    known: dict[str, Initialization] = {name: name for name in get_args(Initialization)}
    return known.get(str(stored), "default")


class Pixels:
    """Raw pixels, from 0 to 1."""

    about = "raw pixels"

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.count = shape[0] * shape[1] * shape[2]

    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        return pixel_BCHW.float().flatten(1) / 255
