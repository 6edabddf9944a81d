"""Arrays without names → the state of a network, by the order and axes of each library.

I, O channels or features · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from dcgan.exchange.fitting import CURE, Misfit, Slot
from dcgan.runtime.wording import shape_text


@dataclass(frozen=True)
class Convention:
    """How a library orders and lays out the arrays of a layer.

    Every layer has its kernel, then its bias if it has one; batch norm has a scale, a shift, and
    perhaps a mean and a variance.

    Parameters
    ----------
    name : str
    kernels_last : bool
        Whether kernels are (H, W, ...), and features of a flattened image are in the order of
        (H, W, channels), as in TensorFlow.
    inputs_first : bool
        Whether matrices are (I, O); PyTorch's are (O, I).
    flips : bool
        Whether kernels are mirrored, as in a convolution in the sense of mathematics. PyTorch and
        TensorFlow compute cross-correlations.
    has_statistics : bool
        Whether arrays of batch norm include its running mean and variance.
    """

    name: str
    kernels_last: bool = False
    inputs_first: bool = False
    flips: bool = False
    has_statistics: bool = True

    def kernel(self, slot: Slot, array: Tensor) -> Tensor:
        """An array as PyTorch's weight of a layer."""
        if not isinstance(slot.module, nn.Linear):
            if array.dim() != 4:
                return array
            # (H, W, O, I) of a transposed convolution is (I, O, H, W) in PyTorch
            weight = array.permute(3, 2, 0, 1) if self.kernels_last else array
            return weight.flip(2, 3) if self.flips else weight
        if array.dim() != 2:
            return array
        weight_OI = array.T if self.inputs_first else array
        if self.kernels_last and len(slot.given) == 3 and weight_OI.shape[1] == prod(slot.given):
            weight_OI = weight_OI[:, _from_channels_last(slot.given)]
        return self.features(slot, weight_OI)

    def features(self, slot: Slot, array: Tensor) -> Tensor:
        """Reorder what a linear layer makes, where it becomes an image."""
        shape = slot.layer.reshape
        if not self.kernels_last or shape is None or len(array) != prod(shape):
            return array
        return array[_from_channels_last(shape)]


TENSORFLOW = Convention("tensorflow", kernels_last=True, inputs_first=True)
THEANO = Convention("theano", inputs_first=True, flips=True, has_statistics=False)
PYTORCH = Convention("pytorch")
PYTORCH_WITHOUT = Convention("pytorch without statistics", has_statistics=False)

ALL = (TENSORFLOW, THEANO, PYTORCH, PYTORCH_WITHOUT)


def _from_channels_last(shape: Sequence[int]) -> Tensor:
    """For each feature in the order (C, H, W), its place in the order (H, W, C)."""
    channels, height, width = shape
    return torch.arange(prod(shape)).view(height, width, channels).permute(2, 0, 1).flatten()


def fit_arrays(
    slots: Sequence[Slot], tensors: dict[str, Tensor], convention: Convention, about: str
) -> dict[str, Tensor]:
    """The state of a network, from arrays in the order of its layers.

    Raises
    ------
    Misfit
        Says where the shapes differ first.
    """
    left = [(name, array) for name, array in tensors.items() if array.dim() > 0]
    state: dict[str, Tensor] = {}
    for slot in slots:
        for key, shape in _wanted(slot, convention):
            if not left:
                raise Misfit(f"{about}: it has no more arrays for {slot}. {CURE}", len(state))
            name, array = left.pop(0)
            is_kernel = key == "weight" and not slot.is_norm
            found = (
                convention.kernel(slot, array) if is_kernel else convention.features(slot, array)
            )
            if tuple(found.shape) != shape:
                raise Misfit(
                    f"{about}: array {len(tensors) - len(left)} ({name}) is"
                    f" {shape_text(array.shape)}, which does not fit {slot}. {CURE}",
                    len(state),
                )
            state[f"{slot.key}.{key}"] = found.contiguous()
    if left:
        name, array = left[0]
        raise Misfit(
            f"{about}: {name} ({shape_text(array.shape)}) is one array too many. {CURE}", len(state)
        )
    return state


def fit_any(slots: Sequence[Slot], tensors: dict[str, Tensor], about: str) -> dict[str, Tensor]:
    """The same by the convention whose shapes fit; the error is that of the nearest one."""
    errors = []
    for convention in ALL:
        try:
            return fit_arrays(slots, tensors, convention, about)
        except Misfit as error:
            errors.append(error)
    raise max(errors, key=lambda error: error.progress)


def _wanted(slot: Slot, convention: Convention) -> list[tuple[str, tuple[int, ...]]]:
    """The arrays of a slot in their order, each with the shape that it has in PyTorch."""
    if slot.is_spectral:
        raise Misfit(f"{slot} has spectral norm, which arrays without names do not hold. {CURE}")
    names = ["weight", *(["bias"] if slot.has_bias else [])]
    if slot.has_statistics and convention.has_statistics:
        names += ["running_mean", "running_var"]
    own = slot.module.state_dict()
    return [(name, tuple(own[name].shape)) for name in names]
