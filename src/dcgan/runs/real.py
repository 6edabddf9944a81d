"""The real images that a run's generated ones are compared with.

N images · C channels · H, W sides
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dcgan.data import Pictures
from dcgan.errors import DataError

_ORDER = 20_151_119
"""Seed of the order in which pictures are chosen (the day the paper appeared): one choice for all
runs, so that their numbers can be compared."""

_PART = 1024

FEWEST = 50
"""Real images below which no distance means anything."""


def chosen_order(count: int) -> NDArray[np.int64]:
    """A fixed random order of N pictures."""
    return np.random.default_rng(_ORDER).permutation(count)


def two_samples(pictures: Pictures, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], str]:
    """Two disjoint sets of equally many pictures, and what to call the first.

    Parameters
    ----------
    pictures : Pictures
    count : int
        Of each; where there are fewer than twice as many, half of what is there.

    Raises
    ------
    DataError
        Fewer than 100 pictures.
    """
    total = len(pictures)
    count = min(count, total // 2)
    if count < FEWEST:
        raise DataError(
            f"{total} pictures: too few to measure a distance to, which needs {2 * FEWEST};"
            " add pictures, or take --metrics.measure off"
        )
    order = chosen_order(total)
    split = f"{count:,} of {total:,} {name_of(pictures)}"
    return take(pictures, order[:count]), take(pictures, order[count : 2 * count]), split


def name_of(pictures: Pictures) -> str:
    """Eight letters that tell one collection from another."""
    return pictures.fingerprint.rpartition(":")[2][:8]


def take(pictures: Pictures, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Some pictures, cut about the centre, uint8 (N, C, H, W)."""
    parts = [
        pictures.take(part, np.full(len(part), 0.5)).numpy()
        for start in range(0, len(rows), _PART)
        if len(part := rows[start : start + _PART])
    ]
    return np.concatenate(parts) if parts else np.empty((0, *pictures.shape), np.uint8)
