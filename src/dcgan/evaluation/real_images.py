"""The real images that generated ones are compared with.

N images · C channels · H, W sides
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import DataError

_ORDER = 20_151_119
"""Seed of the order in which images are chosen, the same for all runs so that their scores can be
compared (the day the DCGAN paper appeared)."""

_PART_BYTES = 2**25
"""Bytes of images that are read at a time."""

FEWEST = 50
"""Images of each set; with fewer, a distance says nothing."""


def chosen_order(count: int) -> NDArray[np.int64]:
    """A fixed random order of N images."""
    return np.random.default_rng(_ORDER).permutation(count)


def two_samples(
    dataset: ImageDataset, count: int
) -> tuple[Iterator[NDArray[np.uint8]], Iterator[NDArray[np.uint8]], str]:
    """Two disjoint sets of ``count`` images, or half the dataset, and a description of the first.

    The sets come in parts (n, C, H, W), read while they are iterated. Raises ``DataError`` if the
    dataset has fewer than 100 images.
    """
    total = len(dataset)
    count = min(count, total // 2)
    if count < FEWEST:
        raise DataError(
            f"{total} real images: at least {2 * FEWEST} are needed for a score. Add images, or set"
            " `metrics.metric=off`"
        )
    order = chosen_order(total)
    one, other = np.sort(order[:count]), np.sort(order[count : 2 * count])
    # without the fingerprint, which depends on how the images are stored
    return parts_of(dataset, one), parts_of(dataset, other), f"{count:,} of {total:,} images"


def name_of(dataset: ImageDataset) -> str:
    """Eight letters that identify a dataset."""
    return dataset.fingerprint.rpartition(":")[2][:8]


def without_digest(text: str) -> str:
    """A description of images without the eight letters of :func:`name_of`.

    >>> without_digest("60 of 1,797 images (9caf3cdb)")
    '60 of 1,797 images'
    """
    return re.sub(r" \([0-9a-f]{8}\)", "", text)


def parts_of(dataset: ImageDataset, rows: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """Some images, center-cropped, in parts of bounded size, uint8 (n, C, H, W)."""
    step = max(1, _PART_BYTES // prod(dataset.shape))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield dataset.take(part, np.full(len(part), 0.5)).numpy()


def take(dataset: ImageDataset, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Some images, center-cropped, uint8 (N, C, H, W)."""
    images = np.empty((len(rows), *dataset.shape), np.uint8)
    start = 0
    for part in parts_of(dataset, rows):
        images[start : start + len(part)] = part
        start += len(part)
    return images
