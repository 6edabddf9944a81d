"""Exponential moving average of the generator's weights, ready to sample from."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from dcgan.models.batch_norm import averaging_batch_norm
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace

_ITERATIONS = 15
"""Of the power method, from vectors that are nearly right."""

_BATCH = 64
_BATCHES = 8
"""512 latents give each batch norm statistic over at least 512 values."""

STATISTICS_IMAGES = _BATCH * _BATCHES
"""Images that are generated each time to estimate batch norm's statistics."""


class AveragedGenerator:
    """A copy of the generator whose weights follow it slowly.

    After each step w̄ ← w + β (w̄ - w) with β = ½^(batch / half-life); early on the half-life is at
    most ``ramp_up`` of the images seen, so that the random start is soon forgotten. A half-life
    of zero keeps no average: the copy equals the generator.

    Parameters
    ----------
    generator : Generator
    half_life : int
        Images until an old weight counts half.
    ramp_up : float in [0, 1]
        0: the full half-life from the start.
    """

    def __init__(self, generator: Generator, *, half_life: int, ramp_up: float) -> None:
        self.module = copy.deepcopy(generator).eval().requires_grad_(False)
        self._half_life = half_life
        self._ramp_up = ramp_up

    @torch.no_grad()
    def update(self, generator: Generator, images_seen: int, batch: int) -> None:
        """Follow the generator by one step of ``batch`` images."""
        if self._half_life == 0:
            return  # ``ready`` copies
        half_life = float(self._half_life)
        if self._ramp_up > 0:
            half_life = min(half_life, self._ramp_up * images_seen)
        weight = 1 - 0.5 ** (batch / half_life)
        torch._foreach_lerp_(list(self.module.parameters()), list(generator.parameters()), weight)

    @torch.no_grad()
    def ready(self, generator: Generator, latent: LatentSpace, seed: int) -> Generator:
        """The copy with buffers and batch norm statistics that belong to its weights.

        Running statistics gathered while training belong to no single set of weights, least of
        all to averaged ones: they are measured afresh on ``seed``'s own latents.
        """
        _copy(generator.buffers(), self.module.buffers())
        if self._half_life == 0:
            _copy(generator.parameters(), self.module.parameters())
        else:
            _find_singular_vectors(self.module)
        reestimate_batch_norm(self.module, latent, seed)
        return self.module


def _copy(sources: Iterable[Tensor], targets: Iterable[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)


def _find_singular_vectors(module: nn.Module) -> None:
    """Spectral norm has those of the weights it last saw, and averaged weights are others."""
    for layer in module.modules():
        if is_parametrized(layer, "weight"):
            layer.train()
            for _ in range(_ITERATIONS):
                _ = layer.weight  # in training, reading is one step of the power method
            layer.eval()


@torch.no_grad()
def reestimate_batch_norm(generator: Generator, latent: LatentSpace, seed: int) -> None:
    """Set every batch norm's running statistics to plain averages over 512 latents of a seed."""
    device = next(generator.parameters()).device
    with averaging_batch_norm(generator) as is_needed:
        for batch in range(_BATCHES if is_needed else 0):
            generator(latent.numbered(seed, batch * _BATCH, (batch + 1) * _BATCH).to(device))
