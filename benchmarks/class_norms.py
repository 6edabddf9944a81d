"""A generator whose batch norms know the class: conditional batch norm.

After Dumoulin et al. 2017 (arXiv:1610.07629), whom Miyato and Koyama 2018 (arXiv:1802.05637) follow
in their generators. Each class adds its own numbers to the scales and offsets of all norms; they
start at 0. The class also stays a part of the latent.

B batch · Z latent · K classes · C channels
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor, nn

from dcgan.models.generator import Generator
from dcgan.runs.networks import Networks
from dcgan.vocabulary import Initialization


class ClassNorm(nn.BatchNorm2d):
    """Batch norm with a scale and an offset of each class. ``class_BK`` is set before each pass."""

    class_BK: Tensor

    def add(self, classes: int) -> None:
        self.scales_KC = nn.Parameter(torch.zeros(classes, self.num_features))
        self.offsets_KC = nn.Parameter(torch.zeros(classes, self.num_features))

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as PyTorch names it
        scale_BC = 1 + self.class_BK @ self.scales_KC
        offset_BC = self.class_BK @ self.offsets_KC
        return super().forward(input) * scale_BC[..., None, None] + offset_BC[..., None, None]


class WithClassNorms(Generator):
    """Its norms get the class from the latent."""

    class_slice: slice

    def add(self, classes: int, class_slice: slice) -> None:
        self.class_slice = class_slice
        for module in self.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = ClassNorm
                assert isinstance(module, ClassNorm)
                module.add(classes)

    def forward(self, latent_BZ: Tensor) -> Tensor:
        for module in self.modules():
            if isinstance(module, ClassNorm):
                module.class_BK = latent_BZ[:, self.class_slice]
        return super().forward(latent_BZ)


@contextmanager
def class_norms() -> Iterator[None]:
    """Generators built within have norms that know the class."""
    build = Networks.build_generator

    def with_class_norms(networks: Networks, init: Initialization = "default") -> Generator:
        generator = build(networks, init)
        generator.__class__ = WithClassNorms
        assert isinstance(generator, WithClassNorms)
        generator.add(len(networks.latent.classes), networks.latent.class_slice)
        return generator

    with patch.object(Networks, "build_generator", with_class_norms):
        yield
