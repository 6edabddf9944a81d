"""From picture to picture: latents between latents, drawn.

F frames · K points · Z numbers of a latent
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.noise import from_normal, noise_circle, on_noise, to_normal
from dcgan.latent.paths import corners, spherical, straight, through, walk
from dcgan.models.latents import LatentSpace
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed

Kind = Literal["spherical", "straight", "circle", "grid", "walk"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_EACH = 10
"""Frames from one point of a walk to the next."""

_MOST_FRAMES = 10_000

_STEP = 0.6
"""Radians between the points of a walk: neighbours look alike, and after five little is left."""


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
    """Latents on a way through points.

    Parameters
    ----------
    space : LatentSpace
    points_KZ : Tensor
        (K, Z): two or more; of a circle two, of a grid two or four, of a walk where it begins.
    kind : {"spherical", "straight", "circle", "grid", "walk"}
        Great circles; straight lines; the closed circle z₁ cos θ + z₂ sin θ; a square sheet
        between corners; a random walk.
    frames : int
        How many; a grid has the nearest square number.
    closed : bool
        From the last point back to the first, by a great circle or straight.
    seed : int
        Of a walk's turns.

    Returns
    -------
    Tensor
        (F, Z).

    Raises
    ------
    ConfigError
        Another number of points than this kind needs, fewer frames than points or more than
        10,000, a circle through one point, or a circle, grid or walk that is to close.
    """
    _refuse(kind, len(points_KZ), frames, closed=closed)
    if kind == "circle" and torch.equal(points_KZ[0], points_KZ[1]):
        raise ConfigError("points", "the same twice", "a circle needs two that differ")
    match kind:
        case "circle":
            return noise_circle(space, points_KZ[0], points_KZ[1], frames)
        case "grid":
            return corners(points_KZ, max(2, round(frames**0.5)), on_noise(space, spherical))
        case "walk":
            points_KZ = _walked(space, points_KZ[0], max(1, frames // _EACH), seed)
    # straight lines between latents stay in a cube, too
    way = straight if kind == "straight" else on_noise(space, spherical)
    return through(points_KZ, frames, way, closed=closed)


def describe(space: LatentSpace, kind: Kind) -> str:
    """What was done, for people: ``spherical`` or, say, ``circle of uniform noise made normal``."""
    if kind == "straight" or space.distribution == "normal":
        return kind
    return f"{kind}, uniform noise by way of normal noise"


def _walked(space: LatentSpace, start_Z: Tensor, steps: int, seed: int) -> Tensor:
    """A walk's points; classes and codes stay as they are."""
    # of a seed of its own: the walk may begin at a numbered sample of this one
    fresh_KD = LatentSpace(space.dim).numbered(derived_seed(seed, "walk"), 0, steps)
    noise_KD = walk(to_normal(space, start_Z[None])[0], fresh_KD, _STEP)
    beside = start_Z[space.dim :].expand(len(noise_KD), -1)
    return torch.cat([start_Z[None], from_normal(space, noise_KD, beside)[1:]])


def _refuse(kind: Kind, points: int, frames: int, *, closed: bool) -> None:
    wanted = {"circle": (2,), "grid": (2, 4), "walk": (1,)}.get(kind)
    if wanted is None and points < 2:
        raise ConfigError("points", points, f"a {kind} way needs two or more")
    if wanted is not None and points not in wanted:
        numbers = " or ".join(map(str, wanted))
        raise ConfigError("points", points, f"a {kind} needs {numbers}")
    if frames < max(2, points):
        raise ConfigError("frames", frames, f"at least {max(2, points)}, so that each point is met")
    if frames > _MOST_FRAMES:
        raise ConfigError("frames", frames, f"at most {_MOST_FRAMES:,}")
    if closed and wanted is not None:
        raise ConfigError("closed", True, f"is for spherical and straight ways, not for a {kind}")
