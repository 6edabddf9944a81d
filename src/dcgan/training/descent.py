"""One optimizer step down the gradient of a loss, with the batch whole or in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dcgan.models.discriminator import Discriminator
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.training.rules import Batch, Statistics


def descend(
    loss_of: Callable[[Batch], tuple[Tensor, Statistics]],
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    *,
    parts: int = 1,
    clip: float | None = None,
    ranks: Ranks = ALONE,
) -> Statistics:
    """One step down the gradient of a loss, first scaled to a norm of at most ``clip``.

    In ``parts``, the gradients of the parts add up to that of the whole batch where no layer mixes
    images; only one part's activations are in memory at a time. With several processes, the
    gradient is the mean of theirs.

    Returns
    -------
    Statistics
        Their means over parts and processes.
    """
    optimizer.zero_grad(set_to_none=True)
    statistics: Statistics = {}
    for part in batch.parts(parts):
        loss, found = loss_of(part)
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
    """Compute no gradients of a module's weights: a third of the generator step's backward pass."""
    trained = [weight for weight in module.parameters() if weight.requires_grad]
    module.requires_grad_(False)
    try:
        yield
    finally:
        for weight in trained:  # not those that are frozen for good
            weight.requires_grad_(True)


def gradient_magnitudes(discriminator: Discriminator) -> tuple[list[str], Tensor]:
    """Mean and largest absolute gradient of each layer of D, from its last step.

    Returns
    -------
    (names, (2, layers) tensor on the device)
    """
    gradients = {
        name: weight.grad.abs()
        for name, weight in discriminator.layer_weights().items()
        if weight.grad is not None  # a frozen layer has none
    }
    means = torch.stack([gradient.mean() for gradient in gradients.values()])
    maxima = torch.stack([gradient.max() for gradient in gradients.values()])
    return list(gradients), torch.stack([means, maxima])
