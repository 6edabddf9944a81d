"""How many images lie between two scores, from counted operations.

A measured time would differ between machines and starts. Counted operations depend only on networks
and settings, so that a seed gives the same scores, best checkpoint and early stop everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.config import RunConfig, with_settings
from dcgan.evaluation.vital_signs import MOST
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.models.amount import count_products
from dcgan.models.batch_norm import STATISTICS_IMAGES
from dcgan.runs.networks import Networks
from dcgan.runtime.work import work_of


class _Costs(NamedTuple):
    """Costs besides multiplications, in units of a network's multiplication in training."""

    layer: float
    """Of a layer for each image: norm, activation, the call itself."""
    extractor: float
    """Of a multiplication in a feature extractor, whose maps are large and have few channels."""
    distance: float
    """Of one distance between two sets of ``_WIDTH`` features, on the CPU; cubic in them."""


_WIDTH = 392
"""Features of the extractor ``random``, which vital signs are computed on."""

_COSTS = {
    "cpu": _Costs(layer=2e5, extractor=2.5, distance=8e8),
    "cuda": _Costs(layer=6e6, extractor=2.5, distance=6e11),
    "mps": _Costs(layer=1e6, extractor=2.5, distance=1e11),
}
"""For CPUs fitted to twelve networks (benchmarks/measure.md). For GPUs estimated: CUDA at
10^13 multiplications a second, MPS at 2 x 10^12."""


def resolve_interval(
    config: RunConfig, networks: Networks, extractor: Extractor, count: int, device: str
) -> RunConfig:
    """Fill ``metrics.every`` where it is ``auto``; parameters as of :func:`measuring_interval`."""
    if config.metrics.every != "auto":
        return config
    every = measuring_interval(config, networks, extractor, count, device)
    return with_settings(config, {"metrics": {"every": every}})


def measuring_interval(
    config: RunConfig, networks: Networks, extractor: Extractor, count: int, device: str
) -> int:
    """Images from one score to the next, so that scoring takes ``config.metrics.share``.

    Parameters
    ----------
    config : RunConfig
    networks : Networks
    extractor : Extractor
    count : int
        Generated images of one score.
    device : {"cpu", "cuda", "mps"}
        The kind of device that the run trains on.

    Returns
    -------
    int
        At least 1.
    """
    costs = _COSTS[device]
    latent_shape = networks.latent_shape or (networks.latent.width, 1, 1)
    of_generator = count_products(networks.generator, latent_shape)
    of_discriminator = count_products(networks.discriminator, networks.image_shape)
    of_generator += costs.layer * len(networks.generator)
    of_discriminator += costs.layer * len(networks.discriminator)
    # a backward pass costs two forward passes; the generator's step needs no gradients of D's
    # weights
    of_discriminator_step = of_generator + 6 * of_discriminator
    of_generator_step = 2 * of_generator + 2 * of_discriminator
    of_training = of_discriminator_step + of_generator_step / config.optim.discriminator_steps
    channels, height, width = networks.image_shape
    for_signs = random_extractor(channels, (height, width), device=extractor.device)
    products, features = _of_extractor(extractor, networks.image_shape)
    products_of_signs, _ = _of_extractor(for_signs, networks.image_shape)
    of_features = costs.extractor * (count * products + min(count, MOST) * products_of_signs)
    of_distance = costs.distance * (features / _WIDTH) ** 3
    of_measuring = (STATISTICS_IMAGES + count) * of_generator + of_features + of_distance
    images = of_measuring / of_training / config.metrics.share
    return max(1, int(images + 0.5))


def _of_extractor(extractor: Extractor, image_shape: tuple[int, int, int]) -> tuple[float, int]:
    """Multiplications of an extractor for one image, and its features."""
    # a whole batch, which every extractor takes
    pixel_BCHW = torch.zeros(
        extractor.batch, *image_shape, dtype=torch.uint8, device=extractor.device
    )
    found: list[Tensor] = []

    # with values, which a network of the user's own may need; and in this thread: others are not
    # counted
    @torch.no_grad()
    def forward() -> None:
        features = extractor.network(pixel_BCHW)
        found.append(features[0] if isinstance(features, tuple) else features)

    multiplications = work_of(forward).flops / 2  # it counts multiplications and additions
    return multiplications / extractor.batch, found[0].shape[1]
