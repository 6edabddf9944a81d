"""Properties of an image of one object on a plain background, computed without labels.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_NOTHING = 1e-6
"""An image whose difference from its background is smaller is empty."""

Values = NDArray[np.float64]


def brightness(images_NCHW: NDArray[np.uint8]) -> Values:
    """Mean of all pixels, 0 to 1."""
    mean_N: Values = images_NCHW.mean(axis=(1, 2, 3), dtype=np.float64) / 255
    return mean_N


def area(images_NCHW: NDArray[np.uint8]) -> Values:
    """Share of the image that is not background, 0 to 1."""
    mean_N: Values = foreground(images_NCHW).mean(axis=(1, 2))
    return mean_N


def across(images_NCHW: NDArray[np.uint8]) -> Values:
    """Center of the object, from left (0) to right (1)."""
    return _center(foreground(images_NCHW), axis=2)


def down(images_NCHW: NDArray[np.uint8]) -> Values:
    """Center of the object, from top (0) to bottom (1)."""
    return _center(foreground(images_NCHW), axis=1)


def slant(images_NCHW: NDArray[np.uint8]) -> Values:
    """How far it leans to the right: tangent of the angle, 0 if upright.

    The shear from second moments, -μ₁₁ / μ₀₂ with y downwards, as in "deslanting" of handwriting
    (LeCun et al. 1998, doi:10.1109/5.726791, on MNIST's deslanted version).
    """
    front = foreground(images_NCHW)
    x, y = _from_center(front, 2), _from_center(front, 1)
    mixed, upright = (front * x * y).sum(axis=(1, 2)), (front * y * y).sum(axis=(1, 2))
    return np.where(upright > _NOTHING, -mixed / np.maximum(upright, _NOTHING), 0.0)


def stroke(images_NCHW: NDArray[np.uint8]) -> Values:
    """Width of its strokes in pixels: twice the area divided by the length of the outline.

    A band of width w and length l has the area w l and, without its ends, the outline 2 l. The
    outline is the sum of the gradient's length.
    """
    front = foreground(images_NCHW)
    padded = np.pad(front, ((0, 0), (1, 1), (1, 1)))
    downwards, across_ = np.gradient(padded, axis=(1, 2))
    outline = np.hypot(downwards, across_).sum(axis=(1, 2))
    width_N: Values = 2 * front.sum(axis=(1, 2)) / np.maximum(outline, _NOTHING)
    return width_N


APPEARANCES: dict[str, Callable[[NDArray[np.uint8]], Values]] = {
    "brightness": brightness,
    "area": area,
    "x": across,
    "y": down,
    "slant": slant,
    "stroke": stroke,
}
"""By their names in ``dcgan directions --reads``."""


def foreground(images_NCHW: NDArray[np.uint8]) -> Values:
    """Difference of each pixel from the background, (N, H, W), 0 to 1.

    The background is the median of the border, per channel; the channel that differs most counts.
    """
    pixels = images_NCHW.astype(np.float64) / 255
    ends = (pixels[:, :, [0, -1]], pixels[..., [0, -1]])
    border = np.concatenate([end.reshape(*pixels.shape[:2], -1) for end in ends], axis=2)
    background = np.median(border, axis=2)[:, :, None, None]
    front: Values = np.abs(pixels - background).max(axis=1)
    return front


def _from_center(front_NHW: Values, axis: int) -> Values:
    """Each pixel's distance from the center along an axis, in pixels."""
    size = front_NHW.shape[axis]
    place = np.arange(size) + 0.5
    place = place[None, None] if axis == 2 else place[None, :, None]
    distance: Values = place - size * _center(front_NHW, axis)[:, None, None]
    return distance


def _center(front_NHW: Values, axis: int) -> Values:
    size = front_NHW.shape[axis]
    weight_NS = front_NHW.sum(axis=3 - axis)
    total_N = weight_NS.sum(axis=1)
    center_N = weight_NS @ (np.arange(size) + 0.5) / np.maximum(total_N, _NOTHING) / size
    return np.where(total_N > _NOTHING, center_N, 0.5)
