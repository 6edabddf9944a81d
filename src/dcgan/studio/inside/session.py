"""One session of the teaching page: two small networks, their data, and what they show."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from threading import Lock

import torch
from torch import Tensor

from dcgan.data import Batches, ImageDataset, load_dataset, open_source
from dcgan.models import (
    Discriminator,
    Generator,
    LatentSpace,
    plan_discriminator,
    plan_generator,
)
from dcgan.runtime.isolation import isolated
from dcgan.runtime.optimizers import Adam
from dcgan.runtime.rng import derived_seed
from dcgan.studio.inside.tensors import Tensors, tensors_of
from dcgan.studio.inside.training_step import PlayerName, Players, Record, train_step

SIDE = 16
BATCH = 32
SHOWN = 8
"""Images of each kind that are shown. Their latents are the same in every batch, so that one sees
how their images change."""

RATE = 2e-3
"""The learning rate of both networks with which digits appear within some hundred steps."""

_WIDTH = 16
_LATENT = LatentSpace(dim=16)
_BETAS = (0.5, 0.999)

_building = Lock()
"""Held while networks get their first weights: they come from PyTorch's global generator."""


class Session:
    """A DCGAN on the digits that moves only when it is told to.

    Parameters
    ----------
    seed : int, at least 0
        Decides the weights, the latents and the order of the real images.

    Attributes
    ----------
    seed, step : int
    lock : Lock
        To be held while the session computes.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.step = seed, 0
        self.lock = Lock()
        with _building, isolated():
            self.players = _players(seed)
            digits = _digits()
        self._random = torch.Generator().manual_seed(derived_seed(seed, "inside latents"))
        self._shown_NZ = _LATENT.sample(SHOWN, self._random)
        batches = Batches(digits, BATCH, seed=derived_seed(seed, "inside images"))
        self._real: Iterator[Tensor] = batches.starting_at(0)
        # shown before the first step; the first step uses the batch after it
        self.batch = self._next_batch()

    def train(
        self,
        count: int = 1,
        *,
        frozen: Collection[PlayerName] = (),
        rates: Mapping[PlayerName, float] | None = None,
    ) -> list[Record]:
        """Make some steps.

        Parameters
        ----------
        count : int, default 1
        frozen : collection of {"generator", "discriminator"}
            Who does not move.
        rates : mapping, optional
            Learning rates by player; default :data:`RATE`.

        Returns
        -------
        list of Record
            One of each step.
        """
        optimizers: dict[PlayerName, torch.optim.Optimizer] = {
            "generator": self.players.generator_optimizer,
            "discriminator": self.players.discriminator_optimizer,
        }
        for name, optimizer in optimizers.items():
            optimizer.param_groups[0]["lr"] = dict(rates or {}).get(name, RATE)
        records = []
        for _ in range(count):
            self.batch = self._next_batch()
            records.append(train_step(self.players, *self.batch, frozen))
            self.step += 1
        return records

    def tensors(self) -> Tensors:
        """All tensors for the batch of the last step, with the networks as they are after it."""
        return tensors_of(self.players, *self.batch)

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        """Real images (B, C, H, W) and latents (B, Z)."""
        others = _LATENT.sample(BATCH - SHOWN, self._random)
        return next(self._real), torch.cat([self._shown_NZ, others])


def _players(seed: int) -> Players:
    image = (1, SIDE, SIDE)
    torch.manual_seed(derived_seed(seed, "inside weights"))
    generator = Generator(plan_generator((SIDE, SIDE), 1, width=_WIDTH), latent_dim=_LATENT.width)
    discriminator = Discriminator(plan_discriminator((SIDE, SIDE), width=_WIDTH), image)
    return Players(
        generator,
        discriminator,
        Adam(generator.parameters(), RATE, _BETAS, fused=True),
        Adam(discriminator.parameters(), RATE, _BETAS, fused=True),
    )


@cache
def _digits() -> ImageDataset:
    """The built-in digits in the networks' size."""
    return load_dataset(open_source("digits"), (SIDE, SIDE), 1)
