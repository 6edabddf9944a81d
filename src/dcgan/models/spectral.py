"""Spectral norm, weights put in from elsewhere, and networks without it for use after training.

O outputs of a layer · I numbers of its input
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import is_parametrized

from dcgan.models.table import Layer

_STORED = "parametrizations."

ORIGINAL = "parametrizations.weight.original"
"""The name of a weight under spectral norm, before the division."""

VECTORS = ("parametrizations.weight.0._u", "parametrizations.weight.0._v")

_ITERATIONS = 15
"""Of the power method, as when PyTorch creates a layer."""


@torch.no_grad()
def find_singular_vectors(module: nn.Module) -> None:
    """Let spectral norm find those of weights that were replaced."""
    for layer in module.modules():
        if is_parametrized(layer, "weight"):
            is_training = layer.training
            layer.train()
            for _ in range(_ITERATIONS):
                _ = layer.weight  # in training, reading is one step of the power method
            layer.train(is_training)


class _SpectralNorm(parametrizations._SpectralNorm):
    """PyTorch's, but with ``dot`` in place of ``vdot``, which older PyTorch does not have on MPS
    (pytorch/pytorch#141287)."""

    def forward(self, weight: Tensor) -> Tensor:
        weight_OI = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(weight_OI, self.n_power_iterations)
        # copies, since the power method changes them in place before a second backward pass
        u_O, v_I = self._u.clone(), self._v.clone()
        return weight / torch.dot(u_O, torch.mv(weight_OI, v_I))


def spectral_norm(layer: nn.Module) -> None:
    """Divide a layer's weight by an estimate of its largest singular value whenever it is used.

    Miyato et al. 2018 (arXiv:1802.05957), algorithm 1.
    """
    parametrizations.spectral_norm(layer)
    layer.get_submodule("parametrizations.weight.0").__class__ = _SpectralNorm


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
