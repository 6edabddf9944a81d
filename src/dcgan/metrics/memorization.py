"""Whether a generator copies its training images, or repeats its own.

N, M, T images · F features
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.metrics.estimate import FeatureArray, check_features

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors

_LEAST_IN_CELL = 20
"""Generated images that a cell needs for U to be about normal (τ = 20/m of Meehan et al. 2020)."""

_ROWS = 1024
"""Rows for which exact distances are computed at a time."""


def nearest(
    queries: FeatureArray, references: FeatureArray
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Euclidean distance from each query to its nearest reference, and the index of that reference.

    Parameters
    ----------
    queries, references : (N, F), (M, F)
        Features, or flattened pixels.

    Returns
    -------
    distance_N : float64 (N,)
        Exactly 0 for equal rows.
    index_N : int64 (N,)
        Into ``references``; any one of several that are equally near.

    Raises
    ------
    DataError
        For unusable features (see :func:`~dcgan.metrics.estimate.check_features`).
    """
    check_features(queries=queries, references=references)
    center_F = references.mean(axis=0, dtype=np.float64)
    search = _neighbors(references - center_F)
    index_N = search.kneighbors(queries - center_F, return_distance=False)[:, 0]
    return _exact_distances(queries, references, index_N), index_N


def copying_test(
    generated: FeatureArray,
    training: FeatureArray,
    held_out: FeatureArray,
    *,
    cells: int = 10,
    seed: int = 0,
) -> float:
    """Compute C_T: whether generated images are closer to training images than held-out ones are.

    Meehan, Chaudhuri & Dasgupta 2020 (arXiv:2004.05675). k-means divides the space around the
    training images into cells. In each cell, the distances to its nearest training image, from its
    generated and from its held-out images, are compared by Mann and Whitney's U (the pairs in which
    the generated image is farther away; ties count half), as z = (U - nm/2) / √(nm(n + m + 1)/12).
    C_T is the mean of z over cells, weighted by each cell's share of held-out images. Cells with
    fewer than 20 generated images, or without held-out images, are skipped. The authors' code adds
    half a pair to U; here the expected score is 0 without copying.

    Far below 0, the generator copies; far above 0, it misses the data. For a perfect generator the
    mean is 0 and the standard deviation √(Σ w²), about 1/√cells for equally large cells. z grows
    with the number of images: compare only equal counts. The test finds frequent copying; for a few
    copies among many images use :func:`duplicate_rate`. If held-out images resemble training images
    for another reason, such as frames of one video, copying stays hidden.

    Parameters
    ----------
    generated, training, held_out : (N, F)
    cells : int, at least 1
        Fewer if training images have fewer different features.
    seed : int
        Of k-means.

    Returns
    -------
    float
        Closer to 0 is better.

    Raises
    ------
    DataError
        For more cells than training images, no cell with enough images, or unusable features.
    """
    from sklearn.cluster import KMeans

    check_features(generated=generated, training=training, held_out=held_out)
    if not 1 <= cells <= len(training):
        raise DataError(
            f"cells is {cells} with {len(training)} training images: it must be at least 1 and at"
            " most their number"
        )
    cells = _distinct(training, cells)  # of more cells scikit-learn warns
    k_means = KMeans(cells, n_init=1, random_state=seed).fit(training.astype(np.float64))
    cell_of_generated = k_means.predict(generated.astype(np.float64))
    cell_of_held_out = k_means.predict(held_out.astype(np.float64))
    scores, weights = [], []
    for cell in range(cells):
        inside_generated = generated[cell_of_generated == cell]
        inside_held_out = held_out[cell_of_held_out == cell]
        if len(inside_generated) < _LEAST_IN_CELL or not len(inside_held_out):
            continue
        inside_training = training[k_means.labels_ == cell]
        generated_N, _ = nearest(inside_generated, inside_training)
        held_out_N, _ = nearest(inside_held_out, inside_training)
        scores.append(_mann_whitney_z(generated_N, held_out_N))
        weights.append(len(inside_held_out))
    if not scores:
        raise DataError(
            f"none of {cells} cells holds {_LEAST_IN_CELL} generated images and a held-out one. Use"
            " more images or fewer cells"
        )
    return float(np.average(scores, weights=weights))


def copy_threshold(
    training: FeatureArray, held_out: FeatureArray, *, quantile: float = 0.01
) -> float:
    """The distance to the nearest training image that only 1 % of held-out images reach.

    Parameters
    ----------
    training, held_out : (N, F), (M, F)
        At least 1 / ``quantile`` held-out images.
    quantile : float, above 0 and below 1
        Share of held-out images within the distance. The result is always the distance of one of
        them, so that equal distances are counted alike for held-out and generated images.

    Raises
    ------
    DataError
        For too few held-out images, a quantile out of range, or unusable features.
    """
    if not 0 < quantile < 1:
        raise DataError(f"quantile is {quantile}: it must be above 0 and below 1")
    check_features(least=int(np.ceil(1 / quantile)), held_out=held_out)
    distance_M, _ = nearest(held_out, training)
    return float(np.quantile(distance_M, quantile, method="lower"))


def duplicate_rate(
    generated: FeatureArray,
    training: FeatureArray,
    held_out: FeatureArray,
    *,
    quantile: float = 0.01,
) -> float:
    """Compute the share of generated images that are almost equal to a training image.

    "Almost equal" means as close as only 1 % of held-out images are to a training image.

    The share within :func:`copy_threshold`, inclusive. A perfect generator scores about
    ``quantile``, with a standard deviation of about √(q (1 - q) (1/N + 1/M)) for N generated and M
    held-out images: 0.44 % at 1,000 of each. 0 means that generated images stay farther from the
    training images than real images do. If real images are often near-duplicates of each other,
    compare with their own rate.

    A high rate is a hint and no proof: images of few, smooth kinds have near neighbors without
    copying. Look at the pairs that :func:`nearest` finds.

    Parameters
    ----------
    generated, training, held_out : (N, F), (T, F), (M, F)
    quantile : float, above 0 and below 1

    Raises
    ------
    DataError
        For fewer than 1 / ``quantile`` held-out images, or unusable features.
    """
    threshold = copy_threshold(training, held_out, quantile=quantile)
    distance_N, _ = nearest(generated, training)
    return float((distance_N <= threshold).mean())


def repeats(generated: FeatureArray, *, threshold: float) -> float:
    """Compute the share of images with another one within ``threshold``, inclusive.

    It grows with the number of images, for real ones too: compare with as many real images.

    Parameters
    ----------
    generated : (N, F)
        At least two.
    threshold : float
        Such as :func:`copy_threshold`.

    Raises
    ------
    DataError
        For fewer than two images, or unusable features.
    """
    check_features(least=2, generated=generated)
    center_F = generated.mean(axis=0, dtype=np.float64)
    # without queries, scikit-learn does not count an image as its own neighbor
    index_N = _neighbors(generated - center_F).kneighbors(return_distance=False)[:, 0]
    return float((_exact_distances(generated, generated, index_N) <= threshold).mean())


def _distinct(features: FeatureArray, most: int) -> int:
    """How many rows differ from each other, counted up to ``most``."""
    seen: set[bytes] = set()
    for row in features:
        seen.add((row + 0.0).tobytes())  # -0 equals 0
        if len(seen) == most:
            break
    return len(seen)


def _neighbors(references: NDArray[np.float64]) -> NearestNeighbors:
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references)


def _exact_distances(
    queries: FeatureArray, references: FeatureArray, index_N: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Distances computed anew: those of the search are rounded, even between equal rows."""
    distance_N = np.empty(len(queries))
    for start in range(0, len(queries), _ROWS):
        rows = slice(start, start + _ROWS)
        difference = queries[rows].astype(np.float64) - references[index_N[rows]]
        distance_N[rows] = np.linalg.norm(difference, axis=1)
    return distance_N


def _mann_whitney_z(x_N: NDArray[np.float64], y_M: NDArray[np.float64]) -> float:
    """Standard score of U: above 0 if ``x`` tends to be larger."""
    from scipy.stats import mannwhitneyu

    n, m = len(x_N), len(y_M)
    larger = mannwhitneyu(x_N, y_M, method="asymptotic").statistic
    return float((larger - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
