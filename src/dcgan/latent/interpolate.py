"""Latent paths: latents between latents.

F frames · K points · Z numbers of a latent
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.noise import from_normal, noise_circle, on_noise, to_normal
from dcgan.latent.paths import corners, spherical, straight, through, walk
from dcgan.models.latents import LatentSpace
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked

Kind = Literal["spherical", "straight", "circle", "grid", "walk"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_EACH = 10
"""Frames from one point of a walk to the next."""

_MOST_FRAMES = 10_000

_SAME = 1e-4
"""Distance of two latents, relative to their length, below which rounding is all that differs."""

_STEP = 0.6
"""Radians between points of a walk: neighbors look alike, and little remains after five."""


@checked
@isolated()
def interpolate(
    space: LatentSpace,
    points_KZ: Tensor,
    *,
    kind: Kind = "spherical",
    frames: int = 60,
    closed: bool = False,
    seed: int = 0,
) -> Tensor:
    """Latents on a path through points.

    Parameters
    ----------
    space : LatentSpace
    points_KZ : Tensor
        (K, Z): two or more; two for a circle, two or four for a grid, the start of a walk.
    kind : {"spherical", "straight", "circle", "grid", "walk"}
        Great circles; straight lines; the closed circle z₁ cos θ + z₂ sin θ; a square grid between
        corners; a random walk.
    frames : int, default 60
        Number of latents F; for a grid, the nearest square number.
    closed : bool
        Return from the last point to the first. Only for ``spherical`` and ``straight``.
    seed : int
        Of a random walk.

    Returns
    -------
    Tensor
        (F, Z).

    Raises
    ------
    ConfigError
        A wrong number of points, fewer frames than points or more than 10,000, a circle of two
        equal points, or ``closed`` for another kind.
    """
    _refuse(kind, len(points_KZ), frames, closed=closed)
    if kind == "circle" and torch.equal(points_KZ[0], points_KZ[1]):
        raise ConfigError("points", "the same twice", "a circle needs two different points")
    match kind:
        case "circle":
            return noise_circle(space, points_KZ[0], points_KZ[1], frames)
        case "grid":
            return corners(points_KZ, max(2, round(frames**0.5)), on_noise(space, spherical))
        case "walk":
            points_KZ = _walked(space, points_KZ[0], max(1, frames // _EACH), seed)
    # straight lines also stay in the cube of uniform noise
    path = straight if kind == "straight" else on_noise(space, spherical)
    return through(points_KZ, frames, path, closed=closed)


def describe(space: LatentSpace, kind: Kind) -> str:
    """A description of the path for users."""
    if kind == "straight" or space.distribution == "normal":
        return kind
    return f"{kind} in normal noise, mapped back to uniform noise"


def named_places(path_FZ: Tensor, points_KZ: Tensor, names: Sequence[str]) -> list[str]:
    """The name of the point that each latent of a path is, F of them; empty between points."""
    captions = [""] * len(path_FZ)
    for point_Z, name in zip(points_KZ, names, strict=True):
        away_F = (path_FZ - point_Z).norm(dim=1)
        for place in torch.nonzero(away_F <= _SAME * point_Z.norm()).flatten().tolist():
            captions[place] = name
    return captions


def _walked(space: LatentSpace, start_Z: Tensor, steps: int, seed: int) -> Tensor:
    """A walk's points; classes and codes stay as they are."""
    # another seed, since the walk may start at a sample of this one
    fresh_KD = LatentSpace(space.dim).numbered(derived_seed(seed, "walk"), 0, steps)
    noise_KD = walk(to_normal(space, start_Z[None])[0], fresh_KD, _STEP)
    beside = start_Z[space.dim :].expand(len(noise_KD), -1)
    return torch.cat([start_Z[None], from_normal(space, noise_KD, beside)[1:]])


def _refuse(kind: Kind, points: int, frames: int, *, closed: bool) -> None:
    wanted = {"circle": (2,), "grid": (2, 4), "walk": (1,)}.get(kind)
    if wanted is None and points < 2:
        raise ConfigError("points", points, f"a {kind} path needs at least 2 points")
    if wanted is not None and points not in wanted:
        numbers = " or ".join(map(str, wanted))
        raise ConfigError("points", points, f"a {kind} needs {numbers} points")
    if frames < max(2, points):
        raise ConfigError("frames", frames, f"must be at least {max(2, points)}")
    if frames > _MOST_FRAMES:
        raise ConfigError("frames", frames, f"must be at most {_MOST_FRAMES:,}")
    if closed and wanted is not None:
        raise ConfigError("closed", True, f"not for a {kind}, only for spherical and straight")
