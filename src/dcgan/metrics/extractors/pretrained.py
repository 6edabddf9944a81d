"""A small network that has learned to recognize objects, digits, symbols and shapes.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d, relu

from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.pixels import check_shape, fit_within, to_rgb
from dcgan.metrics.extractors.weights import with_any_weights

NAME = "pretrained"

WIDTHS = (32, 64, 96, 128)

_SIDE = 32
"""Pixels of the longer side; other images are resized to it."""


class PretrainedConvolutions(nn.Module):
    """Four convolutions with ReLU, and the means of each stage over positions.

    The weights were trained on the labels of CIFAR-10, MNIST, emoji by group (Twemoji, CC BY 4.0)
    and generated shapes, and on recognizing quarter turns, by
    ``benchmarks/pretrained_extractor.py``. Features are the means of all stages, so that textures
    count as well as contents. Each has mean 0 and variance 1 over the real images of these
    datasets; without this, a few large features outweigh the others.

    It needs 10 million multiplications for an image, whatever its size.

    Shape: uint8 (B, C, H, W) of 1 to 4 channels and any sides from 16 → (B, 320).
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third, last = WIDTHS
        self.stages = nn.ModuleList(
            [
                nn.Conv2d(3, first, 4, stride=2, padding=1),
                nn.Conv2d(first, second, 3, padding=1),
                nn.Conv2d(second, third, 3, padding=1),
                nn.Conv2d(third, last, 3, padding=1),
            ]
        )
        self.mean_F = nn.Buffer(torch.zeros(sum(WIDTHS)))
        self.deviation_F = nn.Buffer(torch.ones(sum(WIDTHS)))

    def forward(self, pixel_BCHW: Tensor) -> Tensor:
        x = fit_within(to_rgb(pixel_BCHW) / 127.5 - 1, _SIDE)
        height, width = x.shape[-2:]
        if max(height, width) < _SIDE:
            scale = _SIDE / max(height, width)
            size = (round(height * scale), round(width * scale))
            x = interpolate(x, size=size, mode="bilinear", align_corners=False)
        return (self.means(x) - self.mean_F) / self.deviation_F

    def means(self, image_BCHW: Tensor) -> Tensor:
        """The means of each stage over positions (B, F), of images (B, 3, H, W) in [-1, 1]."""
        x, features = image_BCHW, []
        for number, stage in enumerate(self.stages):
            x = relu(stage(max_pool2d(x, 2) if number > 1 else x))
            features.append(x.mean(dim=(2, 3)))
        return torch.cat(features, dim=1)

    def __repr__(self) -> str:
        # goes into the digest, which must not change with how PyTorch prints its layers
        return f"PretrainedConvolutions(side={_SIDE})"


def pretrained_extractor(
    channels: int, size: tuple[int, int], *, device: torch.device | str = "cpu"
) -> Extractor:
    """A feature extractor that needs no labels, for images of any kind.

    Raises ``DataError`` unless there are 1 to 4 channels and sides (H, W) of at least 16 pixels.
    """
    check_shape(channels, size)
    network = with_any_weights(PretrainedConvolutions)
    stored = load(files(__package__).joinpath(f"{NAME}.safetensors").read_bytes())
    network.load_state_dict({name: value.float() for name, value in stored.items()})
    return Extractor(
        NAME,
        network,
        about="trained on labeled objects, digits, emoji and shapes",
        device=device,
    )


def compressed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored: half precision, contiguous."""
    return {name: value.half().contiguous() for name, value in weights.items()}
