"""Metrics on a classifier's probabilities: how certain it is, and which classes are generated.

N images · K classes
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.metrics.estimate import Estimate, FeatureArray, check_features

_SUM_TOLERANCE = 1e-3
"""Half precision rounds a softmax over 1,000 classes by less."""


def inception_score(probabilities: FeatureArray, *, splits: int = 10) -> Estimate:
    """Compute the inception score, from 1 to K; higher is better.

    It is exp of the mean over images of KL(p(y|x) ‖ p(y)): Salimans et al. 2016 (arXiv:1606.03498),
    section 4. It is high if each image clearly belongs to one class and all classes are equally
    frequent. It uses no real images: a generator with one perfect
    image per class scores K. Compare only scores of one classifier with equally large splits.

    Parameters
    ----------
    probabilities : (N, K)
        Each row sums to 1.
    splits : int, at least 2
        Consecutive parts, each with its own p(y). Part i holds the rows from ⌊iN / splits⌋ to
        ⌊(i + 1)N / splits⌋, as in the authors' code.

    Returns
    -------
    Estimate
        Mean over splits, and their standard deviation (divisor ``splits - 1``) divided by √splits.
        Most papers print the standard deviation itself.

    Raises
    ------
    DataError
        For fewer images than splits, fewer than two splits, or rows that are no probabilities.
    """
    from scipy.special import rel_entr

    if splits < 2:
        raise DataError(f"splits is {splits}: at least 2 are needed for an error. Use more")
    _check(probabilities, least=splits)
    scores = np.empty(splits)
    bounds = np.arange(splits + 1) * len(probabilities) // splits
    parts = np.split(probabilities.astype(np.float64), bounds[1:-1])
    for index, part_NK in enumerate(parts):
        divergence_N = rel_entr(part_NK, part_NK.mean(axis=0)).sum(axis=1)
        scores[index] = np.exp(divergence_N.mean())
    return Estimate.of_mean(scores)


def label_shares(probabilities: FeatureArray) -> NDArray[np.float64]:
    """Compute the share of images (K,) whose most probable class is each of K; sums to 1.

    Parameters
    ----------
    probabilities : (N, K)

    Raises
    ------
    DataError
        For no images, or rows that are no probabilities.
    """
    _check(probabilities, least=1)
    classes = probabilities.shape[1]
    return np.bincount(probabilities.argmax(axis=1), minlength=classes) / len(probabilities)


def mode_coverage(
    shares: NDArray[np.float64], real_shares: NDArray[np.float64], *, fraction: float = 0.1
) -> int:
    """Count the real classes that are generated with at least a tenth of their real share.

    Counting every class that appears once, as with stacked MNIST (Metz et al. 2017,
    arXiv:1611.02163), would count the classifier's errors as classes.

    Parameters
    ----------
    shares, real_shares : (K,)
        Of generated and of real images, by the same classifier (:func:`label_shares`), so that its
        errors affect both.
    fraction : float, above 0 and at most 1
        The part of its real share that a class needs.

    Returns
    -------
    int
        At most the number of classes with a real share above 0; higher is better.

    Raises
    ------
    DataError
        For shares of different length, or a fraction out of range.
    """
    if shares.shape != real_shares.shape or shares.ndim != 1:
        raise DataError(
            f"shares of shape {shares.shape} and {real_shares.shape}: both must have shape"
            " (classes,). Use the same classifier for both"
        )
    if not 0 < fraction <= 1:
        raise DataError(f"fraction is {fraction}: it must be above 0 and at most 1")
    return int(((real_shares > 0) & (shares >= fraction * real_shares)).sum())


def label_entropy(shares: NDArray[np.float64]) -> float:
    """Compute -Σ p log p of label shares (K,), in nats: 0 for one class, log K for equal shares."""
    from scipy.special import entr

    return float(entr(shares).sum())


def _check(probabilities: FeatureArray, *, least: int) -> None:
    check_features(least=least, probabilities=probabilities)
    sum_N = probabilities.sum(axis=1, dtype=np.float64)
    if probabilities.min() < 0 or np.abs(sum_N - 1).max() > _SUM_TOLERANCE:
        raise DataError(
            "probabilities: each row must be at least 0 and sum to 1. Apply a softmax to logits"
        )
