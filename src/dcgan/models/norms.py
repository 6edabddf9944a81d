"""The norms of a layer that act on activations.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PixelNorm(nn.Module):
    """Scale every pixel's feature vector to unit mean square: x / √(mean_c x² + ε).

    Karras et al. 2018 (arXiv:1710.10196), section 4.2. Takes (B, C, H, W) or (B, F).
    """

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def build_norm(name: str, shape: tuple[int, ...], *, eps: float, groups: int) -> nn.Module:
    """A norm as a module, with a weight and a bias except for pixel norm.

    Parameters
    ----------
    name : {"batch", "pixel", "group", "instance", "layer"}
        ``layer`` normalizes each image as a whole, with a weight and a bias for each of its numbers
        (Ba et al. 2016, arXiv:1607.06450); ``instance`` each channel of an image (Ulyanov et al.
        2016, arXiv:1607.08022); ``group`` each group of channels (Wu & He 2018, arXiv:1803.08494).
    shape : (C, H, W) or (F,)
        Of its input, without the batch axis.
    eps : float
        Added to the variance.
    groups : int
        Groups of channels of group norm.
    """
    match name:
        case "batch":
            kind = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
            return kind(shape[0], eps=eps)
        case "group":
            return nn.GroupNorm(groups, shape[0], eps=eps)
        case "instance":
            return nn.InstanceNorm2d(shape[0], eps=eps, affine=True)
        case "layer":
            return nn.LayerNorm(shape, eps=eps)
    return PixelNorm()
