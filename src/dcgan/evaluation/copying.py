"""Whether a generator copies its training images, with the pairs that are nearest to each other.

N images · C channels · H, W sides · F features
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.data.quality.measurements import BLANK_DEVIATION
from dcgan.errors import DataError
from dcgan.evaluation.baselines import RealBaselines
from dcgan.evaluation.real_images import take, without_digest
from dcgan.metrics.estimate import FeatureArray
from dcgan.metrics.extractor import Features
from dcgan.metrics.memorization import copy_threshold, copying_test, nearest, repeats
from dcgan.metrics.registry import metric_of
from dcgan.metrics.score import Score

_SHOWN = 12
"""Pairs on the sheet."""

_FEWEST_HELD_OUT = 200
"""Half of them set a threshold that one in a hundred reaches; the other half is the baseline."""

_MOST_CELLS, _IN_A_CELL = 10, 50
"""Cells of the copying test, and images that each should hold on average."""

_SURE = 3.0
"""Standard deviations from 0 at which C_T counts as a finding."""

_LOOKED_THROUGH = 600
"""Pairs from which those of the sheet are chosen."""

_USUAL = 0.05
"""Duplicate rate of held-out images, of which 0.01 is expected, above which the report explains
it."""

_MANY = 2.0
"""Times the real-image baseline from which duplicates count as copies."""

_CHANCE = 0.001
"""Largest p-value at which they do. Of few images, twice the baseline is chance: with 200 held-out
and 900 generated images, 46 of 100 simulated perfect generators had more."""


@dataclass(frozen=True)
class Pairs:
    """Generated images, each with the training image nearest to it.

    Parameters
    ----------
    generated, training : uint8 (N, C, H, W)
    distances : tuple of float
        Between their features.
    """

    generated: NDArray[np.uint8]
    training: NDArray[np.uint8]
    distances: tuple[float, ...]


@dataclass(frozen=True)
class Copying:
    """Result of the search for copies.

    Parameters
    ----------
    nearest, typical : Pairs
        The pairs of the smallest distances, nearest first and without blank or repeated training
        images, and those about the median distance.
    searched : int
        Number of training images.
    held_out : str
        Which real images the generator could not copy.
    scores : tuple of Score
    real_distance : float, optional
        The median distance of held-out real images to the nearest training image.
    """

    nearest: Pairs
    typical: Pairs
    searched: int
    held_out: str
    scores: tuple[Score, ...]
    real_distance: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold, without the images."""
        return {
            "searched": self.searched,
            "held_out": self.held_out,
            "nearest_distances": list(self.nearest.distances),
        }

    def lines(self) -> list[str]:
        """For people."""
        scores = {score.metric: score for score in self.scores}
        lines = [
            f"copies         searched among {self.searched:,} training images;"
            f" {without_digest(self.held_out)}"
        ]
        if "copying_test" in scores:
            verdict = _verdict(scores["copying_test"], scores["duplicate_rate"])
            lines.append(f"               {verdict}")
            lines += [f"               {line}" for line in _many_duplicates(scores)]
        return lines


def _many_duplicates(scores: Mapping[str, Score]) -> Iterator[str]:
    """Why the duplicate rate of held-out images is high, if it is."""
    usual = scores["duplicate_rate"].baseline
    if usual is not None and usual > _USUAL:
        yield (
            f"{usual:.0%} of the held-out images are duplicates too (about 1% is usual): the"
            " dataset holds copies or blank images, which 'dcgan inspect' counts. Train with"
            " `data.duplicates=drop` and `data.blank=drop` to leave them out"
        )


def _verdict(test: Score, duplicates: Score) -> str:
    """Both scores in words: C_T finds images that are close, duplicates those that are equal."""
    sure = _SURE / sqrt(_cells(test.generated))
    if _are_copies(duplicates, test.generated):  # the baseline is that of as many held-out images
        return (
            "generated images are closer to training images than held-out images are: it copies"
            if test.value < -sure
            else "some generated images are copies, most are not: see the duplicate rate"
        )
    if test.value < -sure:
        return (
            "generated images are closer to training images than held-out images are, but are not"
            " copies, as with smooth images or few kinds of images: see the nearest pairs"
        )
    if test.value > sure:
        return (
            "generated images are farther from training images than held-out images are: they are"
            " no copies, but do not match the data well"
        )
    return (
        "generated images are as far from training images as held-out images are: no copying found"
    )


def _are_copies(duplicates: Score, held_out: int) -> bool:
    """Whether clearly more generated images are duplicates than of so many held-out ones.

    Clearly: by a factor, and by Fisher's exact test. The threshold comes from other held-out
    images, so both counts are binomial.
    """
    from scipy.stats import fisher_exact

    usual = duplicates.baseline
    if usual is None or duplicates.value <= _MANY * usual:
        return False
    shares = ((duplicates.value, duplicates.generated), (usual, held_out))
    found = [round(share * count) for share, count in shares]
    others = [count - one for (_, count), one in zip(shares, found, strict=True)]
    p_value = fisher_exact([found, others], alternative="greater").pvalue
    return bool(p_value <= _CHANCE)


class CopyingSearch:
    """Searches generated images for copies of the same training images.

    Parameters
    ----------
    dataset : ImageDataset
    rows_N : int64 (N,)
        The training images to search.
    features : Features
        Of these images.
    held_out : (Features, str), optional
        Of real images that were not trained on, and their description; at most ``count``. Default:
        a fifth of the training images, which are not searched; a generator that copies is still
        closer to the others.
    count : int
        Generated images. The default takes no more held-out images, because C_T and the repeat rate
        grow with the number of images, and the baseline must be that of as many.
    extractor : str
        Label of the feature extractor.
    baselines : RealBaselines
    """

    def __init__(
        self,
        dataset: ImageDataset,
        rows_N: NDArray[np.int64],
        features: Features,
        held_out: tuple[Features, str] | None,
        *,
        count: int,
        extractor: str,
        baselines: RealBaselines,
    ) -> None:
        if held_out is None:
            count = min(count, len(rows_N) // 5)
            name = f"{count:,} other training images stand in for held-out images"
            held_out = features.take(slice(0, count)), name
            rows_N, features = rows_N[count:], features.take(slice(count, None))
        self._held_out_MF, self._name = held_out[0].values, held_out[1]
        self._dataset, self._rows, self._training_NF = dataset, rows_N, features.values
        self._label = extractor
        self._baselines: dict[str, float] = {}
        if len(self._held_out_MF) >= _FEWEST_HELD_OUT:
            self._baselines = baselines.of(
                f"copying {self._name} {len(rows_N)}",
                ("threshold", "copying_test", "duplicate_rate", "repeat_rate", "nearest_distance"),
                lambda: _baselines(self._held_out_MF, self._training_NF),
            )

    def search(
        self, generated: Features, images: NDArray[np.uint8], seed: int, split: str
    ) -> Copying:
        """Search for copies among N generated images.

        The nearest pairs are chosen from the first n of them, ``images`` uint8 (n, C, H, W).
        """
        distance_N, index_N = nearest(generated.values, self._training_NF)
        order = np.argsort(distance_N[: len(images)], kind="stable")
        telling = self._telling(order, index_N)
        middle = max(0, (len(order) - _SHOWN) // 2)
        nearest_pairs, typical = (
            Pairs(
                images[chosen],
                take(self._dataset, self._rows[index_N[chosen]]),
                tuple(float(one) for one in distance_N[chosen]),
            )
            for chosen in (telling, order[middle : middle + _SHOWN])
        )
        return Copying(
            nearest_pairs,
            typical,
            len(self._rows),
            self._name,
            self._scores(generated.values, distance_N, seed, split),
            self._baselines.get("nearest_distance"),
        )

    def _telling(self, order_N: NDArray[np.int64], index_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """The nearest pairs for the sheet: no blank training images, and none of them twice.

        Where there are too few such pairs, the nearest of the others are added.
        """
        near = order_N[:_LOOKED_THROUGH]
        shown: set[bytes] = set()
        chosen: list[int] = []
        for start in range(0, len(near), 4 * _SHOWN):
            part = near[start : start + 4 * _SHOWN]
            for place, image in enumerate(take(self._dataset, self._rows[index_N[part]]), start):
                pixels = image.tobytes()
                if pixels not in shown and image.std(axis=(1, 2)).max() >= BLANK_DEVIATION:
                    shown.add(pixels)
                    chosen.append(place)
            if len(chosen) >= _SHOWN:
                break
        others = np.setdiff1d(np.arange(len(near)), chosen)
        places = np.concatenate([chosen[:_SHOWN], others])[: min(_SHOWN, len(near))]
        return near[np.sort(places.astype(np.int64))]

    def _scores(
        self, generated: FeatureArray, distance_N: NDArray[np.float64], seed: int, split: str
    ) -> tuple[Score, ...]:
        count = min(len(self._held_out_MF), len(generated))
        if count < _FEWEST_HELD_OUT:
            return ()
        half = count // 2  # C_T grows with the number of images: as many as for its baseline
        threshold = self._baselines["threshold"]
        test = _c_t(generated[:half], self._training_NF, self._held_out_MF[half : 2 * half])
        values = {
            "copying_test": (test, half),
            "duplicate_rate": (float((distance_N <= threshold).mean()), len(generated)),
            "repeat_rate": (repeats(generated[:count], threshold=threshold), count),
        }
        return tuple(
            Score(
                metric=name,
                value=value,
                baseline=self._baselines[name],
                better=metric_of(name).better,
                extractor=self._label,
                real=len(self._rows),
                generated=images,
                split=f"{split}; held out: {self._name}",
                seed=seed,
            )
            for name, (value, images) in values.items()
        )


def _baselines(held_out: FeatureArray, training: FeatureArray) -> dict[str, float]:
    """The scores of one half of the held-out images, with the threshold of the other half."""
    half = len(held_out) // 2
    one, other = held_out[:half], held_out[half : 2 * half]
    threshold = copy_threshold(training, one)
    distance_M, _ = nearest(other, training)
    return {
        "threshold": threshold,
        "copying_test": _c_t(one, training, other),
        "duplicate_rate": float((distance_M <= threshold).mean()),
        "repeat_rate": repeats(held_out, threshold=threshold),
        "nearest_distance": float(np.median(distance_M)),
    }


def _c_t(generated: FeatureArray, training: FeatureArray, held_out: FeatureArray) -> float:
    try:
        return copying_test(generated, training, held_out, cells=_cells(len(held_out)))
    except DataError:  # a collapsed generator may leave every cell without held-out images
        return copying_test(generated, training, held_out, cells=1)


def _cells(held_out: int) -> int:
    """Cells of the copying test; the standard deviation of C_T is 1/√cells without copying."""
    return min(_MOST_CELLS, max(1, held_out // _IN_A_CELL))
