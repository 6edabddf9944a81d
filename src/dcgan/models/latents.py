"""The latent distribution, and latents that depend only on (seed, index).

B batch · Z latent
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
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
            blocks.append(self._block(seed, block))
        if not blocks:
            return torch.empty(0, self.dim)
        first = start // _BLOCK * _BLOCK
        return torch.cat(blocks)[start - first : stop - first]

    def _block(self, seed: int, block: int) -> Tensor:
        # Philox takes both numbers as its key, so no two blocks can be the same; PyTorch's CPU
        # generator uses 32 bits of a seed, and blocks would meet after some 100,000
        philox = np.random.Philox(key=np.array([seed, block], dtype=np.uint64))
        stream = np.random.Generator(philox)
        shape = (_BLOCK, self.dim)
        if self.distribution == "normal":
            return torch.from_numpy(stream.standard_normal(shape, dtype=np.float32))
        return torch.from_numpy(stream.random(shape, dtype=np.float32) * 2 - 1)
