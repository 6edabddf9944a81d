"""Paths through a latent space.

F frames or shares · Z numbers of a latent · K points

Normal latents are near a sphere of radius √Z. A straight line between two of them goes through its
inside, where the generator was never trained (White 2016, arXiv:1609.04468). `noise.py` handles
uniform latents, classes and codes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import cos, pi, sin

import torch
from torch import Tensor

LatentPath = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(start (Z,), end (Z,), shares (F,) from 0 to 1) → latents (F, Z)."""

_PARALLEL = 1e-6
"""Sine of an angle below which two directions count as equal or opposite."""


def straight(start_Z: Tensor, end_Z: Tensor, share_F: Tensor) -> Tensor:
    """The straight line, (1 - t) a + t b.

    Examples
    --------
    >>> straight(torch.tensor([0.0, 2.0]), torch.tensor([4.0, 2.0]), torch.tensor([0.25]))
    tensor([[1., 2.]])
    """
    share_F1 = share_F[:, None]
    return _with_ends(start_Z, end_Z, share_F, (1 - share_F1) * start_Z + share_F1 * end_Z)


def spherical(start_Z: Tensor, end_Z: Tensor, share_F: Tensor) -> Tensor:
    """The great circle between the directions at constant speed; lengths change linearly.

    Shoemake 1985 (slerp), there for unit lengths. Opposite directions have many great circles
    between them; the same one is always chosen.

    Examples
    --------
    >>> start, end = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0])
    >>> round(spherical(start, end, torch.tensor([0.5])).norm().item(), 5)
    2.0
    """
    start_length, end_length = start_Z.double().norm(), end_Z.double().norm()
    if start_length == 0 or end_length == 0:
        return straight(start_Z, end_Z, share_F)
    from_Z, to_Z = start_Z.double() / start_length, end_Z.double() / end_length
    # 2 atan(|u - v| / |u + v|) is exact where the arc cosine of u·v is not: near 0 and near pi
    angle = 2 * torch.atan2((to_Z - from_Z).norm(), (to_Z + from_Z).norm())
    aside_Z = to_Z - (to_Z @ from_Z) * from_Z
    if aside_Z.norm() < _PARALLEL:
        aside_Z = _perpendicular(from_Z)
    if aside_Z.norm() == 0:  # one number: there are no other directions
        return straight(start_Z, end_Z, share_F)
    aside_Z = aside_Z / aside_Z.norm()
    share_F1 = share_F.double()[:, None]
    length_F1 = (1 - share_F1) * start_length + share_F1 * end_length
    turned_FZ = torch.cos(angle * share_F1) * from_Z + torch.sin(angle * share_F1) * aside_Z
    return _with_ends(start_Z, end_Z, share_F, (length_F1 * turned_FZ).to(start_Z))


def circle(first_Z: Tensor, second_Z: Tensor, frames: int) -> Tensor:
    """The closed loop z₁ cos θ + z₂ sin θ, at ``frames`` angles from 0, without 2π.

    For independent normal latents, each point of it is a normal latent too.

    Examples
    --------
    >>> circle(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 4).round().abs().tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    """
    angle_F1 = (torch.arange(frames, dtype=torch.float64) * (2 * pi / frames))[:, None]
    found_FZ = torch.cos(angle_F1) * first_Z.double() + torch.sin(angle_F1) * second_Z.double()
    return found_FZ.to(first_Z)


def through(points_KZ: Tensor, frames: int, path: LatentPath, *, closed: bool = False) -> Tensor:
    """The path from point to point; all sections have equally many frames, or one more.

    Parameters
    ----------
    points_KZ : Tensor
        Two or more.
    frames : int
        Of the whole path, which has all points exactly; at least as many as points.
    path : LatentPath
    closed : bool
        Return to the first point, which is not repeated.

    Returns
    -------
    Tensor
        (frames, Z).
    """
    if closed:
        points_KZ = torch.cat([points_KZ, points_KZ[:1]])
    sections, steps = len(points_KZ) - 1, frames - (not closed)
    parts = []
    for number, (start_Z, end_Z) in enumerate(pairwise(points_KZ)):
        count = (number + 1) * steps // sections - number * steps // sections
        parts.append(path(start_Z, end_Z, torch.arange(count) / count))
    if not closed:
        parts.append(points_KZ[-1:])
    return torch.cat(parts)


def corners(points_KZ: Tensor, side: int, path: LatentPath) -> Tensor:
    """A grid of side × side latents between two or four corners, row by row.

    Two corners: the path from one to the other, in reading order. Four, clockwise from the upper
    left: the outer columns are paths between corners, and each row is a path between these.
    """
    if len(points_KZ) == 2:
        return path(points_KZ[0], points_KZ[1], torch.linspace(0, 1, side * side))
    share_F = torch.linspace(0, 1, side)
    upper_left, upper_right, lower_right, lower_left = points_KZ
    left_FZ = path(upper_left, lower_left, share_F)
    right_FZ = path(upper_right, lower_right, share_F)
    rows = [path(a, b, share_F) for a, b in zip(left_FZ, right_FZ, strict=True)]
    return torch.cat(rows)


def walk(start_Z: Tensor, fresh_KZ: Tensor, step: float) -> Tensor:
    """The points of a random walk: each is the last one, turned by an angle to a random latent.

    z' = z cos α + ε sin α keeps normal latents normal.

    Parameters
    ----------
    start_Z : Tensor
    fresh_KZ : Tensor
        Independent latents ε.
    step : float
        α, in radians.

    Returns
    -------
    Tensor
        (K + 1, Z), the start first.
    """
    points = [start_Z]
    for fresh_Z in fresh_KZ:
        points.append(points[-1] * cos(step) + fresh_Z * sin(step))
    return torch.stack(points)


def _perpendicular(direction_Z: Tensor) -> Tensor:
    """A direction at a right angle, always the same."""
    axis_Z = torch.zeros_like(direction_Z)
    axis_Z[direction_Z.abs().argmin()] = 1
    return axis_Z - (axis_Z @ direction_Z) * direction_Z


def _with_ends(start_Z: Tensor, end_Z: Tensor, share_F: Tensor, found_FZ: Tensor) -> Tensor:
    """Replace the ends by the given points, without rounding errors."""
    found_FZ = torch.where((share_F == 0)[:, None], start_Z, found_FZ)
    return torch.where((share_F == 1)[:, None], end_Z, found_FZ)
