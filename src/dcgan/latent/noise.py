"""The noise of a latent, whatever its distribution, and what stands beside it.

B batch · F frames · Z numbers of a latent: D of noise, then classes and codes

What is done to normal noise (great circles, means, directions) has no meaning for uniform noise,
whose draws fill a cube. Coordinate by coordinate the distribution functions carry one to the other:
what is done there and carried back draws from the cube as training did.
"""

from __future__ import annotations

from math import erf, pi, sqrt

import torch
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.paths import Way, circle, straight
from dcgan.models.latents import LatentSpace

_LARGEST = 1 - 2.0**-24
"""Uniform numbers nearer to ±1 are taken as this: their normal ones would be infinite."""


def to_normal(space: LatentSpace, latent_BZ: Tensor) -> Tensor:
    """The noise alone, normal: (B, Z) → (B, D).

    Examples
    --------
    >>> space = LatentSpace(dim=1, distribution="uniform")
    >>> to_normal(space, torch.tensor([[0.6827]])).round(decimals=3)  # one deviation
    tensor([[1.]])
    """
    noise_BD = latent_BZ[:, : space.dim]
    if space.distribution == "normal":
        return noise_BD
    inside_BD = _wide(noise_BD).clamp(-_LARGEST, _LARGEST)
    return (sqrt(2) * torch.erfinv(inside_BD)).to(latent_BZ)


def from_normal(space: LatentSpace, noise_BD: Tensor, beside: Tensor) -> Tensor:
    """The way back from :func:`to_normal`: noise (B, D), and what stands beside it → (B, Z)."""
    if space.distribution == "uniform":
        noise_BD = torch.erf(_wide(noise_BD) / sqrt(2)).to(noise_BD)
    return torch.cat([noise_BD, beside], dim=1)


def on_noise(space: LatentSpace, way: Way) -> Way:
    """A way between whole latents: ``way`` for their noise, straight for classes and codes."""

    def between(start_Z: Tensor, end_Z: Tensor, share_F: Tensor) -> Tensor:
        ends_D = to_normal(space, torch.stack([start_Z, end_Z]))
        beside = straight(start_Z[space.dim :], end_Z[space.dim :], share_F)
        found_FZ = from_normal(space, way(ends_D[0], ends_D[1], share_F), beside)
        # there and back again is not exact
        found_FZ = torch.where((share_F == 0)[:, None], start_Z, found_FZ)
        return torch.where((share_F == 1)[:, None], end_Z, found_FZ)

    return between


def noise_circle(space: LatentSpace, first_Z: Tensor, second_Z: Tensor, frames: int) -> Tensor:
    """The closed loop through two latents: :func:`dcgan.latent.paths.circle` of their noise.

    Classes and codes are mixed by cos² θ and sin² θ, which are one together.

    Returns
    -------
    Tensor
        (frames, Z).
    """
    noise = to_normal(space, torch.stack([first_Z, second_Z]))
    angle_F = torch.arange(frames) * (2 * pi / frames)
    beside = straight(first_Z[space.dim :], second_Z[space.dim :], torch.sin(angle_F) ** 2)
    found_FZ = from_normal(space, circle(noise[0], noise[1], frames), beside)
    return torch.cat([first_Z[None], found_FZ[1:]])  # there and back again is not exact


def truncated(space: LatentSpace, latent_BZ: Tensor, most: float) -> Tensor:
    """The same latents, drawn from the middle of the distribution: better images, fewer kinds.

    Brock et al. 2019 (arXiv:1809.11096, section 3.1) draw normal numbers beyond a threshold anew.
    Here each number moves to the same quantile of the truncated distribution instead: the
    distribution is the same, and an image changes smoothly with the threshold.

    Parameters
    ----------
    space : LatentSpace
    latent_BZ : Tensor
    most : float
        Greatest absolute number of normal noise, in deviations; of uniform noise, in [-1, 1].

    Raises
    ------
    ConfigError
        Not above 0.

    Examples
    --------
    >>> space = LatentSpace(dim=3)
    >>> truncated(space, torch.tensor([[-9.0, 0.0, 1.0]]), 0.5).round(decimals=3)
    tensor([[-0.5000,  0.0000,  0.3340]])
    """
    if not most > 0:
        raise ConfigError("truncation", most, "above 0, in deviations; 2 is moderate, 1 strong")
    noise_BD, beside = latent_BZ[:, : space.dim], latent_BZ[:, space.dim :]
    if space.distribution == "uniform":
        return torch.cat([noise_BD * min(most, 1.0), beside], dim=1)
    # P(|z| < x) = erf(x / √2): the quantile of a symmetric distribution, sign kept
    inside_BD = torch.erf(_wide(noise_BD) / sqrt(2)) * erf(most / sqrt(2))
    moved_BD = sqrt(2) * torch.erfinv(inside_BD.clamp(-_LARGEST, _LARGEST))
    return torch.cat([moved_BD.to(latent_BZ), beside], dim=1)


def _wide(noise_BD: Tensor) -> Tensor:
    """In double precision, where the device knows it."""
    return noise_BD if noise_BD.device.type == "mps" else noise_BD.double()
