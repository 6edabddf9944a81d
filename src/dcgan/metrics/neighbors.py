"""Fidelity and variety by nearest neighbors, without assuming a Gaussian distribution.

N real images · M generated images · F features
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.metrics.estimate import FeatureArray, check_features

_ENTRIES = 4_000_000
"""Entries of a distance matrix held at a time: 32 MB."""

_ROUNDING = 1e-12
"""How much two computations of one squared distance may differ, as a share of its terms."""


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall, both from 0 to 1; higher is better.

    Parameters
    ----------
    precision : float
        Share of generated images that look like real ones: fidelity.
    recall : float
        Share of real images that are near a generated image: variety.
    """

    precision: float
    recall: float


@dataclass(frozen=True)
class DensityCoverage:
    """Density and coverage: fidelity and variety.

    Parameters
    ----------
    density : float
        How many real images lie around each generated one. Real images score 1. Above 1, generated
        images are concentrated where real images are frequent.
    coverage : float
        Share of real images with a generated one nearby, from 0 to 1; higher is better.
    """

    density: float
    coverage: float


def precision_recall(real: FeatureArray, generated: FeatureArray, *, k: int = 3) -> PrecisionRecall:
    """Compute precision and recall: the share of each set that lies in the balls of the other set.

    The ball of an image reaches to its k-th nearest neighbor in the same set, itself not counted;
    all balls together approximate the distribution (Kynkäänniemi et al. 2019, arXiv:1904.06991,
    equations 1 and 2). An image on the edge of a ball is inside. Outliers among the real images
    have large balls and raise precision; :func:`density_coverage` is more robust.

    Parameters
    ----------
    real, generated : (N, F), (M, F)
        Compare only results of equal counts, because balls shrink if there are more images.
    k : int, at least 1, less than N and M

    Raises
    ------
    DataError
        For a ``k`` out of range, or unusable features.
    """
    real_NF, generated_MF = _centered(real, generated)
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
    """Compute density and coverage, from the balls around real images that hold generated images.

    Naeem et al. 2020 (arXiv:2002.09797), section 3, with the balls of :func:`precision_recall`
    around real images only: density is the mean number of balls that a generated image lies in,
    divided by k; coverage is the share of balls with at least one generated image. An image on the
    edge of a ball is outside, as in the authors' code: an exact copy of the real set has density 1.

    For two samples of any one distribution, the expected density is 1 and the expected coverage
    1 - Π (N - i) / (N + M - i) over i = 1 … k: a ball is empty only if all k nearest of the other
    N + M - 1 images are real. With equal counts this is about 1 - 2⁻ᵏ, or 0.969 at k = 5.

    Parameters
    ----------
    real, generated : (N, F), (M, F)
    k : int, at least 1, less than N

    Raises
    ------
    DataError
        For a ``k`` out of range, or unusable features.
    """
    real_NF, generated_MF = _centered(real, generated)
    real_N, edge_N = _balls(real_NF, k, "real")
    real_N -= edge_N
    inside = covered = 0
    for rows, distance_nM in _squared_distances(real_NF, generated_MF):
        count_n = (distance_nM < real_N[rows, None]).sum(axis=1)
        inside += int(count_n.sum())
        covered += int((count_n > 0).sum())
    return DensityCoverage(inside / (k * len(generated_MF)), covered / len(real_NF))


def _centered(
    real: FeatureArray, generated: FeatureArray
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets around one center: distances stay, and |x|² + |y|² - 2x·y loses fewer digits."""
    check_features(real=real, generated=generated)
    center_F = real.mean(axis=0, dtype=np.float64)
    return real - center_F, generated - center_F


def _balls(
    x_NF: NDArray[np.float64], k: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared distance of each image to its k-th nearest other one, and its rounding error."""
    from sklearn.neighbors import NearestNeighbors

    if not 1 <= k < len(x_NF):
        raise DataError(
            f"k is {k} among {len(x_NF)} {name} images: it must be at least 1 and less than their"
            " number. Use more images or a smaller k"
        )
    distance_Nk, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x_NF).kneighbors()
    radius_N = np.square(np.asarray(distance_Nk[:, -1], dtype=np.float64))
    return radius_N, _ROUNDING * (np.square(x_NF).sum(axis=1) + radius_N)


def _squared_distances(
    x_NF: NDArray[np.float64], y_MF: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Rows of ``x``, and the squared distances from them to all of ``y``, in blocks."""
    square_N, square_M = np.square(x_NF).sum(axis=1), np.square(y_MF).sum(axis=1)
    step = max(1, _ENTRIES // len(y_MF))
    for start in range(0, len(x_NF), step):
        rows = slice(start, start + step)
        distance_nM = x_NF[rows] @ y_MF.T
        distance_nM *= -2
        distance_nM += square_N[rows, None]
        distance_nM += square_M
        yield rows, distance_nM
