"""The layers of both networks, and one row of a layer table as a module.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.models.convolution import FromPixel, ToPixel
from dcgan.models.init import initialise
from dcgan.models.table import Layer
from dcgan.vocabulary import Initialisation


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


class PixelNorm(nn.Module):
    """Scale every pixel's feature vector to unit mean square: x / √(mean_c x² + ε).

    Karras et al. 2018 (arXiv:1710.10196), section 4.2. Takes (B, C, H, W) or (B, F).
    """

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


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


class Block(nn.Sequential):
    """One row of a layer table as a module.

    Parameters
    ----------
    layer : Layer
    input_shape : (C, H, W) or (F,)
        Without the batch axis.
    init : {"default", "dcgan", "he"}
        See :func:`dcgan.models.init.initialise`.

    Shape: (B, *input_shape) → (B, *output shape of the row).
    """

    def __init__(
        self, layer: Layer, input_shape: tuple[int, ...], init: Initialisation = "default"
    ) -> None:
        super().__init__()
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
        operation = _operation(layer, (features, *input_shape[1:]))
        initialise(operation, init, activation=layer.activation, slope=layer.slope)
        if "spectral" in layer.norms:
            spectral_norm(operation)
        self.add_module(layer.operation, operation)
        if layer.reshape is not None:
            self.add_module("reshape", nn.Unflatten(1, layer.reshape))
        is_flat = layer.operation == "linear" and layer.reshape is None
        norms = _norms(layer, layer.reshape[0] if layer.reshape else layer.channels, is_flat, init)
        activations = _activations(layer)
        first, second = norms, activations
        if layer.order == "activation-norm":
            first, second = activations, norms
        for name, module in (first | second).items():
            self.add_module(name, module)
        if layer.dropout > 0:
            self.add_module("dropout", nn.Dropout(layer.dropout))


def _operation(
    layer: Layer, input_shape: tuple[int, ...]
) -> nn.Conv2d | nn.ConvTranspose2d | nn.Linear:
    features, sides = input_shape[0], input_shape[1:]
    if layer.operation == "linear":
        return nn.Linear(features, layer.channels, bias=layer.bias)
    is_padded = any((*layer.padding, *layer.output_padding))
    window = layer.kernel, layer.stride, layer.padding
    if layer.operation == "conv":
        convolution = ToPixel if sides == layer.kernel and not is_padded else nn.Conv2d
        return convolution(features, layer.channels, *window, bias=layer.bias)
    transposed = FromPixel if sides == (1, 1) and not is_padded else nn.ConvTranspose2d
    return transposed(features, layer.channels, *window, layer.output_padding, bias=layer.bias)


def _norms(
    layer: Layer, features: int, is_flat: bool, init: Initialisation
) -> dict[str, nn.Module]:
    """The norms that act on activations, in the order the row names them."""
    modules: dict[str, nn.Module] = {}
    for name in layer.norms:
        if name == "batch":
            batch_norm = nn.BatchNorm1d(features) if is_flat else nn.BatchNorm2d(features)
            initialise(batch_norm, init)
            modules[name] = batch_norm
        elif name == "pixel":
            modules[name] = PixelNorm()
    return modules


def _activations(layer: Layer) -> dict[str, nn.Module]:
    if layer.activation == "none":
        return {}
    if layer.activation == "leaky_relu":
        return {"leaky_relu": nn.LeakyReLU(layer.slope)}
    return {
        layer.activation: {"relu": nn.ReLU, "selu": nn.SELU, "tanh": nn.Tanh}[layer.activation]()
    }
