"""Batch norm's running statistics, estimated again for the weights of the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace

_BATCH = 64
_BATCHES = 8
"""512 latents give each batch norm statistic over at least 512 values."""

STATISTICS_IMAGES = _BATCH * _BATCHES
"""Images that :func:`reestimate_batch_norm` generates."""


@contextmanager
def averaging_batch_norm(network: nn.Module) -> Iterator[bool]:
    """Make every batch norm's running statistics the plain averages over the batches of the block.

    They are the averages of each batch's mean and unbiased variance; earlier statistics are
    forgotten. Afterwards the norms have their momentum again, and are in evaluation mode. All other
    layers keep their mode.

    Yields
    ------
    bool
        Whether there is any batch norm; without, no batch is needed.
    """
    norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
        norm.train()
    try:
        yield bool(norms)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()


@torch.no_grad()
def reestimate_batch_norm(generator: Generator, latent: LatentSpace, seed: int) -> None:
    """Set every batch norm's running statistics to plain averages over 512 latents of a seed."""
    device = next(generator.parameters()).device
    with averaging_batch_norm(generator) as is_needed:
        for batch in range(_BATCHES if is_needed else 0):
            generator(latent.numbered(seed, batch * _BATCH, (batch + 1) * _BATCH).to(device))
