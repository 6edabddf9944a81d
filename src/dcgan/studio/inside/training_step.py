"""One training step of both networks, as a textbook writes it.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dcgan.models import Discriminator, Generator
from dcgan.objectives import OBJECTIVES

PlayerName = Literal["generator", "discriminator"]

LOSS = OBJECTIVES["non-saturating"]


@dataclass(frozen=True)
class Players:
    """Both networks, each with its optimizer."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer


@dataclass(frozen=True)
class Record:
    """What a step measured, each before the network in question moved.

    Attributes
    ----------
    loss_generator, loss_discriminator : float
    score_real, score_generated : float
        D's mean probability that real and that generated images are real, in its own turn.
    """

    loss_generator: float
    loss_discriminator: float
    score_real: float
    score_generated: float


def train_step(
    players: Players, real_BCHW: Tensor, latent_BZ: Tensor, frozen: Collection[PlayerName] = ()
) -> Record:
    """A turn of the discriminator, then a turn of the generator.

    Parameters
    ----------
    players : Players
    real_BCHW : Tensor
        Real images, in [-1, 1].
    latent_BZ : Tensor
    frozen : collection of {"generator", "discriminator"}
        Who computes its loss but does not move.
    """
    fake_BCHW = players.generator(latent_BZ)

    # the discriminator learns to tell real images from generated ones
    real_B = players.discriminator(real_BCHW)
    fake_B = players.discriminator(fake_BCHW.detach())
    loss_discriminator = LOSS.discriminator(real_B, fake_B)
    if "discriminator" not in frozen:
        _descend(players.discriminator_optimizer, loss_discriminator)

    # the generator learns to make images that the discriminator, as it is now, takes for real
    loss_generator = LOSS.generator(players.discriminator(fake_BCHW))
    if "generator" not in frozen:
        _descend(players.generator_optimizer, loss_generator)

    return Record(
        loss_generator.item(),
        loss_discriminator.item(),
        real_B.sigmoid().mean().item(),
        fake_B.sigmoid().mean().item(),
    )


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
