"""Networks with connections that skip layers.

- ``residual``: inner convolutions of the discriminator add their input, shrunk to half the size and
  projected to as many channels (He et al. 2016, arXiv:1512.03385; as in Karras et al. 2020,
  arXiv:1912.04958, the sum is divided by √2).
- ``images``: every layer of the generator makes an image, too, and enlarged they are added to the
  last one before its tanh (Karras et al. 2020).
- ``excitation``: the first feature map of the generator, of 4×4 positions, scales the channels of
  the map before the image (skip-layer excitation, Liu et al. 2021, arXiv:2101.04775).

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.runs.networks import Networks
from dcgan.vocabulary import Initialization


class Residual(Discriminator):
    """Its inner convolutions add their input."""

    def add(self) -> None:
        pairs = [
            (before[0], after[0])
            for before, after in zip(self.shapes, self.shapes[1:], strict=False)
            if len(before) == len(after) == 3
        ]
        self.shortcuts = nn.ModuleList(nn.Conv2d(*pair, 1, bias=False) for pair in pairs)

    def features(self, image_BCHW: Tensor) -> Tensor:
        first, *others = list(self.blocks)[:-1]
        feature: Tensor = first(image_BCHW)
        for number, block in enumerate(others):
            following: Tensor = block(feature)
            if number < len(self.shortcuts):
                shortcut = self.shortcuts[number](avg_pool2d(feature, 2))
                following = (following + shortcut) / 2**0.5
            feature = following
        return feature


class AddsImages(Generator):
    """Its image is the sum of an image of every layer."""

    def add(self) -> None:
        channels = self.image_shape[0]
        self.to_image = nn.ModuleList(
            nn.Conv2d(shape[0], channels, 1) for shape in self.shapes[:-1]
        )

    def forward(self, latent_BZ: Tensor) -> Tensor:
        *blocks, last = self.blocks
        feature = latent_BZ.reshape(-1, *self.input_shape)
        images = []
        for block, to_image in zip(blocks, self.to_image, strict=True):
            feature = block(feature)
            small_BCHW = to_image(feature)
            images.append(interpolate(small_BCHW, self.image_shape[1:], mode="bilinear"))
        *layers, squash = last.children()
        for layer in layers:
            feature = layer(feature)
        image_BCHW: Tensor = squash(feature + sum(images))
        return image_BCHW


class Excited(Generator):
    """Its first feature map scales the channels of the last."""

    def add(self) -> None:
        channels, side, _ = self.shapes[0]
        scaled = self.shapes[-2][0]
        self.scales = nn.Sequential(
            nn.Conv2d(channels, scaled, side), nn.LeakyReLU(0.1), nn.Conv2d(scaled, scaled, 1)
        )

    def forward(self, latent_BZ: Tensor) -> Tensor:
        first, *inner, last = self.blocks
        start = first(latent_BZ.reshape(-1, *self.input_shape))
        feature = start
        for block in inner:
            feature = block(feature)
        image_BCHW: Tensor = last(feature * self.scales(start).sigmoid())
        return image_BCHW


Kind = type[Residual] | type[AddsImages] | type[Excited]


@contextmanager
def shortcuts(kind: Kind) -> Iterator[None]:
    """Networks built within have the connections."""
    method = "build_discriminator" if issubclass(kind, Discriminator) else "build_generator"
    build: Callable[..., nn.Module] = getattr(Networks, method)

    def with_shortcuts(networks: Networks, init: Initialization = "default") -> nn.Module:
        network = build(networks, init)
        network.__class__ = kind
        assert isinstance(network, kind)
        network.add()
        return network

    with patch.object(Networks, method, with_shortcuts):
        yield
