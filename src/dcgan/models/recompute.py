"""Less memory for more time: what a row computes inside itself is not kept, but computed again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from dcgan.models.blocks import Block


class RecomputedBlock(Block):
    """A row of which only the input is held until the backward pass reaches it.

    Chen et al. 2016 (arXiv:1604.06174). Gradients, those of gradients too, are the same; random
    numbers are drawn again as they were, and running statistics move once.
    """

    def forward(self, x: Tensor) -> Tensor:
        row = super().forward
        out: Tensor
        if torch.is_grad_enabled():
            out = checkpoint(row, x, use_reentrant=False, context_fn=self._first_and_again)
        else:
            out = row(x)  # type: ignore[no-untyped-call]
        return out

    def _first_and_again(
        self,
    ) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _StatisticsStay(self)


class _StatisticsStay(AbstractContextManager[None]):
    """Within, batch norms do not follow their running statistics; entered again by each backward
    pass of those that a penalty takes."""

    def __init__(self, row: nn.Module) -> None:
        norms = [module for module in row.modules() if isinstance(module, _BatchNorm)]
        self._norms = [(norm, norm.momentum) for norm in norms]

    def __enter__(self) -> None:
        for norm, _ in self._norms:
            norm.momentum = 0.0

    def __exit__(self, *raised: object) -> None:
        for norm, momentum in self._norms:
            norm.momentum = momentum
            assert norm.num_batches_tracked is not None
            norm.num_batches_tracked -= 1


def recompute_rows(network: nn.Module) -> None:
    """Let every row of a network's table be computed again; weights stay."""
    for module in network.modules():
        if type(module) is Block:
            module.__class__ = RecomputedBlock
