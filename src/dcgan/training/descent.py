"""One optimiser step from losses that come one by one, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dcgan.models.discriminator import Discriminator
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.training.rules import Statistics


def descend(
    losses: Iterable[tuple[Tensor, Statistics]],
    optimizer: torch.optim.Optimizer,
    *,
    parts: int = 1,
    clip: float | None = None,
    ranks: Ranks = ALONE,
) -> Statistics:
    """One step down the gradient of the losses' mean, first brought to a norm of ``clip`` at most.

    Losses come one by one, so that each part's activations are gone before the next one's come.
    Where several processes train, the gradient is the mean of theirs.

    Returns
    -------
    Statistics
        The means of those that come with the losses.
    """
    optimizer.zero_grad(set_to_none=True)
    statistics: Statistics = {}
    for loss, found in losses:
        (loss / parts).backward()  # type: ignore[no-untyped-call]
        for name, value in found.items():
            statistics[name] = statistics[name] + value if name in statistics else value
    if parts > 1:
        statistics = {name: value / parts for name, value in statistics.items()}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    ranks.average_([*gradients, *statistics.values()])
    if clip is not None:
        nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
    return statistics


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Build no gradients for a module's weights: a third of the generator step's backward."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def gradient_magnitudes(discriminator: Discriminator) -> tuple[list[str], Tensor]:
    """Mean and greatest absolute gradient per layer of D, as left by its last step.

    Returns
    -------
    (names, (2, layers) tensor on the device)
    """
    weights = discriminator.layer_weights()
    gradients = [weight.grad.abs() for weight in weights.values() if weight.grad is not None]
    means = torch.stack([gradient.mean() for gradient in gradients])
    maxima = torch.stack([gradient.max() for gradient in gradients])
    return list(weights), torch.stack([means, maxima])
