"""How many images to train on between two measurements, counted and not timed.

A time would differ from machine to machine, and from one start to the next. What is counted here
depends on the networks and the settings alone, so that a seed gives the same measurements, the same
best checkpoint and the same early stop everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from dcgan.config import RunConfig, with_settings
from dcgan.metrics.extractor import Extractor
from dcgan.models.batch_norm import STATISTICS_IMAGES
from dcgan.runs.networks import Networks


class _Costs(NamedTuple):
    """What arithmetic does not count, in multiplications of a network in training."""

    layer: float
    """What a layer costs for each image beside its products: norm, activation, the call itself."""
    extractor: float
    """How much longer a multiplication of a feature extractor takes: its maps are large and have
    few channels."""
    distance: float
    """One distance between two sets of ``_WIDTH`` features, on the processor; it grows with their
    number's cube."""


_WIDTH = 392
"""Features of the ``random`` extractor."""

_COSTS = {
    "cpu": _Costs(layer=2e5, extractor=2.5, distance=8e8),
    "cuda": _Costs(layer=6e6, extractor=2.5, distance=6e11),
    "mps": _Costs(layer=1e6, extractor=2.5, distance=1e11),
}
"""On processors fitted to twelve networks (benchmarks/measure.md). On GPUs estimated, not measured:
CUDA at 10^13 multiplications a second, MPS at 2 x 10^12."""


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
    """Images to train on from one measurement to the next, for ``config.metrics.share``.

    Parameters
    ----------
    config : RunConfig
    networks : Networks
    extractor : Extractor
    count : int
        Generated images of one measurement.
    device : {"cpu", "cuda", "mps"}
        The kind of device that the run trains on.

    Returns
    -------
    int
        At least 1.
    """
    costs = _COSTS[device]
    batch = 2 * config.model.discriminator.pack  # batch norm needs two of what is judged together
    with torch.device("meta"):  # shapes without values: counting takes no time and no memory
        generator, discriminator = networks.build_generator(), networks.build_discriminator()
        latent_BZ = torch.zeros(batch, networks.latent.width)
        image_BCHW = torch.zeros(batch, *networks.image_shape)
        of_generator = _products(lambda: generator(latent_BZ)) / batch
        of_discriminator = _products(lambda: discriminator(image_BCHW)) / batch
    of_generator += costs.layer * len(networks.generator)
    of_discriminator += costs.layer * len(networks.discriminator)
    # a backward pass costs two forward passes; the generator's step needs no gradients of D's
    # weights
    of_discriminator_step = of_generator + 6 * of_discriminator
    of_generator_step = 2 * of_generator + 2 * of_discriminator
    of_training = of_discriminator_step + of_generator_step / config.optim.discriminator_steps
    products, width = _of_extractor(extractor, networks.image_shape)
    of_features = costs.extractor * products
    of_distance = costs.distance * (width / _WIDTH) ** 3
    of_measuring = (STATISTICS_IMAGES + count) * of_generator + count * of_features + of_distance
    images = of_measuring / of_training / config.metrics.share
    return max(1, int(images + 0.5))


def _of_extractor(extractor: Extractor, image_shape: tuple[int, int, int]) -> tuple[float, int]:
    """Multiplications of an extractor for one image, and its features."""
    # by a whole batch, the only one that every extractor takes, and in this thread, as others are
    # not counted
    pixel_BCHW = torch.zeros(
        extractor.batch, *image_shape, dtype=torch.uint8, device=extractor.device
    )
    found: list[Tensor] = []

    @torch.inference_mode()
    def forward() -> None:
        features = extractor.network(pixel_BCHW)
        found.append(features[0] if isinstance(features, tuple) else features)

    return _products(forward) / extractor.batch, found[0].shape[1]


def _products(forward: Callable[[], object]) -> float:
    """Multiplications of a forward pass."""
    with FlopCounterMode(display=False) as counter:
        forward()
    return float(counter.get_total_flops()) / 2  # it counts multiplications and additions
