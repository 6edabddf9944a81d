"""Batch norm's running statistics, taken anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def averaging_batch_norm(network: nn.Module) -> Iterator[bool]:
    """Make every batch norm's running statistics the plain averages over the batches shown inside.

    Of each batch's mean and its unbiased variance; what was gathered before is forgotten.
    Afterwards the norms have their momentum again, and are in evaluation mode. All other
    layers stay in the mode they are in.

    Yields
    ------
    bool
        Whether there is any batch norm; without, nothing needs to be shown.
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
