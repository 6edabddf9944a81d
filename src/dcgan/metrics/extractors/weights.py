"""Networks whose weights are the same numbers on every machine and in every PyTorch version."""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import TypeVar

import numpy as np
import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def without_weights(make: Callable[[], Network]) -> Network:
    """A network on the CPU whose tensors hold anything, until they are set.

    PyTorch's layers draw their first weights from the global generator, which belongs to the
    training that is being measured: an extractor made meanwhile must not change its course.
    """
    with torch.device("meta"):
        network = make()
    return network.to_empty(device="cpu")


def he_weights(network: nn.Module, random: np.random.Generator) -> None:
    """Set all weights in place: convolutions and linear layers from N(0, 2 / fan-in).

    That is what ReLUs need to pass on as much as they get (He et al. 2015, arXiv:1502.01852, eq.
    10). Biases are zero, and batch norm changes nothing yet.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            shape = tuple(module.weight.shape)
            drawn = random.standard_normal(shape, np.float32) * sqrt(2 / prod(shape[1:]))
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(drawn))
                if module.bias is not None:
                    module.bias.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
