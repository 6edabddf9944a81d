"""The operations of differentiable augmentation, with random parameters for each image.

Zhao et al. 2020 (arXiv:2006.10738), section 4.2: color, translation and cutout, of both real and
generated images, with gradients passing through to the generator. Augmenting real images alone
would teach the generator to make augmented ones.

B batch · C channels · H, W sides; images in [-1, 1], and zero fills what is shifted or cut out
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_SHIFT = 1 / 8
"""Largest translation, as a share of the side."""

_HOLE = 1 / 2
"""Side of the hole that is cut out, as a share of the side."""


def brightness(image_BCHW: Tensor) -> Tensor:
    """Add one number per image, uniform on [-½, ½]."""
    return image_BCHW + (_uniform(image_BCHW) - 0.5)


def saturation(image_BCHW: Tensor) -> Tensor:
    """Move every pixel away from or towards its own gray, by a factor uniform on [0, 2]."""
    gray_B1HW = image_BCHW.mean(dim=1, keepdim=True)
    return torch.lerp(gray_B1HW, image_BCHW, 2 * _uniform(image_BCHW))


def contrast(image_BCHW: Tensor) -> Tensor:
    """Move every pixel away from or towards its image's mean, by a factor uniform on [½, 1½]."""
    mean_B111 = image_BCHW.mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(mean_B111, image_BCHW, _uniform(image_BCHW) + 0.5)


def color(image_BCHW: Tensor) -> Tensor:
    """Brightness, saturation, then contrast, of the first three channels; a fourth is alpha."""
    changed_BCHW = contrast(saturation(brightness(image_BCHW[:, :3])))
    return torch.cat([changed_BCHW, image_BCHW[:, 3:]], dim=1)


def translation(image_BCHW: Tensor) -> Tensor:
    """Shift each image by whole pixels, up to an eighth of each side either way."""
    count, channels, height, width = image_BCHW.shape
    row_BH = _shifted(height, count, image_BCHW.device)
    column_BW = _shifted(width, count, image_BCHW.device)
    is_inside = ((row_BH >= 0) & (row_BH < height))[:, None, :, None]
    is_inside = is_inside & ((column_BW >= 0) & (column_BW < width))[:, None, None, :]
    row_index = row_BH.clamp(0, height - 1)[:, None, :, None].expand(-1, channels, -1, width)
    column_index = column_BW.clamp(0, width - 1)[:, None, None, :].expand(-1, channels, height, -1)
    return image_BCHW.gather(2, row_index).gather(3, column_index) * is_inside


def cutout(image_BCHW: Tensor) -> Tensor:
    """Blank a rectangle of half of each side, its center anywhere: DeVries & Taylor 2017
    (arXiv:1708.04552)."""
    count, _, height, width = image_BCHW.shape
    row_BH = _is_in_hole(height, count, image_BCHW.device)
    column_BW = _is_in_hole(width, count, image_BCHW.device)
    return image_BCHW * ~(row_BH[:, None, :, None] & column_BW[:, None, None, :])


def _uniform(image_BCHW: Tensor) -> Tensor:
    return torch.rand(len(image_BCHW), 1, 1, 1, device=image_BCHW.device, dtype=image_BCHW.dtype)


def _shifted(side: int, count: int, device: torch.device) -> Tensor:
    """Where each row (or column) comes from, (B, side)."""
    most = int(side * _SHIFT + 0.5)
    shift_B = torch.randint(-most, most + 1, (count, 1), device=device)
    return torch.arange(side, device=device) + shift_B


def _is_in_hole(side: int, count: int, device: torch.device) -> Tensor:
    """Whether each row (or column) is in its image's hole, (B, side)."""
    hole = int(side * _HOLE + 0.5)
    # near the edge, part of the hole lies outside
    first_B = torch.randint(0, side + (1 - hole % 2), (count, 1), device=device) - hole // 2
    place_H = torch.arange(side, device=device)
    return (place_H >= first_B) & (place_H < first_B + hole)


@dataclass(frozen=True)
class Operation:
    """One operation of a policy."""

    apply: Callable[[Tensor], Tensor]
    """(B, C, H, W) → the same shape."""
    needs_color: bool = False
    """Whether images of fewer than three channels skip it."""


OPERATIONS: dict[str, Operation] = {
    "color": Operation(color, needs_color=True),
    "translation": Operation(translation),
    "cutout": Operation(cutout),
}
