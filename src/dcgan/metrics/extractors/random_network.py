"""Random convolutions: features for any images, without labels, training or downloads.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d, relu

from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.pixels import check_shape, fit_within, to_floats
from dcgan.metrics.extractors.weights import he_weights, with_any_weights

NAME = "random"

_SEED = 200209797
"""Any number would do (this is the paper's), but it must never change."""

_LONGEST = 32
"""Pixels of the longer side; larger images are shrunk to it."""

_WIDTHS = (24, 48, 64)
_GRID = 4
_LAYOUT = 256

_SCALE = 2.0
"""Brings the mean square of a feature near 1 (2.2 on MNIST, 0.6 on CIFAR-10), where all powers of
the cubic kernel (x·y / F + 1)³ count. The order of checkpoints hardly depends on it."""


class RandomConvolutions(nn.Module):
    """Three convolutions with random weights, which respond to textures and to the rough layout.

    The features are the means of all three stages over positions (24 + 48 + 64), and 256 random
    projections of the last stage on a grid of 4×4. There are no batch statistics, and nothing
    depends on any data. Naeem et al. 2020 (arXiv:2002.09797) use a random VGG-16 for images unlike
    those of ImageNet.

    The kernels of the first stage sum to zero, so that edges count and brightness does not, and
    max pooling connects the stages. Of nine such networks it ordered checkpoints and damaged
    images of MNIST and CIFAR-10 most like the Fréchet distance of a trained classifier. With
    brightness, one wrong tint outweighed all else on CIFAR-10; without max pooling, the kernel
    distance did not order late checkpoints of MNIST.

    It needs 5 million multiplications for an image of 32×32×3.

    Shape: uint8 (B, C, H, W) of any sides from 16 → (B, 392).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.stages = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            for inputs, outputs in ((channels, first), (first, second), (second, third))
        )
        self.layout = nn.Linear(third * _GRID**2, _LAYOUT, bias=False)
        self.channels = channels

    def forward(self, pixel_BCHW: Tensor) -> Tensor:
        x = fit_within(to_floats(pixel_BCHW), _LONGEST)
        features = []
        for number, stage in enumerate(self.stages):
            if number > 0:
                x = max_pool2d(x, 2)
            x = relu(stage(x))
            features.append(x.mean(dim=(2, 3)))
        features.append(self.layout(adaptive_avg_pool2d(x, _GRID).flatten(1)))
        return _SCALE * torch.cat(features, dim=1)

    def __repr__(self) -> str:
        # goes into the digest, which must not change with how PyTorch prints its layers
        return f"RandomConvolutions({self.channels}, longest={_LONGEST}, scale={_SCALE})"


def random_extractor(
    channels: int, size: tuple[int, int], *, device: torch.device | str = "cpu"
) -> Extractor:
    """A feature extractor that needs no labels and is fast enough to use while training on a CPU.

    The weights are the same for all images of one number of channels.

    Raises ``DataError`` unless there are 1 to 4 channels and sides (H, W) of at least 16 pixels.
    """
    check_shape(channels, size)
    device = torch.device(device)
    if device.type == "mps":  # which cannot pool 7 positions to 4
        device = torch.device("cpu")
    network = with_any_weights(lambda: RandomConvolutions(channels))
    he_weights(network, np.random.Generator(np.random.Philox(_SEED)))
    _center(network.stages[0])
    return Extractor(
        NAME,
        network,
        about="three convolutions with fixed random weights",
        device=device,
    )


def _center(convolution: nn.Module) -> None:
    """Make each kernel sum to zero; in double precision, so that all machines agree."""
    weight = convolution.get_parameter("weight")
    kernels = weight.detach().numpy().astype(np.float64)
    kernels -= kernels.mean(axis=(2, 3), keepdims=True)
    weight.data = torch.from_numpy(kernels.astype(np.float32))
