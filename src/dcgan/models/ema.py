"""Exponential moving average of the generator's weights, ready to sample from."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor

from dcgan.models.batch_norm import reestimate_batch_norm
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.models.spectral import find_singular_vectors


class AveragedGenerator:
    """An exponential moving average (EMA) of the generator's weights, as a copy of the generator.

    After each step w̄ ← w + β (w̄ - w) with β = ½^(batch / half-life). Early in a run the half-life
    is at most ``ramp_up`` of the images seen, so that the random start is soon forgotten. With a
    half-life of zero the copy equals the generator.

    Parameters
    ----------
    generator : Generator
    half_life : int
        Images until an old weight counts half.
    latent : LatentSpace
        Of the generator.
    ramp_up : float in [0, 1], default 0.05
        0: the full half-life from the start.
    seed : int, default 0
        Of the latents from which batch norm statistics are estimated.

    Examples
    --------
    >>> from dcgan.models import LatentSpace, plan_generator
    >>> generator = Generator(plan_generator((16, 16), 1, width=4))
    >>> average = AveragedGenerator(generator, half_life=5_000, latent=LatentSpace())
    >>> average.update(generator, images_seen=32, batch=32)  # after each generator step
    >>> images = average.ready(generator)(LatentSpace().sample(8))
    """

    def __init__(
        self,
        generator: Generator,
        *,
        half_life: int,
        latent: LatentSpace,
        ramp_up: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.module = copy.deepcopy(generator).eval().requires_grad_(False)
        self._half_life = half_life
        self._ramp_up = ramp_up
        self._latent = latent
        self._seed = seed
        self._is_ready = False

    @torch.no_grad()
    def update(self, generator: Generator, images_seen: int, batch: int) -> None:
        """Follow the generator by one step of ``batch`` images.

        With ``images_seen`` 0 and a ``ramp_up`` the copy becomes equal to the generator.
        """
        self._is_ready = False
        if self._half_life == 0:
            return  # ``ready`` copies
        half_life = float(self._half_life)
        if self._ramp_up > 0:
            half_life = min(half_life, self._ramp_up * images_seen)
        weight = 1 - 0.5 ** (batch / half_life) if half_life > 0 else 1.0
        torch._foreach_lerp_(list(self.module.parameters()), list(generator.parameters()), weight)

    @torch.no_grad()
    def ready(self, generator: Generator) -> Generator:
        """The copy in evaluation mode, with batch norm statistics that belong to its weights.

        Running statistics from training belong to no single set of weights, so they are estimated
        again, from the seed's own latents; between two updates only once.
        """
        if self._is_ready:
            return self.module
        _copy(generator.buffers(), self.module.buffers())
        if self._half_life == 0:
            _copy(generator.parameters(), self.module.parameters())
        else:
            find_singular_vectors(self.module)
        reestimate_batch_norm(self.module, self._latent, self._seed)
        self._is_ready = True
        return self.module


def _copy(sources: Iterable[Tensor], targets: Iterable[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)
