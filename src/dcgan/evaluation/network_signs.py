"""Vital signs of the networks themselves, from one batch of probes; they change nothing.

B batch · Z latent · C channels
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@torch.no_grad()
def network_signs(
    generator: Generator, discriminator: Discriminator, latent_BZ: Tensor, batch: int
) -> dict[str, float]:
    """Signs of trouble inside the networks.

    Parameters
    ----------
    generator : Generator
        In evaluation mode, with its final statistics.
    discriminator : Discriminator
        In either mode; it is left as it is.
    latent_BZ : Tensor
    batch : int
        Images of a training step, at most B.

    Returns
    -------
    dict of str to float
        ``dead_generator``, ``dead_discriminator``: share of the channels after a ReLU that are 0
        for all images and positions; absent without ReLU. ``batch_norm_gap``: the standard
        deviation of the difference between images made with the final batch statistics and images
        made with those of a batch, as in training, divided by that of the pixels; absent without
        batch norm.
    """
    signs: dict[str, float] = {}
    with _dead_channels(generator) as dead:
        image_BCHW = generator(latent_BZ)
    signs |= _share("dead_generator", dead)
    if any(isinstance(module, _BATCH_NORMS) for module in generator.modules()):
        count = len(latent_BZ) // batch * batch
        with _statistics_of_the_batch(generator):
            parts = [generator(part_bZ) for part_bZ in torch.split(latent_BZ[:count], batch)]
        gap = (torch.cat(parts) - image_BCHW[:count]).std() / image_BCHW.std().clamp(min=1e-6)
        signs["batch_norm_gap"] = float(gap)
    was_training = discriminator.training
    discriminator.eval()
    try:
        with _dead_channels(discriminator) as dead:
            discriminator.features(image_BCHW)
    finally:
        discriminator.train(was_training)
    return signs | _share("dead_discriminator", dead)


def _share(name: str, dead: list[Tensor]) -> dict[str, float]:
    return {name: float(torch.cat(dead).float().mean())} if dead else {}


@contextmanager
def _dead_channels(network: nn.Module) -> Iterator[list[Tensor]]:
    """Collect for each ReLU which of its channels (C,) are 0 everywhere."""
    found: list[Tensor] = []

    def note(module: nn.Module, inputs: object, output: Tensor) -> None:
        del module, inputs
        found.append((output == 0).transpose(0, 1).flatten(1).all(dim=1))

    handles = [
        module.register_forward_hook(note)
        for module in network.modules()
        if isinstance(module, nn.ReLU)
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _statistics_of_the_batch(network: nn.Module) -> Iterator[None]:
    """Let batch norm use the statistics of the batch, and keep its running statistics."""
    norms = [module for module in network.modules() if isinstance(module, _BATCH_NORMS)]
    tracked = [module.track_running_stats for module in norms]
    kept = [(module.running_mean, module.running_var) for module in norms]
    try:
        for module in norms:
            module.running_mean = module.running_var = None
        yield
    finally:
        for module, (mean, var), tracks in zip(norms, kept, tracked, strict=True):
            module.running_mean, module.running_var = mean, var
            module.track_running_stats = tracks
