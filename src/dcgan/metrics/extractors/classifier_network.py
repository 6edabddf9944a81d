"""The network of the classifier that extracts features, and its card.

B batch · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.metrics.extractors.pixels import fit_within, to_floats

_LONGEST = 64
"""Pixels of the longer side; larger images are shrunk to it."""

_STEM, _WIDTHS = 16, (24, 48, 96, 128)
"""Channels of the extra first layer for larger images, and of the other layers: few, so that a CPU
can train it."""

_LARGE = 40
"""Pixels of the longer side above which an extra first layer halves images, so that the expensive
layers see as few positions as for 32 pixels."""


@dataclass(frozen=True)
class Card:
    """What a classifier was trained on, and how accurate it is.

    Parameters
    ----------
    channels : int
    size : (H, W)
        Of the images.
    classes : tuple of str
    trained_on, held_out : int
        Numbers of images that it was trained on, and of others that it was tested on.
    right : int
        How many of those others it classifies correctly.
    """

    channels: int
    size: tuple[int, int]
    classes: tuple[str, ...]
    trained_on: int = 0
    held_out: int = 0
    right: int = 0

    @property
    def accuracy(self) -> float:
        """Share of the held-out images that it classifies correctly."""
        return self.right / max(self.held_out, 1)

    def __str__(self) -> str:
        return (
            f"trained on {self.trained_on:,} images of {len(self.classes)} classes,"
            f" accuracy {100 * self.accuracy:.1f}% on {self.held_out:,} held-out images"
        )


class Classifier(nn.Module):
    """Convolutions with batch norm and ReLU, the mean over positions, and one linear layer.

    The features are those means: the logits are linear in them, as in Inception-v3, and a mean of
    several responses is closer than a single one to the Gaussian that the Fréchet distance assumes.

    Shape: uint8 (B, C, H, W) → features (B, 128) and logits (B, K).
    """

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card
        first, second, third, last = _WIDTHS
        stem = [_convolution(card.channels, first, halves=True)]
        if max(card.size) > _LARGE:
            stem = [
                _convolution(card.channels, _STEM, halves=True),
                _convolution(_STEM, first, halves=True),
            ]
        self.features = nn.Sequential(
            *stem,
            _convolution(first, second),
            nn.MaxPool2d(2, ceil_mode=True),  # at least one position remains
            _convolution(second, third),
            nn.MaxPool2d(2, ceil_mode=True),
            _convolution(third, last),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.logits = nn.Linear(last, len(card.classes))

    def forward(self, pixel_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        feature_BF = self.features(fit_within(to_floats(pixel_BCHW), _LONGEST))
        return feature_BF, self.logits(feature_BF)

    def __repr__(self) -> str:
        # goes into the digest, which must not change with how PyTorch prints its layers
        return f"Classifier({self.card!r}, longest={_LONGEST})"


def place(network: Classifier, device: torch.device) -> Classifier:
    """Move a network to a device, in the memory layout that is fastest there.

    Layouts round differently, so trained and loaded networks must have the same.
    """
    network.to(device)
    if device.type == "cpu":  # a third faster
        for weight in network.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return network


def _convolution(inputs: int, outputs: int, *, halves: bool = False) -> nn.Sequential:
    """A convolution that keeps the sides, or one that halves them."""
    kernel, stride = (4, 2) if halves else (3, 1)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
