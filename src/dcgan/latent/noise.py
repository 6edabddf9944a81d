"""The noise of a latent, normal or uniform, and its classes and codes.

B batch · F frames · Z numbers of a latent: D of noise, then classes and codes

Great circles, means and directions are meant for normal noise. Uniform noise fills a cube, so it is
mapped to normal noise, coordinate by coordinate with the distribution functions, and back.
"""

from __future__ import annotations

from math import erf, pi, sqrt

import torch
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.paths import LatentPath, circle, straight
from dcgan.models.latents import LatentSpace

_LARGEST = 1 - 2.0**-24
"""Larger uniform numbers are replaced by this, since ±1 would be infinite."""


def to_normal(space: LatentSpace, latent_BZ: Tensor) -> Tensor:
    """The noise alone, normal: (B, Z) → (B, D).

    Examples
    --------
    >>> space = LatentSpace(dim=1, distribution="uniform")
    >>> to_normal(space, torch.tensor([[0.6827]])).round(decimals=3)  # one standard deviation
    tensor([[1.]])
    """
    noise_BD = latent_BZ[:, : space.dim]
    if space.distribution == "normal":
        return noise_BD
    inside_BD = _wide(noise_BD).clamp(-_LARGEST, _LARGEST)
    return (sqrt(2) * torch.erfinv(inside_BD)).to(latent_BZ)


def from_normal(space: LatentSpace, noise_BD: Tensor, beside: Tensor) -> Tensor:
    """The inverse of :func:`to_normal`: noise (B, D), and classes and codes → (B, Z)."""
    if space.distribution == "uniform":
        noise_BD = torch.erf(_wide(noise_BD) / sqrt(2)).to(noise_BD)
    return torch.cat([noise_BD, beside], dim=1)


def on_noise(space: LatentSpace, path: LatentPath) -> LatentPath:
    """A path between whole latents: ``path`` for their noise, straight for classes and codes."""

    def between(start_Z: Tensor, end_Z: Tensor, share_F: Tensor) -> Tensor:
        ends_D = to_normal(space, torch.stack([start_Z, end_Z]))
        beside = straight(start_Z[space.dim :], end_Z[space.dim :], share_F)
        found_FZ = from_normal(space, path(ends_D[0], ends_D[1], share_F), beside)
        # the mapping and its inverse are not exact
        found_FZ = torch.where((share_F == 0)[:, None], start_Z, found_FZ)
        return torch.where((share_F == 1)[:, None], end_Z, found_FZ)

    return between


def noise_circle(space: LatentSpace, first_Z: Tensor, second_Z: Tensor, frames: int) -> Tensor:
    """The closed loop through two latents: :func:`dcgan.latent.paths.circle` of their noise.

    Classes and codes are mixed with weights cos² θ and sin² θ, whose sum is 1.

    Returns
    -------
    Tensor
        (frames, Z).
    """
    noise = to_normal(space, torch.stack([first_Z, second_Z]))
    angle_F = torch.arange(frames) * (2 * pi / frames)
    beside = straight(first_Z[space.dim :], second_Z[space.dim :], torch.sin(angle_F) ** 2)
    found_FZ = from_normal(space, circle(noise[0], noise[1], frames), beside)
    return torch.cat([first_Z[None], found_FZ[1:]])  # the mapping is not exact


def truncated(space: LatentSpace, latent_BZ: Tensor, most: float) -> Tensor:
    """Latents of the truncated distribution: better images with less variety.

    Brock et al. 2019 (arXiv:1809.11096, section 3.1) resample normal numbers beyond a threshold.
    Here, each number moves to the same quantile of the truncated distribution: the distribution is
    the same, and an image changes smoothly with the threshold.

    Parameters
    ----------
    space : LatentSpace
    latent_BZ : Tensor
    most : float
        Largest absolute number: of normal noise in standard deviations, of uniform noise in (0, 1].

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
        raise ConfigError("truncation", most, "must be above 0. 2 is moderate, 1 is strong")
    noise_BD, beside = latent_BZ[:, : space.dim], latent_BZ[:, space.dim :]
    if space.distribution == "uniform":
        return torch.cat([noise_BD * min(most, 1.0), beside], dim=1)
    # P(|z| < x) = erf(x / √2): the quantile of a symmetric distribution, sign kept
    inside_BD = torch.erf(_wide(noise_BD) / sqrt(2)) * erf(most / sqrt(2))
    moved_BD = sqrt(2) * torch.erfinv(inside_BD.clamp(-_LARGEST, _LARGEST))
    return torch.cat([moved_BD.to(latent_BZ), beside], dim=1)


def _wide(noise_BD: Tensor) -> Tensor:
    """In double precision, if the device has it."""
    return noise_BD if noise_BD.device.type == "mps" else noise_BD.double()
