"""A generator as the steps of a program: what each of its modules becomes.

K inputs, F outputs of a matrix · I, O channels · C, H, W a feature map
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from math import prod
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from dcgan.errors import ConfigError
from dcgan.exchange.web.program import Program, Shape
from dcgan.models.blocks import Block, InstanceNoise
from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.models.folding import folded
from dcgan.models.generator import Generator
from dcgan.models.norms import PixelNorm


@torch.no_grad()
def compile_generator(generator: Generator) -> Program:
    """The program of a generator.

    Batch norm is folded into weights, and weights under spectral norm are stored as they are used.

    Parameters
    ----------
    generator : Generator
        In evaluation mode, on the CPU; it is not changed.

    Raises
    ------
    ConfigError
        An operation that the engine does not have.
    RunError
        A weight that is not a finite number.
    """
    channels, height, width = generator.input_shape
    program = Program((height, width, channels))
    for block in folded(_with_plain_weights(generator), in_phases=False).blocks:
        assert isinstance(block, Block)
        for module in block.children():
            if isinstance(module, nn.Linear):
                _linear(program, module, getattr(block, "reshape", None))
            elif type(module) in _STEPS:
                _STEPS[type(module)](program, module)
            else:
                raise ConfigError(
                    "model.generator",
                    type(module).__name__,
                    "the web export does not have this operation. Export to `onnx` instead",
                )
    return program


def first_map(generator: Generator, noise: int) -> Tensor:
    """What the first layer adds to its output for each number of noise, (D, F).

    Without its activation and pixel norm, and including batch norm.
    """
    block = folded(_with_plain_weights(generator), in_phases=False).blocks[0]
    linear: list[nn.Module] = []
    for module in block.children():
        if type(module) not in (*_MATRICES, nn.Flatten, nn.Unflatten, nn.Upsample, InstanceNoise):
            break
        linear.append(module)
    start = torch.zeros(noise + 1, generator.latent_dim)
    start[1:, :noise] = torch.eye(noise)
    with torch.inference_mode():
        out = nn.Sequential(*linear)(start.reshape(-1, *generator.input_shape))
    map_DF: Tensor = (out[1:] - out[:1]).flatten(1).clone()
    return map_DF


def _with_plain_weights(generator: Generator) -> Generator:
    """A copy without spectral norm as a computation: its weights are those that it gives."""
    found = copy.deepcopy(generator).eval().cpu()
    for module in list(found.modules()):
        if is_parametrized(module):
            # PyTorch's remove_parametrizations changes the class, which the original has, too
            weight = module.weight
            assert isinstance(weight, Tensor)
            module.__class__ = type_before_parametrizations(module)
            del module.parametrizations
            module.weight = nn.Parameter(weight.detach(), requires_grad=False)
    return found


def _linear(program: Program, module: nn.Linear, reshape: nn.Module | None) -> None:
    """A convolution of one pixel. The features before and after it are (C, H, W) in PyTorch."""
    weight_OK, bias_O = module.weight, _bias(module, module.out_features)
    height, width, channels = program.shape
    weight_OHWC = weight_OK.reshape(-1, channels, height, width).permute(0, 2, 3, 1)
    weight_OK = weight_OHWC.flatten(1)
    shape = (1, 1, module.out_features)
    if isinstance(reshape, nn.Unflatten):
        rows, (new_channels, high, wide) = (
            torch.arange(module.out_features),
            reshape.unflattened_size,
        )
        order = rows.reshape(new_channels, high, wide).permute(1, 2, 0).flatten()
        weight_OK, bias_O = weight_OK[order], bias_O[order]
        shape = (high, wide, new_channels)
    program.add(
        "conv",
        **program.store_matrix(weight_OK.T),
        bias=program.store("bias", bias_O),
        input=[1, 1, prod(program.shape)],
        output=[1, 1, module.out_features],
        kernel=[1, 1],
        stride=[1, 1],
        padding=[0, 0],
        shape=list(shape),
    )
    program.shape = shape


def _conv(program: Program, module: nn.Conv2d) -> None:
    _refuse_variants(module)
    height, width = (
        (side + 2 * padding - kernel) // stride + 1
        for side, padding, kernel, stride in _windows(program, module)
    )
    matrix_KO = module.weight.permute(2, 3, 1, 0).flatten(0, 2)
    _window(program, "conv", module, matrix_KO, (height, width, module.out_channels))


def _conv_transpose(program: Program, module: nn.ConvTranspose2d) -> None:
    _refuse_variants(module)
    height, width = (
        (side - 1) * stride - 2 * padding + kernel + extra
        for (side, padding, kernel, stride), extra in zip(
            _windows(program, module), module.output_padding, strict=True
        )
    )
    matrix_KF = module.weight.permute(0, 2, 3, 1).flatten(1)
    _window(program, "conv_transpose", module, matrix_KF, (height, width, module.out_channels))


def _windows(
    program: Program, module: nn.Conv2d | nn.ConvTranspose2d
) -> list[tuple[int, int, int, int]]:
    """(side, padding, kernel, stride) of both axes."""
    padding = cast("tuple[int, int]", module.padding)
    sides = program.shape[:2]
    return list(zip(sides, padding, module.kernel_size, module.stride, strict=True))


def _window(
    program: Program, op: str, module: nn.Conv2d | nn.ConvTranspose2d, matrix: Tensor, output: Shape
) -> None:
    program.add(
        op,
        **program.store_matrix(matrix),
        bias=program.store("bias", _bias(module, module.out_channels)),
        input=list(program.shape),
        output=list(output),
        kernel=list(module.kernel_size),
        stride=list(module.stride),
        padding=list(module.padding),
    )
    program.shape = output


def _refuse_variants(module: nn.Conv2d | nn.ConvTranspose2d) -> None:
    if module.groups != 1 or module.dilation != (1, 1) or module.padding_mode != "zeros":
        raise ConfigError(
            "model.generator",
            str(module),
            "the web export has only convolutions of one group, without dilation, padded with"
            " zeros. Export to `onnx` instead",
        )


def _resize(program: Program, module: nn.Upsample) -> None:
    size = module.size
    assert isinstance(size, tuple)
    output = (int(size[0]), int(size[1]), program.shape[2])
    program.add("resize", mode=module.mode, input=list(program.shape), output=list(output))
    program.shape = output


def _batch_norm(program: Program, module: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    """One that could not be folded: it comes after an activation or another norm."""
    assert module.running_mean is not None and module.running_var is not None
    scale = module.weight * (module.running_var + module.eps).rsqrt()
    shift = module.bias - scale * module.running_mean
    program.add("affine", scale=program.store("scale", scale), shift=program.store("shift", shift))


def _bias(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, outputs: int) -> Tensor:
    return torch.zeros(outputs) if module.bias is None else module.bias


def _nothing(program: Program, module: nn.Module) -> None:
    """What is there only while training, or only renames the axes of one pixel."""


_MATRICES = (nn.Conv2d, ToPixel, nn.ConvTranspose2d, FromPixel, nn.Linear)

_STEPS: dict[type[nn.Module], Callable[[Program, Any], None]] = {
    **dict.fromkeys((nn.Conv2d, ToPixel), _conv),
    **dict.fromkeys((nn.ConvTranspose2d, FromPixel), _conv_transpose),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
    **dict.fromkeys((nn.Flatten, nn.Unflatten, nn.Dropout, InstanceNoise), _nothing),
    nn.Upsample: _resize,
    PixelNorm: lambda program, _: program.add("pixel_norm", epsilon=1e-8),
    nn.ReLU: lambda program, _: program.add("leaky_relu", slope=0.0),
    nn.LeakyReLU: lambda program, module: program.add("leaky_relu", slope=module.negative_slope),
    nn.SELU: lambda program, _: program.add("selu"),
    nn.Tanh: lambda program, _: program.add("tanh"),
}
"""How each module of a generator becomes steps. A new one needs an entry here, a function in
``static/engine.ts``, and one line in ``static/engine.js``."""
