"""A generator as the steps of a program: what each of its modules becomes.

K inputs, F outputs of a matrix · I, O channels · C, H, W a feature map
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations

from dcgan.errors import ConfigError
from dcgan.exchange.web.program import Program, Shape
from dcgan.models.blocks import Block, Crop, InstanceNoise, MinibatchStddev
from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.models.folding import folded
from dcgan.models.generator import Generator
from dcgan.models.norms import PixelNorm
from dcgan.models.table import Pair


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
            if isinstance(module, MinibatchStddev):
                raise _refused(
                    "the generator has minibatch_stddev. With it, an image depends on the others of"
                    " its batch, but a web page generates one at a time"
                )
            if type(module) not in _STEPS:
                raise _refused(f"the web page does not have the layer {type(module).__name__}")
            _STEPS[type(module)](program, module, block)
    return program


def first_map(generator: Generator, noise: int) -> Tensor:
    """What the first layer adds to its output for each number of noise, (D, F).

    Without its activation and other norms than batch norm.
    """
    block = folded(_with_plain_weights(generator), in_phases=False).blocks[0]
    linear: list[nn.Module] = []
    for module in block.children():
        if type(module) not in _LINEAR:
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


def _linear(program: Program, module: nn.Linear, _: Block) -> None:
    """A convolution of one pixel."""
    program.add(
        "conv",
        **program.store_matrix(module.weight.T),
        bias=program.store("bias", _bias(module, module.out_features)),
        input=list(program.shape),
        output=[1, 1, module.out_features],
        kernel=[1, 1],
        stride=[1, 1],
        padding=[0, 0],
    )
    program.shape = (1, 1, module.out_features)


def _conv(program: Program, module: nn.Conv2d, block: Block) -> None:
    _refuse_variants(module)
    start, end = _paddings(module, block)
    height, width = (
        (side + before + after - kernel) // stride + 1
        for side, before, after, kernel, stride in zip(
            program.shape[:2], start, end, module.kernel_size, module.stride, strict=True
        )
    )
    matrix_KO = module.weight.permute(2, 3, 1, 0).flatten(0, 2)
    _window(program, "conv", module, matrix_KO, start, (height, width, module.out_channels))


def _conv_transpose(program: Program, module: nn.ConvTranspose2d, block: Block) -> None:
    _refuse_variants(module)
    start, end = _paddings(module, block)
    extra = module.output_padding
    height, width = (
        (side - 1) * stride - before - after + kernel + more
        for side, before, after, kernel, stride, more in zip(
            program.shape[:2], start, end, module.kernel_size, module.stride, extra, strict=True
        )
    )
    matrix_KF = module.weight.permute(0, 2, 3, 1).flatten(1)
    output = height, width, module.out_channels
    _window(program, "conv_transpose", module, matrix_KF, start, output)


def _paddings(module: nn.Conv2d | nn.ConvTranspose2d, block: Block) -> tuple[Pair, Pair]:
    """Padding at the start and at the end, each (height, width)."""
    for other in block.children():
        if isinstance(other, nn.ZeroPad2d):
            left, right, top, bottom = other.padding
            return (top, left), (bottom, right)
        if isinstance(other, Crop):
            return other.start, other.end
    assert not isinstance(module.padding, str)  # such as "same", which blocks never use
    height, width = module.padding
    return (height, width), (height, width)


def _window(
    program: Program,
    op: str,
    module: nn.Conv2d | nn.ConvTranspose2d,
    matrix: Tensor,
    padding: Pair,
    output: Shape,
) -> None:
    program.add(
        op,
        **program.store_matrix(matrix),
        bias=program.store("bias", _bias(module, module.out_channels)),
        input=list(program.shape),
        output=list(output),
        kernel=list(module.kernel_size),
        stride=list(module.stride),
        padding=list(padding),
    )
    program.shape = output


def _refuse_variants(module: nn.Conv2d | nn.ConvTranspose2d) -> None:
    if module.groups != 1 or module.dilation != (1, 1) or module.padding_mode != "zeros":
        raise _refused(
            "the web page has only convolutions of one group, without dilation, padded with zeros,"
            f" and not {module}"
        )


def _refused(problem: str) -> ConfigError:
    return ConfigError("to", "web", f"{problem}. Use `to=onnx`")


def _flatten(program: Program, _: nn.Flatten, __: Block) -> None:
    height, width, channels = program.shape
    _reorder(program, height * width, (1, 1, height * width * channels))


def _unflatten(program: Program, module: nn.Unflatten, _: Block) -> None:
    channels, height, width = module.unflattened_size
    _reorder(program, channels, (height, width, channels))


def _reorder(program: Program, rows: int, output: Shape) -> None:
    """Features of PyTorch are in the order (C, H, W), a feature map is (H, W, C)."""
    if output != program.shape:
        program.add("transpose", rows=rows, input=list(program.shape), output=list(output))
        program.shape = output


def _resize(program: Program, module: nn.Upsample, _: Block) -> None:
    size = module.size
    assert isinstance(size, tuple)
    output = (int(size[0]), int(size[1]), program.shape[2])
    program.add("resize", mode=module.mode, input=list(program.shape), output=list(output))
    program.shape = output


def _batch_norm(program: Program, module: nn.BatchNorm1d | nn.BatchNorm2d, _: Block) -> None:
    """One that could not be folded: it comes after an activation or another norm."""
    assert module.running_mean is not None and module.running_var is not None
    scale = module.weight * (module.running_var + module.eps).rsqrt()
    _affine(program, scale, module.bias - scale * module.running_mean)


def _group_norm(program: Program, module: nn.GroupNorm, _: Block) -> None:
    program.add("normalize", groups=module.num_groups, epsilon=module.eps)
    _affine(program, module.weight, module.bias)


def _instance_norm(program: Program, module: nn.InstanceNorm2d, _: Block) -> None:
    program.add("normalize", groups=module.num_features, epsilon=module.eps)
    _affine(program, module.weight, module.bias)


def _layer_norm(program: Program, module: nn.LayerNorm, _: Block) -> None:
    program.add("normalize", groups=1, epsilon=module.eps)
    # (C, H, W), or features, which have no other order
    last = [one.movedim(0, -1).flatten() for one in (module.weight, module.bias)]
    _affine(program, *last)


def _affine(program: Program, scale: Tensor, shift: Tensor) -> None:
    """x · scale + shift, for each channel or for each number of an image."""
    program.add(
        "affine",
        scale=program.store("scale", scale),
        shift=program.store("shift", shift),
        channels=len(scale),
    )


def _bias(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, outputs: int) -> Tensor:
    return torch.zeros(outputs) if module.bias is None else module.bias


def _plain(op: str, **settings: Any) -> Step:
    """A step without weights."""
    return lambda program, *_: program.add(op, **settings)


def _nothing(program: Program, module: nn.Module, block: Block) -> None:
    """What acts only while training, or is part of the step of a neighbor."""


Step = Callable[[Program, Any, Block], None]

_STEPS: dict[type[nn.Module], Step] = {
    nn.Linear: _linear,
    **dict.fromkeys((nn.Conv2d, ToPixel), _conv),
    **dict.fromkeys((nn.ConvTranspose2d, FromPixel), _conv_transpose),
    **dict.fromkeys((nn.ZeroPad2d, Crop), _nothing),  # see _paddings
    **dict.fromkeys((nn.Dropout, InstanceNoise), _nothing),
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.Upsample: _resize,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
    nn.GroupNorm: _group_norm,
    nn.InstanceNorm2d: _instance_norm,
    nn.LayerNorm: _layer_norm,
    PixelNorm: _plain("pixel_norm", epsilon=1e-8),
    nn.ReLU: _plain("leaky_relu", slope=0.0),
    nn.LeakyReLU: lambda program, module, _: program.add("leaky_relu", slope=module.negative_slope),
    nn.SELU: _plain("selu"),
    nn.Tanh: _plain("tanh"),
    nn.Sigmoid: _plain("sigmoid"),
}
"""How each module of a generator becomes steps. A new one needs an entry here, a function in
``static/engine.ts``, and one line in ``static/engine.js``."""

_LINEAR = (
    *(nn.Linear, nn.Conv2d, ToPixel, nn.ConvTranspose2d, FromPixel, nn.ZeroPad2d, Crop),
    *(nn.Flatten, nn.Unflatten, nn.Upsample, InstanceNoise),
)
"""Modules whose output without its constant part is proportional to their input."""
