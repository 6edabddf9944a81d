"""Shapes: what a layer table makes of its input, and tables planned for any image size.

Arithmetic per side, from the definition of (transposed) convolution (Dumoulin and Visin 2016,
arXiv:1603.07285)::

    conv            out = floor((in + paddings - kernel) / stride) + 1
    conv_transpose  out = (in - 1) stride - paddings + kernel + output_padding

where paddings is that at the start plus that at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import gcd, prod
from typing import Any

from dcgan.errors import GeometryError
from dcgan.models.table import CENTERED, Layer, Pair
from dcgan.runtime.wording import shape_text, size_text
from dcgan.vocabulary import Activation, Order, Upsampling

Shape = tuple[int, ...]

SMALLEST_SIDE = 16
"""The smallest image side of planned networks."""

_SEED_SIDE = 4
"""Planned networks halve each side until the larger one is below twice this (the paper's 4x4)."""

_PER_GROUP = 8
"""Least numbers in a group of group norm."""


def layer_shapes(layers: Sequence[Layer], input_shape: Shape) -> list[Shape]:
    """The shape after each row, without the batch axis.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : (C, H, W) or (F,)

    Returns
    -------
    list of tuple
        One shape per row; ``(C, H, W)``, or ``(F,)`` after a linear row without reshape.

    Raises
    ------
    GeometryError
        A kernel larger than its padded input, an output padding that no stride allows, a reshape
        of another number of features, or a norm that cannot normalize what the row computes; the
        key is ``layers[i].setting``.

    Examples
    --------
    >>> layer_shapes([Layer(operation="conv_transpose", channels=64, kernel=(5, 5))], (100, 1, 1))
    [(64, 5, 5)]
    """
    shapes = []
    shape = input_shape
    for index, layer in enumerate(layers):
        shape = _shape_after(layer, shape, f"layers[{index}]")
        shapes.append(shape)
    return shapes


def _shape_after(layer: Layer, shape: Shape, key: str) -> Shape:
    _refuse_foreign_settings(layer, key)
    after = _shape_made(layer, shape, key)
    _refuse_norm(layer, (layer.channels,) if layer.norm_features else after, key)
    return after


def _shape_made(layer: Layer, shape: Shape, key: str) -> Shape:
    if layer.operation == "linear":
        if layer.reshape is None:
            return (layer.channels,)
        if prod(layer.reshape) != layer.channels:
            raise GeometryError(
                f"{key}.reshape",
                list(layer.reshape),
                f"must have as many numbers as the layer makes: {layer.channels}",
            )
        return layer.reshape
    if len(shape) == 1:
        shape = (shape[0], 1, 1)
    if layer.resize is not None:
        shape = (shape[0], *layer.resize)
    sides = [_side_after(layer, axis, side, key) for axis, side in enumerate(shape[1:])]
    return (layer.channels, *sides)


def _refuse_foreign_settings(layer: Layer, key: str) -> None:
    """Refuse settings that the row's operation does not have."""
    if layer.operation != "linear" and layer.reshape is not None:
        raise GeometryError(f"{key}.reshape", list(layer.reshape), "only a linear layer has it")
    if layer.resize is None and layer.interpolation != "bilinear":
        raise GeometryError(
            f"{key}.interpolation",
            layer.interpolation,
            "has no effect without resize. Set the size in resize, or leave interpolation out",
        )
    if layer.norm_features and layer.reshape is None:
        raise GeometryError(
            f"{key}.norm_features",
            True,
            "only a linear layer with reshape chooses what its norm is over. Leave it out",
        )
    if layer.operation == "linear":
        plain = Layer(operation="linear", channels=1)
        for name in ("kernel", "stride", "padding", "end_padding", "output_padding", "resize"):
            if getattr(layer, name) != getattr(plain, name):
                value = list(getattr(layer, name))
                raise GeometryError(f"{key}.{name}", value, f"a linear layer has no {name}")


def _refuse_norm(layer: Layer, shape: Shape, key: str) -> None:
    """Refuse norms that cannot normalize a shape, and their settings where no norm uses them."""
    if "group" in layer.norms and shape[0] % layer.norm_groups:
        raise GeometryError(
            f"{key}.norm_groups",
            layer.norm_groups,
            f"must divide the {shape[0]} channels of the layer",
        )
    if "instance" in layer.norms and prod(shape[1:]) == 1:
        raise GeometryError(
            f"{key}.norm",
            layer.norm,
            "instance norm needs more than one pixel per channel. Use layer or none",
        )
    plain = Layer(operation="linear", channels=1)
    for name, norms in (("eps", CENTERED), ("norm_groups", ("group",))):
        value = getattr(layer, name)
        if value != getattr(plain, name) and not set(norms) & set(layer.norms):
            problem = f"has no effect: the layer has no {' or '.join(norms)} norm. Leave it out"
            raise GeometryError(f"{key}.{name}", value, problem)


def _side_after(layer: Layer, axis: int, side: int, key: str) -> int:
    kernel, stride = layer.kernel[axis], layer.stride[axis]
    start, end = (padding[axis] for padding in layer.paddings)
    extra = layer.output_padding[axis]
    padding, padded = max(start, end), side + start + end
    name = ("height", "width")[axis]
    if layer.operation == "conv":
        if extra:
            raise GeometryError(f"{key}.output_padding", extra, "only a conv_transpose has it")
        if kernel > padded:
            raise GeometryError(
                f"{key}.kernel",
                kernel,
                f"does not fit an input {name} of {side} with padding {padding}. Use a kernel of at"
                f" most {padded}, or more padding",
            )
        return (padded - kernel) // stride + 1
    if extra >= stride:
        raise GeometryError(
            f"{key}.output_padding", extra, f"must be smaller than the stride of {stride}"
        )
    out = (side - 1) * stride - start - end + kernel + extra
    if out < 1:
        raise GeometryError(
            f"{key}.padding",
            padding,
            f"leaves an output {name} of {out}. Use less padding",
        )
    return out


def plan_generator(
    size: tuple[int, int],
    channels: int,
    *,
    width: int = 64,
    max_width: int = 512,
    norm: str = "batch",
    activation: Activation = "relu",
    order: Order = "norm-activation",
    bias: bool | None = None,
    dropout: float = 0.0,
    noise: float = 0.0,
    slope: float = 0.2,
    upsampling: Upsampling = "transposed",
) -> tuple[Layer, ...]:
    """A layer table that makes images of exactly this size from a (Z, 1, 1) latent.

    The first transposed convolution makes a feature map of 4 to 7 on the larger side; further ones
    of kernel 4, stride 2, padding 1 double it. An odd side needs kernel 3 on that axis, which
    doubles less one. The last hidden layer has ``width`` channels, each layer before it twice as
    many, up to ``max_width``. The output has tanh and neither batch nor pixel norm.

    Parameters
    ----------
    size : (height, width), each at least 16
    channels : 1 to 4
    bias : bool, optional
        Default: where no batch norm follows.
    upsampling : {"transposed", "bilinear", "nearest"}
        ``bilinear``, ``nearest``: layers after the first resize and then convolve with kernel 3,
        which avoids checkerboard patterns (Odena et al. 2016,
        distill.pub/2016/deconv-checkerboard, who prefer ``nearest``).

    Raises
    ------
    GeometryError
        A side below 16.
    """
    sides = halvings(size)
    depth = len(sides) - 1
    layers = []
    for step in range(depth, -1, -1):
        target = sides[step]
        is_first, is_last = step == depth, step == 0
        resizes = upsampling != "transposed" and not is_first
        row_norm = _edge_norm(norm) if is_last else norm
        row_bias = wants_bias(row_norm, order) if bias is None else bias
        kernel = target if is_first else _doubling_kernel(sides[step + 1], target)
        made = channels if is_last else min(max_width, width * 2 ** (step - 1))
        layers.append(
            Layer(
                operation="conv" if resizes else "conv_transpose",
                channels=made,
                resize=target if resizes else None,
                interpolation="nearest" if resizes and upsampling == "nearest" else "bilinear",
                kernel=(3, 3) if resizes else kernel,
                stride=(1, 1) if is_first or resizes else (2, 2),
                padding=(0, 0) if is_first else (1, 1),
                bias=row_bias,
                norm=row_norm,
                norm_groups=_groups(row_norm, made),
                activation="tanh" if is_last else activation,
                slope=slope,
                order=order,
                dropout=0.0 if is_last else dropout,
                noise=noise if is_first else 0.0,
            )
        )
    return tuple(layers)


def plan_discriminator(
    size: tuple[int, int],
    *,
    width: int = 64,
    max_width: int = 512,
    norm: str = "none",
    activation: Activation = "leaky_relu",
    order: Order = "norm-activation",
    bias: bool | None = None,
    dropout: float = 0.0,
    noise: float = 0.0,
    slope: float = 0.2,
    minibatch_stddev: bool = False,
    hidden: int = 0,
) -> tuple[Layer, ...]:
    """The mirror of :func:`plan_generator`: halves the image until one logit is left.

    The first and the output layer have neither batch nor pixel norm; the output has no dropout
    either. Images may have any number of channels.

    Parameters
    ----------
    minibatch_stddev : bool
        Of the smallest feature map, as one more channel or feature.
    hidden : int
        Features of a linear layer before the logit; 0: none, as in the paper. Convolutions relate
        what is close together, and the output layer only adds up.

    Raises
    ------
    GeometryError
        A side below 16.
    """
    sides = halvings(size)
    depth = len(sides) - 1
    inner_bias = wants_bias(norm, order) if bias is None else bias
    edge_bias = True if bias is None else bias
    rows = [
        Layer(
            operation="conv",
            channels=min(max_width, width * 2**step),
            kernel=_doubling_kernel(sides[step + 1], sides[step]),
            stride=(2, 2),
            padding=(1, 1),
            bias=inner_bias if step else edge_bias,
            norm=norm if step else _edge_norm(norm),
            norm_groups=_groups(norm if step else "none", min(max_width, width * 2**step)),
            activation=activation,
            slope=slope,
            order=order,
            dropout=dropout,
            noise=0.0 if step else noise,
        )
        for step in range(depth)
    ]
    if hidden:
        rows.append(
            Layer(
                operation="linear",
                channels=hidden,
                bias=inner_bias,
                norm=norm,
                norm_groups=_groups(norm, hidden, numbers=1),
                activation=activation,
                slope=slope,
                order=order,
                dropout=dropout,
                minibatch_stddev=minibatch_stddev,
            )
        )
    rows.append(
        Layer(
            operation="linear" if hidden else "conv",
            channels=1,
            kernel=(1, 1) if hidden else sides[depth],
            bias=edge_bias,
            norm=_edge_norm(norm),
            slope=slope,
            order=order,
            minibatch_stddev=minibatch_stddev and not hidden,
        )
    )
    return tuple(rows)


def halvings(size: tuple[int, int]) -> list[tuple[int, int]]:
    """The sizes a planned network passes through, from the image down to the seed.

    An odd side halves upwards, since doubling less one brings it back.

    >>> halvings((40, 24))
    [(40, 24), (20, 12), (10, 6), (5, 3)]
    >>> halvings((157, 128))[-1]
    (5, 4)
    """
    if min(size) < SMALLEST_SIDE:
        raise GeometryError(
            "data.size",
            size_text(size),
            f"planned networks need sides of at least {SMALLEST_SIDE}. Use `size={SMALLEST_SIDE}`",
        )
    sides = [size]
    while max(sides[-1]) >= 2 * _SEED_SIDE:
        height, width = sides[-1]
        # the shorter side of a very long image stops at 1
        sides.append(((height + 1) // 2, (width + 1) // 2))
    return sides


def describe_plan(layers: Sequence[Layer], input_shape: Shape) -> str:
    """The shapes of a table in one line.

    >>> table = plan_generator((32, 32), 1, width=32)
    >>> describe_plan(table, (100, 1, 1))
    '100×1×1 → 128×4×4 → 64×8×8 → 32×16×16 → 1×32×32'
    """
    shapes = [input_shape, *layer_shapes(layers, input_shape)]
    return " → ".join(shape_text(shape) for shape in shapes)


def wants_bias(norm: str, order: Order) -> bool:
    """Whether a layer's bias has any effect: a batch norm right behind it would remove it.

    >>> wants_bias("batch", "norm-activation"), wants_bias("batch", "activation-norm")
    (False, True)
    """
    return "batch" not in norm.split("+") or order == "activation-norm"


def table_from(rows: Iterable[Mapping[str, Any]]) -> tuple[Layer, ...]:
    """A layer table from rows of settings, in which a bias may be ``auto``.

    >>> table_from([{"operation": "conv", "channels": 8, "norm": "batch", "bias": "auto"}])[0].bias
    False
    """
    layers = []
    for row in rows:
        bias = row.get("bias")
        if bias == "auto":
            bias = wants_bias(row.get("norm", "none"), row.get("order", "norm-activation"))
        layers.append(Layer(**{**row, **({} if bias is None else {"bias": bias})}))
    return tuple(layers)


def _edge_norm(norm: str) -> str:
    """The part of a norm that an image or a logit may have: spectral, which acts on weights."""
    return "spectral" if "spectral" in norm else "none"


def _groups(norm: str, channels: int, *, numbers: int = _PER_GROUP) -> int:
    """Groups of group norm; the default without it.

    ``numbers`` is that of the pixels of a channel: a group of one number would always be 0, and one
    of two numbers -1 and 1, so a group has at least eight.
    """
    default = Layer.norm_groups
    if "group" not in norm.split("+"):
        return default
    return gcd(default, channels, max(1, channels * numbers // _PER_GROUP))


def _doubling_kernel(small: Pair, large: Pair) -> Pair:
    """Kernel per axis with stride 2, padding 1: 4 doubles a side, 3 doubles it less one.

    A convolution with the same kernel goes back: with 4 from an even side to its half, with 3 from
    an odd side to its half rounded up.
    """
    height, width = (4 if big == 2 * few else 3 for few, big in zip(small, large, strict=True))
    return height, width
