"""Sliced Wasserstein distance of small patches, at each scale of the images.

N images · C channels · H, W sides · D patches · V values in one patch · P projections
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dcgan.metrics.estimate import check_images

_LEAST_SIDE = 16
_PATCH = 7
_PATCHES = 128
"""Patches of each image (Karras et al. 2018, section 5, as are the two above)."""

_REPETITIONS, _DIRECTIONS = 4, 128
"""512 projections, as in the paper, a quarter at a time to save memory."""

_MOST_PATCHES = 2**17
"""Patches of each set and level: 77 MB in color; the 2²¹ of Karras et al. would be 1.2 GB."""

_PIXELS = 4_000_000
"""Pixels of a set processed at a time."""


def sliced_wasserstein(
    real: NDArray[np.uint8], generated: NDArray[np.uint8], *, seed: int = 0
) -> dict[str, float]:
    """How much local structure differs at each scale, ×1000, finest first; lower is better.

    Karras et al. 2018 (arXiv:1710.10196), section 5. Images become a Laplacian pyramid, halved
    while both sides have at least 16 pixels; each level gives random 7×7 patches, up to 128 per
    image. In each set, channels are normalized to mean 0 and standard deviation 1, so that color
    cast and contrast do not count. Patches are projected onto random unit vectors (4 times 128),
    and the mean of |x - y| over sorted projections is their Wasserstein distance in that direction.
    Do not compare one level with another.

    Both sets give the same number of patches, spread evenly over their images: 128 for each image
    of the smaller set, but at most 131,072 in all (13 per image at 10,000 images). Both are cut at
    the same places: a set has distance 0 only to itself. For the real-image baseline, pass real
    images as ``generated``.

    Parameters
    ----------
    real, generated : uint8 (N, C, H, W)
        Sides of at least 16. Numbers of images may differ.
    seed : int
        Of patches and directions.

    Returns
    -------
    dict of str to float
        By the size of the level: ``32``, or height×width if it is not square, such as ``79x64``.

    Raises
    ------
    DataError
        For another type, sides below 16, no images, or sets of different shape.
    """
    check_images(least_side=_LEAST_SIDE, real=real, generated=generated)
    count = min(_MOST_PATCHES, _PATCHES * min(len(real), len(generated)))
    random = np.random.default_rng(seed)
    distances = {}
    for level, (height, width) in enumerate(_sizes(*real.shape[2:])):
        place_D2 = random.random((count, 2))
        real_DV = _patches(real, level, place_D2)
        generated_DV = _patches(generated, level, place_D2)
        found = [_distance(real_DV, generated_DV, random) for _ in range(_REPETITIONS)]
        name = f"{height}" if height == width else f"{height}x{width}"
        distances[name] = 1000 * float(np.mean(found))
    return distances


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the levels of a pyramid, finest first."""
    sizes = [(height, width)]
    while (min(height, width) + 1) // 2 >= _LEAST_SIDE:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def _patches(
    images: NDArray[np.uint8], level: int, place_D2: NDArray[np.float64]
) -> NDArray[np.float32]:
    """One patch at each place in [0, 1)², normalized per channel."""
    count, channels = len(place_D2), images.shape[1]
    image_D = np.arange(count) * len(images) // count
    patch_DCHW = np.empty((count, channels, _PATCH, _PATCH), dtype=np.float32)
    step = max(1, _PIXELS // images[0].size)
    for start in range(0, len(images), step):
        part_NCHW = _level(images[start : start + step].astype(np.float32), level)
        window_NCYXHW = sliding_window_view(part_NCHW, (_PATCH, _PATCH), axis=(2, 3))
        rows = slice(*np.searchsorted(image_D, [start, start + step]))
        y_D, x_D = (place_D2[rows] * window_NCYXHW.shape[2:4]).astype(np.int64).T
        patch_DCHW[rows] = window_NCYXHW[image_D[rows] - start, :, y_D, x_D]
    for channel in range(channels):
        channel_DHW = patch_DCHW[:, channel]
        channel_DHW -= channel_DHW.mean(dtype=np.float64)
        deviation = float(np.sqrt(np.square(channel_DHW).mean(dtype=np.float64)))
        if deviation > 0:  # a channel without structure stays at 0
            channel_DHW /= deviation
    return patch_DCHW.reshape(count, -1)


def _level(image_NCHW: NDArray[np.float32], level: int) -> NDArray[np.float32]:
    """A level of the Laplacian pyramid (Burt & Adelson 1983): the details that the next coarser
    level lacks. The coarsest level is the halved image itself."""
    coarsest = len(_sizes(*image_NCHW.shape[2:])) - 1
    for _ in range(level):
        height, width = image_NCHW.shape[2:]
        image_NCHW = _product(_smoothing(height)[::2], image_NCHW, _smoothing(width)[::2])
    if level == coarsest:
        return image_NCHW
    down_H, down_W = (_smoothing(side)[::2] for side in image_NCHW.shape[2:])
    # doubled: every second row and column to interpolate from is 0
    up_H, up_W = (2 * _smoothing(side)[:, ::2] for side in image_NCHW.shape[2:])
    return image_NCHW - _product(up_H, _product(down_H, image_NCHW, down_W), up_W)


def _product(
    rows: NDArray[np.float32], image_NCHW: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    product: NDArray[np.float32] = np.matmul(np.matmul(rows, image_NCHW), columns.T)
    return product


def _smoothing(side: int) -> NDArray[np.float32]:
    """(side, side): the matrix that smooths a line by 1 4 6 4 1, reflected at its ends."""
    position = np.arange(side)
    matrix = np.zeros((side, side), dtype=np.float32)
    for offset, weight in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        source = side - 1 - np.abs(side - 1 - np.abs(position + offset))
        np.add.at(matrix, (position, source), weight / 16)
    return matrix


def _distance(
    real_DV: NDArray[np.float32], generated_DV: NDArray[np.float32], random: np.random.Generator
) -> float:
    """Mean over directions of the 1-Wasserstein distance of the projections."""
    direction_PV = random.standard_normal((_DIRECTIONS, real_DV.shape[1]))
    direction_PV /= np.linalg.norm(direction_PV, axis=1, keepdims=True)
    projector_PV = direction_PV.astype(np.float32)
    real_PD, generated_PD = (np.sort(projector_PV @ x.T) for x in (real_DV, generated_DV))
    return float(np.abs(real_PD - generated_PD).mean(dtype=np.float64))
