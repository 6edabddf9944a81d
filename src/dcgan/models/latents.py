"""The latent distribution, and latents that depend only on (seed, index).

B batch · Z numbers of a latent, conditions and codes included · K classes
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from dcgan.vocabulary import Distribution

_BLOCK = 64
"""Latents are generated in blocks, so that the i-th does not depend on how many follow."""


@dataclass(frozen=True)
class LatentSpace:
    """The distribution of the generator's input.

    A latent is one vector, with or without conditions: noise, then a one-hot class of K numbers
    (for a linear first layer the same as an embedding concatenated to the noise), then each
    categorical code, also one-hot, then the continuous codes.

    Parameters
    ----------
    dim : int
        Numbers of noise.
    distribution : {"normal", "uniform"}
        Of the noise: N(0, 1), or uniform on [-1, 1] as in Radford et al. 2016.
    classes : tuple of float
        The share of each class among generated images; empty: not conditional.
    categorical : tuple of int
        How many equally likely values each categorical code has (Chen et al. 2016,
        arXiv:1606.03657).
    continuous : int
        Number of continuous codes, each uniform on [-1, 1].
    """

    dim: int = 100
    distribution: Distribution = "normal"
    classes: tuple[float, ...] = ()
    categorical: tuple[int, ...] = ()
    continuous: int = 0

    @property
    def width(self) -> int:
        """Z: all numbers of a latent."""
        return self.dim + len(self.classes) + sum(self.categorical) + self.continuous

    @property
    def class_slice(self) -> slice:
        """Where the class is in a latent."""
        return slice(self.dim, self.dim + len(self.classes))

    @property
    def categorical_slices(self) -> tuple[slice, ...]:
        """Where each categorical code is."""
        start, found = self.class_slice.stop, []
        for values in self.categorical:
            found.append(slice(start, start + values))
            start += values
        return tuple(found)

    @property
    def continuous_slice(self) -> slice:
        """Where the continuous codes are."""
        return slice(self.width - self.continuous, self.width)

    def sample(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """``count`` random latents (B, Z), on the device of the generator.

        Without one, they come from PyTorch's global random numbers, on the CPU.

        Examples
        --------
        >>> LatentSpace(dim=4).sample(2).shape
        torch.Size([2, 4])
        """
        generator = torch.default_generator if generator is None else generator
        device = generator.device
        parts = [_noise(self.distribution, (count, self.dim), generator)]
        if self.classes:
            place = torch.rand(count, generator=generator, device=device)
            drawn = torch.searchsorted(_ends(self.classes, device), place, right=True)
            parts.append(_one_hot(drawn, len(self.classes)))
        for values in self.categorical:
            drawn = torch.randint(values, (count,), generator=generator, device=device)
            parts.append(_one_hot(drawn, values))
        if self.continuous:
            parts.append(_noise("uniform", (count, self.continuous), generator))
        return torch.cat(parts, dim=1)

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
            return torch.empty(0, self.width)
        first = start // _BLOCK * _BLOCK
        return torch.cat(blocks)[start - first : stop - first]

    def with_class(self, latent_BZ: Tensor, number: int) -> Tensor:
        """The same latents, all of one class."""
        return _with_hot(latent_BZ, self.class_slice, number)

    def with_category(self, latent_BZ: Tensor, code: int, value: int) -> Tensor:
        """The same latents, with one value of a categorical code."""
        return _with_hot(latent_BZ, self.categorical_slices[code], value)

    def with_continuous(self, latent_BZ: Tensor, code: int, value: float) -> Tensor:
        """The same latents, with one value of a continuous code."""
        changed_BZ = latent_BZ.clone()
        changed_BZ[:, self.continuous_slice.start + code] = value
        return changed_BZ

    def _block(self, seed: int, block: int) -> Tensor:
        # Philox takes both numbers as its key, so no two blocks can be the same; PyTorch's CPU
        # generator uses 32 bits of a seed, and blocks would meet after some 100,000
        philox = np.random.Philox(key=np.array([seed, block], dtype=np.uint64))
        stream = np.random.Generator(philox)
        shape = (_BLOCK, self.dim)
        if self.distribution == "normal":
            parts = [torch.from_numpy(stream.standard_normal(shape, dtype=np.float32))]
        else:
            parts = [torch.from_numpy(stream.random(shape, dtype=np.float32) * 2 - 1)]
        if self.classes:
            ends = np.cumsum(self.classes) / sum(self.classes)
            drawn = np.searchsorted(ends[:-1], stream.random(_BLOCK), side="right").astype(np.int64)
            parts.append(_one_hot(torch.from_numpy(drawn), len(self.classes)))
        for values in self.categorical:
            drawn = np.floor(stream.random(_BLOCK) * values).astype(np.int64)
            parts.append(_one_hot(torch.from_numpy(drawn), values))
        if self.continuous:
            uniform = stream.random((_BLOCK, self.continuous), dtype=np.float32) * 2 - 1
            parts.append(torch.from_numpy(uniform))
        return torch.cat(parts, dim=1)


@lru_cache(maxsize=64)
def _ends(shares: tuple[float, ...], device: torch.device) -> Tensor:
    """Where on [0, 1) each class but the last ends, once per device: each copy to a GPU would wait
    for it. (``torch.multinomial`` needs a sum there that has no deterministic algorithm.)"""
    with torch.inference_mode(False):
        ends = np.cumsum(shares) / sum(shares)
        return torch.tensor(ends[:-1], dtype=torch.float32, device=device)


def _noise(
    distribution: Distribution, shape: tuple[int, int], generator: torch.Generator
) -> Tensor:
    if distribution == "normal":
        return torch.randn(shape, generator=generator, device=generator.device)
    return torch.rand(shape, generator=generator, device=generator.device) * 2 - 1


def _one_hot(number_B: Tensor, values: int) -> Tensor:
    return one_hot(number_B, values).float()


def _with_hot(latent_BZ: Tensor, place: slice, number: int) -> Tensor:
    changed_BZ = latent_BZ.clone()
    changed_BZ[:, place] = 0
    changed_BZ[:, place.start + number] = 1
    return changed_BZ
