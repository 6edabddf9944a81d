"""Counts the weights and activations of a layer table from its shapes, before it is built."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from dcgan.models.geometry import Shape, layer_shapes
from dcgan.models.table import Layer


def count_weights(layers: Sequence[Layer], input_shape: Shape) -> int:
    """Weights of all convolutions, linear layers and layer norms.

    Biases and other norms, a small part, are left out.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : (C, H, W) or (F,)

    Examples
    --------
    >>> count_weights([Layer(operation="conv", channels=8, kernel=(3, 3))], (3, 16, 16))
    216
    """
    total, shape = 0, input_shape
    for layer, after in zip(layers, layer_shapes(layers, input_shape), strict=True):
        total += _factors(layer, shape)
        if "layer" in layer.norms:  # a weight and a bias for each of its numbers
            total += 2 * (layer.channels if layer.norm_features else prod(after))
        shape = after
    return total


def _factors(layer: Layer, shape: Shape) -> int:
    """Weights of the convolution or linear layer of a row."""
    features = prod(shape) if layer.operation == "linear" else shape[0]
    return features * layer.pack * layer.channels * prod(layer.kernel)


def count_products(layers: Sequence[Layer], input_shape: Shape) -> float:
    """Multiplications of all convolutions and linear layers, for one image.

    Parameters are those of :func:`count_weights`.

    Examples
    --------
    >>> count_products([Layer(operation="conv", channels=8, kernel=(3, 3))], (3, 16, 16))
    42336.0
    """
    total, shape, together = 0.0, input_shape, 1
    for layer, after in zip(layers, layer_shapes(layers, input_shape), strict=True):
        if layer.operation == "conv":  # each weight meets each pixel of the output
            pixels = prod(after[1:])
        elif layer.operation == "conv_transpose":  # and here, of the input
            pixels = prod(layer.resize or shape[1:])
        else:
            pixels = 1
        together *= layer.pack  # so many images are one from here on
        total += _factors(layer, shape) * pixels / together
        shape = after
    return total


def count_activations(layers: Sequence[Layer], input_shape: Shape) -> int:
    """Numbers in the outputs of all layers together, for one image."""
    return sum(prod(shape) for shape in layer_shapes(layers, input_shape))
