"""The latent distribution, and latents that depend only on (seed, index).

B batch · Z latent
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

_BLOCK = 64
"""Latents are drawn in blocks of this many, so that the i-th does not depend on how many follow."""


@dataclass(frozen=True)
class LatentSpace:
    """What the generator's input is drawn from.

    Parameters
    ----------
    dim : int
        Z.
    distribution : {"normal", "uniform"}
        N(0, 1), or uniform on [-1, 1] as in Radford et al. 2016.
    """

    dim: int = 100
    distribution: Literal["normal", "uniform"] = "normal"

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` latents (B, Z) from a generator's stream, on that generator's device."""
        shape = (count, self.dim)
        if self.distribution == "normal":
            return torch.randn(shape, generator=generator, device=generator.device)
        return torch.rand(shape, generator=generator, device=generator.device) * 2 - 1

    def numbered(self, seed: int, start: int, stop: int) -> Tensor:
        """Latents number ``start`` to ``stop`` (excluded) of a seed, (B, Z), on the CPU.

        The i-th latent of a seed is the same in every call and on every device.

        Examples
        --------
        >>> space = LatentSpace(dim=4)
        >>> bool((space.numbered(7, 0, 100)[90:] == space.numbered(7, 90, 100)).all())
        True
        """
        blocks = []
        for block in range(start // _BLOCK, (stop + _BLOCK - 1) // _BLOCK):
            generator = torch.Generator().manual_seed(_mix(seed, block))
            blocks.append(self.draw(_BLOCK, generator))
        if not blocks:
            return torch.empty(0, self.dim)
        first = start // _BLOCK * _BLOCK
        return torch.cat(blocks)[start - first : stop - first]


def _mix(seed: int, block: int) -> int:
    """One 63-bit number from two, well spread (the finaliser of SplitMix64)."""
    mask = 2**64 - 1
    x = (seed * 0x9E3779B97F4A7C15 + block * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return (x ^ (x >> 31)) >> 1
