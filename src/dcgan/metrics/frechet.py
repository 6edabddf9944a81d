"""Fréchet distance between two sets of features, each described by one Gaussian.

N images · F features · R rank of a covariance
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.metrics.estimate import FeatureArray, check_features

_ROWS = 4096
"""Rows converted to float64 at a time: 64 MB at 2,048 features."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of a set of features.

    Parameters
    ----------
    count : int
        Number of images.
    mean_F : float64 (F,)
    covariance_FF : float64 (F, F)
        Unbiased: divided by ``count - 1``.
    """

    count: int
    mean_F: NDArray[np.float64]
    covariance_FF: NDArray[np.float64]

    @classmethod
    def of(cls, features: FeatureArray) -> Self:
        """The moments of features (N, F).

        Raises ``DataError`` for fewer than two images or unusable features.
        """
        check_features(least=2, features=features)
        count, width = features.shape
        mean_F = features.mean(axis=0, dtype=np.float64)
        covariance_FF = np.zeros((width, width))
        for start in range(0, count, _ROWS):
            # subtract the mean before squaring: E[x²] - E[x]² would lose digits
            deviation_NF = features[start : start + _ROWS] - mean_F
            covariance_FF += deviation_NF.T @ deviation_NF
        return cls(count, mean_F, covariance_FF / (count - 1))


def frechet_distance(a: Moments | FeatureArray, b: Moments | FeatureArray) -> float:
    """Compute the Fréchet distance of two sets of features; lower is better.

    It is ‖μ₁ - μ₂‖² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½), with means μ and covariances Σ, and at least 0: the
    squared 2-Wasserstein distance of two Gaussians (Dowson & Landau 1982, "The Fréchet distance
    between multivariate normal distributions"), proposed for images by Heusel et al. 2017
    (arXiv:1706.08500), equation 6. With features of Inception-v3 it is called FID. You can compare
    it with published numbers only if it uses these features. With few images it is biased upwards,
    and the bias differs between generators (Bińkowski et al. 2018, arXiv:1801.01401). So compare
    only distances over equal numbers of images.

    Covariances may be singular, as they are with fewer images than features: with Σ = AAᵀ, the
    trace of the square root is the sum of the singular values of A₁ᵀA₂, and nothing is inverted.

    Parameters
    ----------
    a, b : Moments, or features (N, F)

    Raises
    ------
    DataError
        For fewer than two images, or unusable features.

    Examples
    --------
    >>> unit = Moments(100, np.zeros(2), np.eye(2))
    >>> moved = Moments(100, np.array([3.0, 0.0]), 4 * np.eye(2))
    >>> round(frechet_distance(unit, moved), 9)  # 3² + 2·(2 - 1)²
    11.0
    """
    from scipy.linalg import svdvals

    a, b = (one if isinstance(one, Moments) else Moments.of(one) for one in (a, b))
    if len(a.mean_F) != len(b.mean_F):
        raise DataError(
            f"moments of {len(a.mean_F)} and of {len(b.mean_F)} features: both must have the same"
            " number. Use one extractor for both"
        )
    between = float(np.square(a.mean_F - b.mean_F).sum())
    root = svdvals(_factor(a.covariance_FF).T @ _factor(b.covariance_FF)).sum()
    within = float(a.covariance_FF.trace() + b.covariance_FF.trace() - 2 * root)
    return between + max(0.0, within)  # rounding may bring a zero below 0


def _factor(covariance_FF: NDArray[np.float64]) -> NDArray[np.float64]:
    """A (F, R) with AAᵀ = Σ, by pivoted Cholesky: ten times as fast as an eigendecomposition."""
    from scipy.linalg.lapack import dpstrf

    lower_FF, pivot_F, rank, _ = dpstrf(covariance_FF, lower=1)
    factor_FR = np.empty((len(covariance_FF), rank))
    factor_FR[pivot_F - 1] = np.tril(lower_FF)[:, :rank]
    return factor_FR
