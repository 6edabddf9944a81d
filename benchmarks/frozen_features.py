"""A discriminator that also sees frozen features of the image: projected GAN without a download.

After Sauer et al. 2021 (arXiv:2111.01007). The features enter before the output layer, through
layers that are trained with the rest. They are those of the pretrained extractor; those of a file
that `pretrained_extractor.py` has written, if the environment variable FROZEN_WEIGHTS names one; or
random.

B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from dcgan.metrics.extractors.pretrained import NAME, WIDTHS, PretrainedConvolutions
from dcgan.models.discriminator import Discriminator
from dcgan.runs.networks import Networks
from dcgan.vocabulary import Initialization

STAGES = 3
"""Convolutions of the extractor that are used: features of 8×8 positions for images of 32×32."""


class WithFrozenFeatures(Discriminator):
    """Its features are the sum of its own and those read from the frozen ones."""

    def add(self, *, is_random: bool) -> None:
        self.frozen = _frozen_stages(is_random=is_random)
        (hidden,) = self.shapes[-2]
        self.reader_of_frozen = nn.Sequential(
            nn.Conv2d(WIDTHS[STAGES - 1], 64, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.LazyLinear(hidden),
            nn.LeakyReLU(0.2),
        )

    def features(self, image_BCHW: Tensor) -> Tensor:
        feature: Tensor = image_BCHW.expand(-1, 3, -1, -1)
        for number, stage in enumerate(self.frozen):
            feature = relu(stage(max_pool2d(feature, 2) if number > 1 else feature))
        read_BF: Tensor = self.reader_of_frozen(feature)
        return super().features(image_BCHW) + read_BF


def _frozen_stages(*, is_random: bool) -> nn.ModuleList:
    extractor = PretrainedConvolutions()
    if is_random:
        for stage in extractor.stages:
            nn.init.kaiming_normal_(stage.weight)
            nn.init.zeros_(stage.bias)
    else:
        extractor.load_state_dict(extractor_weights(os.environ.get("FROZEN_WEIGHTS")))
    return extractor.stages[:STAGES].requires_grad_(False)


def extractor_weights(named: str | None) -> dict[str, Tensor]:
    """Those of a file; without one, those of the pretrained extractor."""
    shipped = files("dcgan.metrics.extractors").joinpath(f"{NAME}.safetensors")
    content = Path(named).read_bytes() if named else shipped.read_bytes()
    return {name: one.float() for name, one in load(content).items()}


@contextmanager
def frozen_features(*, is_random: bool = False) -> Iterator[None]:
    """Discriminators built within see frozen features, too."""
    build = Networks.build_discriminator

    def with_features(networks: Networks, init: Initialization = "default") -> Discriminator:
        discriminator = build(networks, init)
        discriminator.__class__ = WithFrozenFeatures
        assert isinstance(discriminator, WithFrozenFeatures)
        discriminator.add(is_random=is_random)
        channels, height, width = networks.image_shape
        discriminator(torch.zeros(2, channels, height, width))  # for the sizes of the lazy layer
        return discriminator

    with patch.object(Networks, "build_discriminator", with_features):
        yield
