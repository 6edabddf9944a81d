"""The real images that a run's generated ones are compared with.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import DataError

_ORDER = 20_151_119
"""Seed of the order in which pictures are chosen (the day the paper appeared): one choice for all
runs, so that their numbers can be compared."""

_PART_BYTES = 2**25
"""Of pictures that are read in one go."""

FEWEST = 50
"""Real images below which no distance means anything."""


def chosen_order(count: int) -> NDArray[np.int64]:
    """A fixed random order of N pictures."""
    return np.random.default_rng(_ORDER).permutation(count)


def two_samples(
    dataset: ImageDataset, count: int
) -> tuple[Iterator[NDArray[np.uint8]], Iterator[NDArray[np.uint8]], str]:
    """Two disjoint sets of equally many pictures, and what to call the first.

    Parameters
    ----------
    dataset : Pictures
    count : int
        Of each; where there are fewer than twice as many, half of what is there.

    Returns
    -------
    (parts, parts, str)
        The sets come in parts (n, C, H, W), read when they are asked for.

    Raises
    ------
    DataError
        Fewer than 100 pictures.
    """
    total = len(dataset)
    count = min(count, total // 2)
    if count < FEWEST:
        raise DataError(
            f"{total} pictures: too few to measure a distance to, which needs {2 * FEWEST};"
            " add pictures, or take --metrics.measure off"
        )
    order = chosen_order(total)
    one, other = np.sort(order[:count]), np.sort(order[count : 2 * count])
    # without the fingerprint, which depends on how the pictures are held
    return parts_of(dataset, one), parts_of(dataset, other), f"{count:,} of {total:,} pictures"


def name_of(dataset: ImageDataset) -> str:
    """Eight letters that tell one collection from another."""
    return dataset.fingerprint.rpartition(":")[2][:8]


def parts_of(dataset: ImageDataset, rows: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """Some pictures in parts of bounded size, cut about the centre, uint8 (n, C, H, W)."""
    step = max(1, _PART_BYTES // prod(dataset.shape))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield dataset.take(part, np.full(len(part), 0.5)).numpy()


def take(dataset: ImageDataset, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Some pictures, cut about the centre, uint8 (N, C, H, W)."""
    images = np.empty((len(rows), *dataset.shape), np.uint8)
    start = 0
    for part in parts_of(dataset, rows):
        images[start : start + len(part)] = part
        start += len(part)
    return images
