"""A faster copy of a generator for sampling only: norms are folded into the layers before them.

B batch · I, O channels · H, W sides
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrize import is_parametrized

from dcgan.models.blocks import Block
from dcgan.models.generator import Generator

_FEW = 4
"""Most output channels for which :class:`InPhases` pays: with PyTorch's kernels for CPUs it is 1.8
to 2.5 times as fast for 1 and 3 channels, and slower from 16."""


_APART = ("crop", "reshape")
"""Modules between a layer and its norm that a scale and a shift of each channel do not notice."""


@torch.no_grad()
def folded(generator: Generator, *, in_phases: bool = True) -> Generator:
    """A copy that generates the same images up to rounding, but faster; not for training.

    In evaluation a batch norm is one scale and one shift for each channel, which go into the
    weights of the layer before it, unless that has spectral norm. On a CPU, transposed convolutions
    to few channels become :class:`InPhases`. Hooks are not copied.

    Parameters
    ----------
    generator : Generator
        In evaluation mode; it is not changed.
    in_phases : bool, default True
        Whether to use :class:`InPhases`, which other programs do not have.
    """
    found = copy.deepcopy(generator).eval().requires_grad_(False)
    for module in found.modules():  # hooks of the original are not for the copy
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    for block in found.blocks:
        assert isinstance(block, Block)
        for name, module in list(block.named_children()):
            if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                continue
            norm = _norm_after(block, name)
            if norm is not None and not is_parametrized(module):
                _fold(module, norm)
                del block.batch
            if in_phases and isinstance(module, nn.ConvTranspose2d) and InPhases.suits(module):
                setattr(block, name, InPhases(module))
    return found


def _norm_after(block: Block, name: str) -> nn.BatchNorm1d | nn.BatchNorm2d | None:
    """The batch norm right behind a layer, if there is one."""
    names = list(dict(block.named_children()))
    after = [other for other in names[names.index(name) + 1 :] if other not in _APART]
    norm = block.get_submodule(after[0]) if after else None
    return norm if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) else None


def _fold(
    module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> None:
    """γ (w·x + b - μ) / √(σ² + ε) + β is w'·x + b' with w' = s·w, b' = s (b - μ) + β."""
    assert norm.running_mean is not None and norm.running_var is not None
    per_channel = (
        norm.weight * (norm.running_var + norm.eps).rsqrt(),
        norm.running_mean,
        norm.bias,
    )
    axis = 1 if isinstance(module, nn.ConvTranspose2d) else 0
    # a linear layer reshaped to (C, H, W) has H·W outputs for each channel
    pixels = module.weight.shape[axis] // norm.num_features
    scale_O, mean_O, shift_O = (value.repeat_interleave(pixels) for value in per_channel)
    shape = [-1 if place == axis else 1 for place in range(module.weight.dim())]
    module.weight.mul_(scale_O.view(shape))
    if module.bias is not None:
        mean_O = mean_O - module.bias
    module.bias = nn.Parameter(shift_O - scale_O * mean_O, requires_grad=False)


class InPhases(nn.Module):
    """A transposed convolution with windows of 4x4, stride 2 and padding 1, as one of 2x2.

    Each output pixel uses only four of the sixteen weights, which depend on whether its row and
    column are even. So it is four convolutions with windows of 2x2, computed as one with four times
    the channels, whose results are interleaved.

    Parameters
    ----------
    module : nn.ConvTranspose2d
        One that :meth:`suits`.

    Shape: (B, I, H, W) → (B, O, 2 H, 2 W).
    """

    def __init__(self, module: nn.ConvTranspose2d) -> None:
        super().__init__()
        # row 2 m + a of the result takes input rows m + a - 1 and m + a by weights 3 - a and 1 - a
        inputs, self.channels = module.weight.shape[:2]
        weight_IOyaxb = module.weight.flip(2, 3).reshape(inputs, self.channels, 2, 2, 2, 2)
        weight_abOIyx = weight_IOyaxb.permute(3, 5, 1, 0, 2, 4)
        weight = weight_abOIyx.flatten(0, 2).contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", None if module.bias is None else module.bias.repeat(4))
        self.weight: Tensor
        self.bias: Tensor | None

    @staticmethod
    def suits(module: nn.ConvTranspose2d) -> bool:
        """Whether a layer can be computed so, and faster."""
        return (
            (*module.kernel_size, *module.stride, *module.padding) == (4, 4, 2, 2, 1, 1)
            and not any(module.output_padding)
            and module.out_channels <= _FEW
            and module.weight.device.type == "cpu"
        )

    def forward(self, x_BIHW: Tensor) -> Tensor:
        batch, _, height, width = x_BIHW.shape
        every = conv2d(x_BIHW, self.weight, self.bias, padding=1).permute(0, 2, 3, 1)
        every_BHWabO = every.reshape(batch, height + 1, width + 1, 2, 2, self.channels)
        image_BHaWbO = every_BHWabO.new_empty(batch, height, 2, width, 2, self.channels)
        for a in (0, 1):
            for b in (0, 1):
                part_BHWO = every_BHWabO[:, a : a + height, b : b + width, a, b]
                image_BHaWbO[:, :, a, :, b] = part_BHWO
        image_BHWO = image_BHaWbO.view(batch, 2 * height, 2 * width, self.channels)
        return image_BHWO.permute(0, 3, 1, 2)
