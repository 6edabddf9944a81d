"""Initial weights."""

from __future__ import annotations

from math import sqrt

from torch import nn

from dcgan.models.convolution import FromPixel
from dcgan.vocabulary import Initialization


def initialize(
    module: nn.Module, init: Initialization, *, activation: str = "none", slope: float = 0.0
) -> None:
    """Set a fresh layer's weights in place.

    Parameters
    ----------
    module : a convolution, linear or batch norm layer
    init : {"default", "dcgan", "he"}
        ``default`` leaves PyTorch's initialization. ``dcgan`` draws weights from N(0, 0.02) and
        batch norm scales from N(1, 0.02), with shifts of zero (Radford et al. 2016, section 4;
        the spread of the scales is that of their code). ``he`` keeps the variance of activations
        from layer to layer: weights have variance 2 / (1 + slope²) / fan-in before a rectifier
        and 1 / fan-in elsewhere, biases are zero (He et al. 2015, arXiv:1502.01852, equation 14).
        PyTorch's variance is a sixth of that, so a deep network without norm has hardly any signal.
    activation : str, default "none"
        Of the layer. SELU needs zero-mean weights of variance 1 / fan-in (Klambauer et al. 2017,
        arXiv:1706.02515), and gets them with any ``init``.
    slope : float, default 0
        Negative slope of a leaky ReLU.
    """
    if activation == "selu" or init == "he":
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            variance = _gain(activation, slope) / _fan_in(module)
            nn.init.normal_(module.weight, 0.0, sqrt(variance))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        return
    if init == "default":
        return
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def _gain(activation: str, slope: float) -> float:
    """Factor of the variance that makes up for the activation."""
    match activation:
        case "relu":
            return 2.0
        case "leaky_relu":
            return 2 / (1 + slope**2)
    return 1.0


def _fan_in(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> float:
    """How many inputs one output sums.

    A transposed convolution spreads each input over its kernel, so an output of stride s sees
    only every s-th kernel element per axis; and of a single pixel only one.
    """
    if isinstance(module, nn.Linear):
        return module.in_features
    if isinstance(module, FromPixel):
        return module.in_channels
    area = float(module.kernel_size[0] * module.kernel_size[1])
    if isinstance(module, nn.ConvTranspose2d):
        area /= module.stride[0] * module.stride[1]
    return module.in_channels * max(area, 1.0)
