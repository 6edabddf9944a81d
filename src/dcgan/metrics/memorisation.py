"""Whether a generator repeats its training images, or itself.

N images · F features · K cells
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from dcgan.errors import DataError
from dcgan.metrics.estimate import FeatureArray, check_features, check_images

_LEAST_IN_CELL = 20
"""Generated images a cell needs: τ = 20/m of Meehan et al. 2020, for U to be about normal."""

_ROWS = 1024
"""Of exact distances at a time."""


def nearest(
    queries: FeatureArray, references: FeatureArray
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Euclidean distance from each query to the reference nearest to it, and which that is.

    Parameters
    ----------
    queries, references : (N, F), (M, F)
        Features, or pixels flattened.

    Returns
    -------
    distance_N : float64 (N,)
        Exactly 0 for equal rows.
    index_N : int64 (N,)
        Into ``references``; any one of those equally near.

    Raises
    ------
    DataError
        For empty sets, sets of different width, or features that are not finite.
    """
    check_features(queries=queries, references=references)
    centre_F = references.mean(axis=0, dtype=np.float64)
    index_N = _search(references - centre_F).kneighbors(queries - centre_F, return_distance=False)
    return _exact(queries, references, index_N[:, 0])


def copying_test(
    generated: FeatureArray,
    training: FeatureArray,
    held_out: FeatureArray,
    *,
    cells: int = 10,
    seed: int = 0,
) -> float:
    """C_T: do generated images lie nearer to training images than held-out real ones do?

    Meehan, Chaudhuri & Dasgupta 2020 (arXiv:2004.05675). k-means parts the space round
    training images into cells. In each, the distances to the nearest training image of the cell, of
    its generated and of its held-out images, are compared by Mann and Whitney's U (pairs in which
    the generated one is farther; ties count half), as z = (U - nm/2) / √(nm(n + m + 1)/12). C_T is
    the mean of z over cells, weighted by the share of held-out images in each. Cells with fewer
    than 20 generated images are left out, as are, having no weight, those without held-out ones.
    The authors' code adds half a pair to U; here the score keeps its mean of 0.

    Well below 0, the generator copies; well above, it misses the data. For a perfect one the mean
    is 0 and the deviation √(Σ w²), about 1/√cells with cells of like size: below -1 is rare by
    chance with ten cells. z grows with the number of images: compare at equal counts only. It sees
    copying that is widespread; a few copies among many images drown, for which there is
    :func:`duplicate_rate`. Held-out images must not resemble training images more than chance has
    it: frames of one video on both sides hide copying.

    Parameters
    ----------
    generated, training, held_out : (N, F)
    cells : int, at least 1
    seed : int
        Of k-means.

    Returns
    -------
    float

    Raises
    ------
    DataError
        For more cells than training images, no cell with enough images, empty sets, sets of
        different width, or features that are not finite.
    """
    check_features(generated=generated, training=training, held_out=held_out)
    if not 1 <= cells <= len(training):
        raise DataError(
            f"cells = {cells} with {len(training)} training images: it must be at least 1 and"
            " at most their number"
        )
    parting = KMeans(cells, n_init=1, random_state=seed).fit(training.astype(np.float64))
    cell_of = {
        name: parting.predict(features.astype(np.float64))
        for name, features in {"generated": generated, "held_out": held_out}.items()
    }
    scores, weights = [], []
    for cell in range(cells):
        inside_generated = generated[cell_of["generated"] == cell]
        inside_held_out = held_out[cell_of["held_out"] == cell]
        if len(inside_generated) < _LEAST_IN_CELL or not len(inside_held_out):
            continue
        inside_training = training[parting.labels_ == cell]
        generated_N, _ = nearest(inside_generated, inside_training)
        held_out_N, _ = nearest(inside_held_out, inside_training)
        scores.append(_mann_whitney_z(generated_N, held_out_N))
        weights.append(len(inside_held_out))
    if not scores:
        raise DataError(
            f"no cell of {cells} holds {_LEAST_IN_CELL} generated images and a held-out one: give"
            " more images or fewer cells"
        )
    return float(np.average(scores, weights=weights))


def copy_threshold(
    training: FeatureArray, held_out: FeatureArray, *, quantile: float = 0.01
) -> float:
    """The distance to the nearest training image below which hardly a held-out image lies.

    Parameters
    ----------
    training, held_out : (N, F), (M, F)
        At least 1 / ``quantile`` held-out images: the threshold is otherwise a guess at
        distances that none of them has.
    quantile : float, in (0, 1)
        Share of held-out images that lie within it. The threshold is always a distance that one
        of them has.

    Raises
    ------
    DataError
        For too few held-out images, a quantile out of range, empty sets, sets of different
        width, or features that are not finite.
    """
    if not 0 < quantile < 1:
        raise DataError(f"quantile = {quantile}: it must be above 0 and below 1")
    check_features(least=int(np.ceil(1 / quantile)), held_out=held_out)
    distance_M, _ = nearest(held_out, training)
    # a distance that occurs, so that equal ones are counted alike on both sides
    return float(np.quantile(distance_M, quantile, method="lower"))


def duplicate_rate(
    generated: FeatureArray,
    training: FeatureArray,
    held_out: FeatureArray,
    *,
    quantile: float = 0.01,
) -> float:
    """Share of generated images as near to a training image as only 1 % of held-out ones are.

    The share within :func:`copy_threshold`, edge included. What a perfect generator gets is not 0
    but ``quantile`` itself, by construction, with a standard deviation of about √(q (1 - q) (1/N +
    1/M)) over N generated and M held-out images: 0.44 % at 1,000 of each. Only what exceeds that
    counts; 0 says that images keep farther from the training set than real ones do. Where real
    images repeat each other across the split more often than that, their own rate is the floor.

    A high rate raises a suspicion and proves nothing: a generator that keeps to plain images, whose
    neighbours are near everywhere, has one without copying. Look at the pairs that :func:`nearest`
    finds.

    Parameters
    ----------
    generated, training, held_out : (N, F), (T, F), (M, F)
    quantile : float, in (0, 1)

    Raises
    ------
    DataError
        For fewer than 1 / ``quantile`` held-out images, empty sets, sets of different width, or
        features that are not finite.
    """
    threshold = copy_threshold(training, held_out, quantile=quantile)
    distance_N, _ = nearest(generated, training)
    return float((distance_N <= threshold).mean())


def repeats(generated: FeatureArray, *, threshold: float) -> float:
    """Share of images with a near twin: another one within ``threshold``, edge included.

    Twins get more frequent as images get more, among real ones too: what a perfect generator would
    get is the same measure of as many real images.

    Parameters
    ----------
    generated : (N, F)
        At least two.
    threshold : float
        Such as :func:`copy_threshold`.

    Raises
    ------
    DataError
        For fewer than two images, or features that are not finite.
    """
    check_features(least=2, generated=generated)
    centre_F = generated.mean(axis=0, dtype=np.float64)
    # without queries, an image is no neighbour of itself
    index_N = _search(generated - centre_F).kneighbors(return_distance=False)
    distance_N, _ = _exact(generated, generated, index_N[:, 0])
    return float((distance_N <= threshold).mean())


def exact_repeats(images: NDArray[np.uint8]) -> float:
    """Share of images, uint8 (N, C, H, W), that equal another one in every pixel.

    Above 0 a generator with continuous latents has collapsed, or real images were not deduplicated.

    Raises
    ------
    DataError
        For no images, or another type or number of axes.
    """
    check_images(least_side=1, images=images)
    counts = Counter(image.tobytes() for image in images)
    return sum(count for count in counts.values() if count > 1) / len(images)


def _search(references: NDArray[np.float64]) -> NearestNeighbors:
    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(references)


def _exact(
    queries: FeatureArray, references: FeatureArray, index_N: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances to rows already found: the search rounds, so that equal rows lie apart."""
    distance_N = np.empty(len(queries))
    for start in range(0, len(queries), _ROWS):
        rows = slice(start, start + _ROWS)
        difference = queries[rows].astype(np.float64) - references[index_N[rows]]
        distance_N[rows] = np.linalg.norm(difference, axis=1)
    return distance_N, index_N


def _mann_whitney_z(x_N: NDArray[np.float64], y_M: NDArray[np.float64]) -> float:
    """Standard score of U: above 0 where ``x`` tends to be larger."""
    n, m = len(x_N), len(y_M)
    larger = mannwhitneyu(x_N, y_M, method="asymptotic").statistic
    return float((larger - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
