"""Less memory for more time: the backward pass computes what is inside a layer again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from dcgan.models.blocks import Block


class RecomputedBlock(Block):
    """A layer of which only the input is kept until the backward pass.

    Chen et al. 2016 (arXiv:1604.06174). Gradients, also those of gradients, are the same; the same
    random numbers are used again, and running statistics are updated once.
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
    """Inside, batch norms do not update running statistics; entered once for each backward pass."""

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
    """Make every layer of a network a :class:`RecomputedBlock`; weights stay."""
    for module in network.modules():
        if type(module) is Block:
            module.__class__ = RecomputedBlock
