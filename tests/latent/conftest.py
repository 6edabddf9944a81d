"""A run that needs no training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dcgan.models import plan_discriminator, plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run
from dcgan.runtime.ranks import Ranks


class Untrained(Run):
    """A run whose generator has its first weights, enlarged so that pixels saturate."""

    def __init__(self, space: LatentSpace, width: int = 4) -> None:
        self.networks = Networks(
            generator=tuple(plan_generator((16, 16), 1, width=width)),
            discriminator=tuple(plan_discriminator((16, 16), width=width)),
            image_shape=(1, 16, 16),
            latent=space,
            class_names=tuple("abc"[: len(space.classes)]),
        )
        self.device = torch.device("cpu")
        self.ranks = Ranks()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            network = self.networks.build_generator("dcgan").eval().requires_grad_(False)
        for module in network.modules():
            if isinstance(module, nn.ConvTranspose2d):
                module.weight *= 25
        self.__dict__["generator"] = network


@pytest.fixture
def untrained():
    """Makes such runs."""
    return Untrained
