"""Public DCGANs in TensorFlow and Theano, recognized by the shapes of their arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from torch import Tensor

from dcgan.exchange.conventions import TENSORFLOW, THEANO
from dcgan.exchange.layouts import LOGIT, Layout, Row, normal


def generator_of_arrays(tensors: dict[str, Tensor]) -> Layout | None:
    """The known generator with such arrays, which have no names."""
    shapes = [tuple(one.shape) for one in tensors.values() if one.dim()]
    return _keras_tutorial(shapes) or _theano(shapes)


def discriminator_of_arrays(
    tensors: dict[str, Tensor], image_shape: tuple[int, int, int]
) -> Layout | None:
    """The known discriminator with such arrays, for images of a shape."""
    shapes = [tuple(one.shape) for one in tensors.values() if one.dim()]
    return _keras_tutorial_discriminator(shapes, image_shape) or _theano_discriminator(shapes)


# The DCGAN tutorial of TensorFlow: arrays of Keras -----------------------------------------------

_TUTORIAL = "the DCGAN tutorial of TensorFlow"
_KERAS = {"norm": "batch", "eps": 1e-3, "activation": "leaky_relu"}
"""Batch norm with the eps that is the default of Keras."""

_KERAS_SLOPE = 0.3
"""The default of Keras' LeakyReLU; PyTorch's is 0.01."""

_STRIDES = (1, 2, 2)


def _keras_tutorial(shapes: Sequence[tuple[int, ...]]) -> Layout | None:
    kernels = [shape for shape in shapes if len(shape) > 1]
    if [len(shape) for shape in shapes] != [2, 1, 1, 1, 1, 4, 1, 1, 1, 1, 4, 1, 1, 1, 1, 4]:
        return None
    (latent, features), *transposed = kernels
    before = transposed[0][3]
    side = isqrt(features // before)
    if before * side**2 != features or any(kernel[:2] != (5, 5) for kernel in transposed):
        return None
    rows: list[Row] = [
        {"linear": features, "reshape": [before, side, side], "bias": False, **_KERAS}
        | {"norm_features": True}
    ]
    for place, (kernel, stride) in enumerate(zip(transposed, _STRIDES, strict=True)):
        row: Row = {"conv_transpose": kernel[2], "kernel": 5, "stride": stride, "bias": False}
        row |= {"padding": 2} if stride == 1 else {"padding": 1, "end_padding": 2}
        is_last = place == len(transposed) - 1
        rows.append(row | ({"norm": "none", "activation": "tanh"} if is_last else _KERAS))
    return Layout(_TUTORIAL, rows, normal(latent), TENSORFLOW, _KERAS_SLOPE)


def _keras_tutorial_discriminator(
    shapes: Sequence[tuple[int, ...]], image_shape: tuple[int, int, int]
) -> Layout | None:
    if [len(shape) for shape in shapes] != [4, 1, 4, 1, 2, 1]:
        return None
    sides = image_shape[1:]
    rows: list[Row] = []
    for kernel in (shapes[0], shapes[2]):
        if kernel[:2] != (5, 5):
            return None
        row: Row = {"conv": kernel[3], "kernel": 5, "stride": 2, "bias": True, "norm": "none"}
        starts, ends = zip(*(_tensorflow_padding(side) for side in sides), strict=True)
        row |= {"padding": list(starts)} | ({"end_padding": list(ends)} if ends != starts else {})
        rows.append(row | {"activation": "leaky_relu", "dropout": 0.3})
        sides = ((sides[0] + 1) // 2, (sides[1] + 1) // 2)
    rows.append({"linear": shapes[4][1], "bias": True, **LOGIT})
    return Layout(_TUTORIAL, rows, convention=TENSORFLOW, slope=_KERAS_SLOPE)


def _tensorflow_padding(side: int) -> tuple[int, int]:
    """Padding ``same`` at the start and the end, of kernel 5 and stride 2: ⌈side / 2⌉ pixels."""
    total = 2 * (-(-side // 2) - 1) + 5 - side
    return total // 2, total - total // 2


# The code of the DCGAN authors: arrays of Theano, without running statistics ---------------------

_AUTHORS = "the code of the DCGAN authors"
_AUTHORS_EPS = 1e-8
_FIVE = {"kernel": 5, "stride": 2, "padding": 2, "bias": False}


def _theano(shapes: Sequence[tuple[int, ...]]) -> Layout | None:
    kernels, ranks = shapes[::3], [len(shape) for shape in shapes]
    layers = len(kernels)
    if layers < 3 or ranks != [2, 1, 1, *[4, 1, 1] * (layers - 2), 4]:
        return None
    (latent, features), *transposed = kernels
    before = transposed[0][0]
    side = isqrt(features // before)
    if before * side**2 != features or any(kernel[2:] != (5, 5) for kernel in transposed):
        return None
    batch = {"norm": "batch", "eps": _AUTHORS_EPS, "activation": "relu"}
    rows: list[Row] = [
        {"linear": features, "reshape": [before, side, side], "bias": False, **batch}
        | {"norm_features": True}
    ]
    for place, kernel in enumerate(transposed, start=1):
        is_last = place == len(transposed)
        end = {"norm": "none", "activation": "tanh"} if is_last else batch
        rows.append({"conv_transpose": kernel[1], **_FIVE, "output_padding": 1, **end})
    return Layout(_AUTHORS, rows, {"dim": latent, "distribution": "uniform"}, THEANO)


def _theano_discriminator(shapes: Sequence[tuple[int, ...]]) -> Layout | None:
    ranks = [len(shape) for shape in shapes]
    if ranks != [4, *[4, 1, 1] * ((len(shapes) - 2) // 3), 2]:
        return None
    kernels = [shape for shape in shapes if len(shape) == 4]
    if any(kernel[2:] != (5, 5) for kernel in kernels):
        return None
    rows: list[Row] = []
    for place, kernel in enumerate(kernels):
        norm = {"norm": "batch", "eps": _AUTHORS_EPS} if place else {"norm": "none"}
        rows.append({"conv": kernel[0], **_FIVE, **norm, "activation": "leaky_relu"})
    rows.append({"linear": shapes[-1][1], "bias": False, **LOGIT})
    return Layout(_AUTHORS, rows, convention=THEANO)
