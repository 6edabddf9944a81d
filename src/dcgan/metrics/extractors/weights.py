"""Networks whose weights are the same numbers on every machine and in every PyTorch version."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import TypeVar

import numpy as np
import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def with_any_weights(make: Callable[[], Network]) -> Network:
    """A network on the CPU whose weights are still to be set.

    PyTorch's layers initialize their weights with the global random generator. An extractor made
    during training must not change its state.
    """
    # to build it on "meta" would import SymPy, which takes longer than to draw weights
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        return make()


def he_weights(network: nn.Module, random: np.random.Generator) -> None:
    """Set all weights in place: convolutions and linear layers from N(0, 2 / fan-in).

    ReLUs then keep the variance (He et al. 2015, arXiv:1502.01852, eq. 10). Biases are zero, and
    batch norm is the identity at first.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            shape = tuple(module.weight.shape)
            weight = random.standard_normal(shape, np.float32) * sqrt(2 / prod(shape[1:]))
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(weight))
                if module.bias is not None:
                    module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
