"""Networks without spectral norm, for use after training."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from dcgan.models.table import Layer

_STORED = "parametrizations."


@torch.no_grad()
def plain_weights(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network in which weights under spectral norm are already divided.

    Spectral norm stores W and two vectors u and v, and computes with W / (uᵀ W v) (Miyato et al.
    2018, arXiv:1802.05957, algorithm 1). In evaluation mode that is constant.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode; it is not changed.

    Returns
    -------
    dict of str to Tensor
        It fits a network of :func:`table_without_spectral_norm`.
    """
    found = {key: value for key, value in network.state_dict().items() if _STORED not in key}
    for name, module in network.named_modules():
        if is_parametrized(module, "weight"):
            weight: Tensor = module.weight
            found[f"{name}.weight"] = weight.detach().clone()
    return found


def table_without_spectral_norm(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layer table of the same network without spectral norm.

    >>> row = Layer(operation="linear", channels=1, norm="spectral")
    >>> table_without_spectral_norm((row,))[0].norm
    'none'
    """
    kept = [[name for name in layer.norms if name != "spectral"] for layer in layers]
    return tuple(
        replace(layer, norm="+".join(norms) or "none")
        for layer, norms in zip(layers, kept, strict=True)
    )
