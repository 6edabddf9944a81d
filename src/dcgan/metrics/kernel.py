"""Kernel distance: squared maximum mean discrepancy with a cubic kernel, unbiased for any count.

N, M images · F features
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.metrics.estimate import Estimate, FeatureArray, check_features

_ENTRIES = 4_000_000
"""Entries of a kernel matrix held at a time: 32 MB."""


def kernel_distance(
    a: FeatureArray, b: FeatureArray, *, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> Estimate:
    """Compute the mean of :func:`squared_mmd` over random subsets; lower is better.

    Bińkowski et al. 2018 (arXiv:1801.01401), section 4; called KID with features of Inception-v3.
    For equal distributions its expectation is 0, so it is often slightly negative.

    Subsets are chosen without replacement, first from ``a``, then from ``b``, by
    ``numpy.random.RandomState(seed)``, as in torch-fidelity. If either set has fewer than ``size``
    images, ``size`` becomes the smaller count.

    Parameters
    ----------
    a, b : (N, F), (M, F)
    subsets : int, at least 2
    size : int, at least 2
        Images in each subset, of either set.
    seed : int

    Returns
    -------
    Estimate
        The error is the standard deviation over subsets (divisor ``subsets - 1``), divided by
        √subsets. Subsets overlap: it shows how well the subsets were averaged, and understates how
        much the distance would vary with other images. NaN if every subset is the whole of both
        sets.

    Raises
    ------
    DataError
        For fewer than two images, subsets or images in each, or unusable features.
    """
    check_features(least=2, a=a, b=b)
    if subsets < 2 or size < 2:
        raise DataError(
            f"{subsets} subsets of {size} images: at least 2 subsets of at least 2 images are"
            " needed for a mean and its error. Use larger numbers"
        )
    size = min(size, len(a), len(b))
    if size == len(a) == len(b):
        return Estimate(squared_mmd(a, b), float("nan"))
    random = np.random.RandomState(seed)
    distances = np.empty(subsets)
    for index in range(subsets):
        part_a = a[random.choice(len(a), size, replace=False)]
        part_b = b[random.choice(len(b), size, replace=False)]
        distances[index] = squared_mmd(part_a, part_b)
    return Estimate.of_mean(distances)


def squared_mmd(a: FeatureArray, b: FeatureArray) -> float:
    """Unbiased squared maximum mean discrepancy over all pairs of two sets; lower is better.

    With k(x, y) = (x·y / F + 1)³: the mean of k over pairs within ``a``, plus that within ``b``,
    minus twice that between them. No image is paired with itself (Gretton et al. 2012, "A kernel
    two-sample test", equation 3).

    Parameters
    ----------
    a, b : (N, F), (M, F)
        At least two images each.

    Returns
    -------
    float
        Its expectation is 0 for equal distributions; it may be negative.

    Raises
    ------
    DataError
        For fewer than two images, or unusable features.
    """
    check_features(least=2, a=a, b=b)
    a_NF, b_MF = a.astype(np.float64), b.astype(np.float64)
    return _mean_within(a_NF) + _mean_within(b_MF) - 2 * _sum(a_NF, b_MF) / (len(a) * len(b))


def chance_error(a: FeatureArray, b: FeatureArray) -> float:
    """Estimate the standard deviation of :func:`squared_mmd` between sets of one distribution.

    √(2 E[h²] / (N (N - 1))) with h = k(x, x') + k(y, y') - k(x, y') - k(x', y) over pairs of images
    (Gretton et al. 2012, "A kernel two-sample test", section 6).

    Parameters
    ----------
    a, b : (N, F), (M, F)
        Two samples of that distribution, at least two images each. If one is longer, its first
        images are used.

    Raises
    ------
    DataError
        For fewer than two images, or unusable features.
    """
    check_features(least=2, a=a, b=b)
    count = min(len(a), len(b))
    a_NF, b_NF = a[:count].astype(np.float64), b[:count].astype(np.float64)
    total = 0.0
    step = max(1, _ENTRIES // count)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        one, other = a_NF[rows], b_NF[rows]
        h = _kernel(one, a_NF) + _kernel(other, b_NF) - _kernel(one, b_NF) - _kernel(other, a_NF)
        places = np.arange(len(one))
        h[places, places + start] = 0  # no image is paired with itself
        total += float(np.square(h).sum())
    pairs = count * (count - 1)
    return float(np.sqrt(2 * total / pairs / pairs))


def _kernel(x_NF: NDArray[np.float64], y_MF: NDArray[np.float64]) -> NDArray[np.float64]:
    base_NM: NDArray[np.float64] = x_NF @ y_MF.T / x_NF.shape[1] + 1
    return np.square(base_NM) * base_NM


def _mean_within(x_NF: NDArray[np.float64]) -> float:
    count, width = x_NF.shape
    itself = float(((np.square(x_NF).sum(axis=1) / width + 1) ** 3).sum())
    return (_sum(x_NF, x_NF) - itself) / float(count * (count - 1))


def _sum(x_NF: NDArray[np.float64], y_MF: NDArray[np.float64]) -> float:
    """Σ k(x, y) over all pairs."""
    total = 0.0
    step = max(1, _ENTRIES // len(y_MF))
    for start in range(0, len(x_NF), step):
        base = (x_NF[start : start + step] @ y_MF.T).ravel()
        base /= x_NF.shape[1]
        base += 1
        total += float(np.dot(np.square(base), base))  # far faster than ** 3 and a sum
    return total
