"""Batch norm over the whole batch of several processes.

B images of this process · C channels · F, H, W
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from dcgan.runtime.ranks import Ranks


class _Synchronized(_BatchNorm):
    """Makes PyTorch's batch norms use the moments of all shares of a batch in training.

    With mean μ_p and variance v_p of each share, all of one size, the whole has mean
    μ = Σ μ_p / P and variance Σ (v_p + (μ_p - μ)²) / P (Chan et al. 1979).
    """

    ranks = Ranks()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.ranks.size == 1:
            normalized: Tensor = super().forward(x)
            return normalized
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [1, -1] + [1] * (x.dim() - 2)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        variance_C, mean_C = torch.var_mean(values, axes, unbiased=False)
        mean_of_all_C = self.ranks.sum(mean_C) / self.ranks.size
        spread_C = variance_C + (mean_C - mean_of_all_C).square()
        variance_of_all_C = self.ranks.sum(spread_C) / self.ranks.size
        self._follow(mean_of_all_C, variance_of_all_C, self.ranks.size * x.numel() // x.shape[1])
        scale_C = self.weight * torch.rsqrt(variance_of_all_C + self.eps)
        shift_C = self.bias - mean_of_all_C * scale_C
        return (values * scale_C.view(shape) + shift_C.view(shape)).to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean_C: Tensor, variance_C: Tensor, count: int) -> None:
        """Update running statistics as PyTorch does, with the unbiased variance."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean_C, self.momentum)
        self.running_var.lerp_(variance_C * count / max(1, count - 1), self.momentum)


class SynchronizedBatchNorm1d(_Synchronized, nn.BatchNorm1d):
    """Shape: (B, F) → (B, F)."""


class SynchronizedBatchNorm2d(_Synchronized, nn.BatchNorm2d):
    """Shape: (B, C, H, W) → (B, C, H, W)."""


def synchronize_batch_norm(network: nn.Module, ranks: Ranks) -> None:
    """Make a network's batch norms use the moments of all processes; weights stay."""
    for module in network.modules():
        if ranks.size > 1 and type(module) is nn.BatchNorm1d:
            module.__class__ = SynchronizedBatchNorm1d
        elif ranks.size > 1 and type(module) is nn.BatchNorm2d:
            module.__class__ = SynchronizedBatchNorm2d
        if isinstance(module, _Synchronized):
            module.ranks = ranks
