"""The layers of both networks, and one row of a layer table as a module.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.models.geometry import layer_shapes
from dcgan.models.init import initialize
from dcgan.models.norms import build_norm
from dcgan.models.spectral import spectral_norm
from dcgan.models.table import Layer
from dcgan.vocabulary import Initialization


class InstanceNoise(nn.Module):
    """Add Gaussian noise while training: x + σ·ε, ε ~ N(0, 1).

    Keeps the discriminator from using detail that no generator could have (Sønderby et al. 2016,
    arXiv:1610.04490). Identity in evaluation.

    Parameters
    ----------
    deviation : float
        σ, in units of the input (pixels lie in [-1, 1]).
    """

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation
        self.share = 1.0
        """Share of the deviation that is left, see :func:`fade_noise`."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.deviation * self.share == 0:
            return x
        return x + self.deviation * self.share * torch.randn_like(x)

    def extra_repr(self) -> str:
        return f"deviation={self.deviation}"


def fade_noise(network: nn.Module, share: float) -> None:
    """Set the share, from 1 to 0, of all instance noise in a network."""
    for module in network.modules():
        if isinstance(module, InstanceNoise):
            module.share = share


class Pack(nn.Module):
    """Stack m images at a time as channels, for a discriminator with one logit for all of them.

    A pack shows a generator that makes too few kinds of images: Lin et al. 2018 (arXiv:1712.04086),
    PacGAN. In evaluation every image is a pack of copies of itself.

    Parameters
    ----------
    images : int
        m, at least 1.

    Shape: while training (B, C, H, W) → (B / m, m C, H, W), else (B, m C, H, W); so for (B, F).
    """

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images = images

    def forward(self, image_BCHW: Tensor) -> Tensor:
        _, channels, *sides = image_BCHW.shape
        if not self.training:
            return image_BCHW.repeat(1, self.images, *(1 for _ in sides))
        return image_BCHW.reshape(-1, self.images * channels, *sides)

    def extra_repr(self) -> str:
        return f"images={self.images}"


class MinibatchStddev(nn.Module):
    """Append one channel that holds how much the batch varies.

    The standard deviation over the batch of every feature at every position, averaged to one
    number and repeated over batch and positions: it is small for a collapsed generator. Karras et
    al. 2018 (arXiv:1710.10196), section 3, with the whole batch as one group.

    Shape: (B, C, H, W) → (B, C + 1, H, W), or (B, F) → (B, F + 1).
    """

    def forward(self, x: Tensor) -> Tensor:
        deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([x, deviation.expand_as(x[:, :1])], dim=1)


class Crop(nn.Module):
    """Cut off pixels at the top, bottom, left and right: padding of a transposed convolution.

    Parameters
    ----------
    start, end : (int, int)
        How many rows and columns to cut off at the top and left, and at the bottom and right.

    Shape: (B, C, H, W) → (B, C, H - rows, W - columns).
    """

    def __init__(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        super().__init__()
        self.start, self.end = start, end

    def forward(self, x_BCHW: Tensor) -> Tensor:
        height, width = x_BCHW.shape[2] - self.end[0], x_BCHW.shape[3] - self.end[1]
        return x_BCHW[:, :, self.start[0] : height, self.start[1] : width]

    def extra_repr(self) -> str:
        return f"start={self.start}, end={self.end}"


class Block(nn.Sequential):
    """One row of a layer table as a module.

    Parameters
    ----------
    layer : Layer
    input_shape : (C, H, W) or (F,)
        Without the batch axis.
    init : {"default", "dcgan", "he"}
        See :func:`dcgan.models.init.initialize`.

    Shape: (B, *input_shape) → (B, *output shape of the row).
    """

    def __init__(
        self, layer: Layer, input_shape: tuple[int, ...], init: Initialization = "default"
    ) -> None:
        super().__init__()
        (output_shape,) = layer_shapes([layer], input_shape)
        if layer.operation == "linear" and len(input_shape) > 1:
            self.add_module("flatten", nn.Flatten())
            input_shape = (prod(input_shape),)
        elif layer.operation != "linear" and len(input_shape) == 1:
            input_shape = (*input_shape, 1, 1)
            self.add_module("unflatten", nn.Unflatten(1, input_shape))
        if layer.noise > 0:
            self.add_module("noise", InstanceNoise(layer.noise))
        if layer.resize is not None:
            self.add_module("resize", nn.Upsample(layer.resize, mode=layer.interpolation))
            input_shape = (input_shape[0], *layer.resize)
        features = layer.pack * input_shape[0]
        if layer.pack > 1:
            self.add_module("pack", Pack(layer.pack))
        if layer.minibatch_stddev:
            self.add_module("minibatch_stddev", MinibatchStddev())
            features += 1
        for name, module in _around(layer, "conv").items():
            self.add_module(name, module)
        operation = _operation(layer, (features, *input_shape[1:]))
        initialize(operation, init, activation=layer.activation, slope=layer.slope)
        if "spectral" in layer.norms:
            spectral_norm(operation)
        self.add_module(layer.operation, operation)
        for name, module in _around(layer, "conv_transpose").items():
            self.add_module(name, module)
        for name, module in _behind(layer, output_shape, init).items():
            self.add_module(name, module)
        if layer.dropout > 0:
            self.add_module("dropout", nn.Dropout(layer.dropout))


def _around(layer: Layer, operation: str) -> dict[str, nn.Module]:
    """Padding that differs at the start and the end, which PyTorch's own layers do not have."""
    if layer.end_padding is None or layer.operation != operation:
        return {}
    (top, left), (bottom, right) = layer.paddings
    if operation == "conv_transpose":
        return {"crop": Crop(layer.padding, layer.end_padding)}
    return {"pad": nn.ZeroPad2d((left, right, top, bottom))}


def _behind(layer: Layer, shape: tuple[int, ...], init: Initialization) -> dict[str, nn.Module]:
    """Reshape, norms and activation in their order; ``shape`` is that of the row's output."""
    reshape: dict[str, nn.Module] = {}
    if layer.reshape is not None:
        reshape = {"reshape": nn.Unflatten(1, layer.reshape)}
    norms = _norms(layer, (layer.channels,) if layer.norm_features else shape, init)
    activations = _activations(layer)
    first, second = norms, activations
    if layer.order == "activation-norm":
        first, second = activations, norms
    return first | second | reshape if layer.norm_features else reshape | first | second


def _operation(
    layer: Layer, input_shape: tuple[int, ...]
) -> nn.Conv2d | nn.ConvTranspose2d | nn.Linear:
    features, sides = input_shape[0], input_shape[1:]
    if layer.operation == "linear":
        return nn.Linear(features, layer.channels, bias=layer.bias)
    is_even = layer.end_padding is None
    is_padded = any((*layer.padding, *layer.output_padding)) or not is_even
    window = layer.kernel, layer.stride, layer.padding if is_even else (0, 0)
    if layer.operation == "conv":
        convolution = ToPixel if sides == layer.kernel and not is_padded else nn.Conv2d
        return convolution(features, layer.channels, *window, bias=layer.bias)
    transposed = FromPixel if sides == (1, 1) and not is_padded else nn.ConvTranspose2d
    return transposed(features, layer.channels, *window, layer.output_padding, bias=layer.bias)


def _norms(layer: Layer, shape: tuple[int, ...], init: Initialization) -> dict[str, nn.Module]:
    """The norms that act on activations, in the order the row names them."""
    modules: dict[str, nn.Module] = {}
    for name in layer.norms:
        if name != "spectral":
            modules[name] = build_norm(name, shape, eps=layer.eps, groups=layer.norm_groups)
            initialize(modules[name], init)
    return modules


def _activations(layer: Layer) -> dict[str, nn.Module]:
    if layer.activation == "none":
        return {}
    if layer.activation == "leaky_relu":
        return {"leaky_relu": nn.LeakyReLU(layer.slope)}
    kinds = {"relu": nn.ReLU, "selu": nn.SELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
    return {layer.activation: kinds[layer.activation]()}
