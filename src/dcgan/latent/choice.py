"""The choice of latents: a seed, conditions, truncation and moves.

B batch · Z numbers of a latent
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dcgan.latent.directions import moved
from dcgan.latent.noise import truncated
from dcgan.latent.store import read_direction
from dcgan.runs.conditions import with_conditions
from dcgan.runs.run import Run


@dataclass(frozen=True)
class Choice:
    """The options that all latents of one call share.

    Parameters
    ----------
    seed : int
        Latent i of a seed is always the same.
    label, codes
        See :func:`dcgan.runs.conditions.with_conditions`.
    truncation : float, optional
        See :func:`dcgan.latent.noise.truncated`.
    moves : mapping of str to float
        Stored directions of the run → standard deviations to move along each.
    """

    seed: int = 0
    label: str | None = None
    codes: Mapping[int, float] = field(default_factory=dict)
    truncation: float | None = None
    moves: Mapping[str, float] = field(default_factory=dict)

    def latents(self, run: Run, start: int, stop: int) -> Tensor:
        """Latents number ``start`` to ``stop`` (excluded), (B, Z)."""
        latent = run.networks.latent
        latent_BZ = latent.numbered(self.seed, start, stop)
        if self.truncation is not None:
            latent_BZ = truncated(latent, latent_BZ, self.truncation)
        latent_BZ = with_conditions(run.networks, latent_BZ, label=self.label, codes=self.codes)
        return self.move(run, latent_BZ)

    def move(self, run: Run, latent_BZ: Tensor) -> Tensor:
        """Latents moved along the chosen directions."""
        if not self.moves:
            return latent_BZ
        steps = [(read_direction(run, name).vector_D, by) for name, by in self.moves.items()]
        return moved(run.networks.latent, latent_BZ, steps)

    def images(self, run: Run, count: int, first: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Images of ``count`` latents from number ``first`` on, in parts, uint8 (B, C, H, W)."""

        def latents(start: int, stop: int) -> Tensor:
            return self.latents(run, first + start, first + stop)

        return run.generate_numbered(latents, count)
