"""Fidelity and coverage by nearest neighbours, without taking anything as a Gaussian.

N real images · M generated images · F features
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from dcgan.errors import DataError
from dcgan.metrics.estimate import FeatureArray, check_features

_ENTRIES = 4_000_000
"""Of a distance matrix at a time: 32 MB."""

_ROUNDING = 1e-12
"""How far two computations of one squared distance may differ, as a share of its terms."""


@dataclass(frozen=True)
class PrecisionRecall:
    """Both in [0, 1], better when higher.

    Parameters
    ----------
    precision : float
        Share of generated images that lie where real ones do: fidelity.
    recall : float
        Share of real images that lie where generated ones do: variety.
    """

    precision: float
    recall: float


@dataclass(frozen=True)
class DensityCoverage:
    """Fidelity and variety, better when higher.

    Parameters
    ----------
    density : float
        How crowded with real images the places of generated ones are; 1 is expected of real images
        in place of generated ones, more where the generated keep to the crowded places.
    coverage : float
        Share of real images that have a generated one for a near neighbour, in [0, 1].
    """

    density: float
    coverage: float


def precision_recall(real: FeatureArray, generated: FeatureArray, *, k: int = 3) -> PrecisionRecall:
    """Share of each set that lies in the other's balls.

    Round every image of a set lies a ball that reaches to its k-th nearest neighbour in the same
    set, itself not counted; the union of the balls stands for where the distribution lives
    (Kynkäänniemi et al. 2019, arXiv:1904.06991, equations 1 and 2). An image on a ball's edge is
    inside. One outlier has a large ball, so that precision errs upwards on real images that
    hold some; :func:`density_coverage` is less easily misled.

    Parameters
    ----------
    real, generated : (N, F), (M, F)
        Compare numbers of equal counts only: balls shrink as images get more.
    k : int, at least 1, below either count

    Raises
    ------
    DataError
        For a ``k`` out of range, empty sets, sets of different width, or features that are not
        finite.
    """
    real_NF, generated_MF = _centred(real, generated)
    real_N, edge_N = _balls(real_NF, k, "real")
    generated_M, edge_M = _balls(generated_MF, k, "generated")
    real_N += edge_N
    generated_M += edge_M
    near_real_M = np.zeros(len(generated_MF), dtype=bool)
    near_generated = 0
    for rows, distance_nM in _squared_distances(real_NF, generated_MF):
        near_real_M |= (distance_nM <= real_N[rows, None]).any(axis=0)
        near_generated += int((distance_nM <= generated_M).any(axis=1).sum())
    return PrecisionRecall(float(near_real_M.mean()), near_generated / len(real_NF))


def density_coverage(real: FeatureArray, generated: FeatureArray, *, k: int = 5) -> DensityCoverage:
    """How many real balls each generated image lies in, and how many balls hold one.

    Naeem et al. 2020 (arXiv:2002.09797), section 3: with balls as in
    :func:`precision_recall`, round real images only, density is the mean number of balls that a
    generated image lies in, divided by k; coverage is the share of balls that hold at least one.
    An image on a ball's edge is outside, as in the authors' code: a set that repeats the real
    images exactly then has a density of 1.

    For two samples of one distribution, whichever it is, the expectation of density is 1, that of
    coverage is 1 - Π (N - i) / (N + M - i) over i = 1 … k: all k nearest of the other N + M - 1
    images must be real for a ball to be empty. With equal counts this is about 1 - 2⁻ᵏ, or 0.969 at
    k = 5.

    Parameters
    ----------
    real, generated : (N, F), (M, F)
    k : int, at least 1, below N

    Raises
    ------
    DataError
        For a ``k`` out of range, empty sets, sets of different width, or features that are not
        finite.
    """
    real_NF, generated_MF = _centred(real, generated)
    real_N, edge_N = _balls(real_NF, k, "real")
    real_N -= edge_N
    inside = covered = 0
    for rows, distance_nM in _squared_distances(real_NF, generated_MF):
        count_n = (distance_nM < real_N[rows, None]).sum(axis=1)
        inside += int(count_n.sum())
        covered += int((count_n > 0).sum())
    return DensityCoverage(inside / (k * len(generated_MF)), covered / len(real_NF))


def _centred(
    real: FeatureArray, generated: FeatureArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets round one centre: distances stay, and |x|² + |y|² - 2x·y loses fewer digits."""
    check_features(real=real, generated=generated)
    centre_F = real.mean(axis=0, dtype=np.float64)
    return real - centre_F, generated - centre_F


def _balls(
    x_NF: NDArray[np.float64], k: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared distance of each image to its k-th nearest other, and what rounding may add to it."""
    if not 1 <= k < len(x_NF):
        raise DataError(
            f"k = {k} neighbours among {len(x_NF)} {name} images: it must be at least 1 and below"
            " their number; give more images or a smaller k"
        )
    distance_Nk, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x_NF).kneighbors()
    radius_N = np.square(np.asarray(distance_Nk[:, -1], dtype=np.float64))
    return radius_N, _ROUNDING * (np.square(x_NF).sum(axis=1) + radius_N)


def _squared_distances(
    x_NF: NDArray[np.float64], y_MF: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Rows of ``x``, and the squared distances from them to all of ``y``, part by part."""
    square_N, square_M = np.square(x_NF).sum(axis=1), np.square(y_MF).sum(axis=1)
    step = max(1, _ENTRIES // len(y_MF))
    for start in range(0, len(x_NF), step):
        rows = slice(start, start + step)
        distance_nM = x_NF[rows] @ y_MF.T
        distance_nM *= -2
        distance_nM += square_N[rows, None]
        distance_nM += square_M
        yield rows, distance_nM
