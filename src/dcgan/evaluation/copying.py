"""Whether a checkpoint repeats its training pictures, with those it comes nearest to.

N images · C channels · H, W sides · F features
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.errors import DataError
from dcgan.evaluation.baselines import RealBaselines
from dcgan.evaluation.real_images import take
from dcgan.metrics.estimate import FeatureArray
from dcgan.metrics.extractor import Features
from dcgan.metrics.memorisation import copy_threshold, copying_test, nearest, repeats
from dcgan.metrics.score import Score

_SHOWN = 12
"""Pairs on the sheet."""

_FEWEST_HELD_OUT = 200
"""Half of them set a threshold that one in a hundred undercuts, and the other half tries it."""

_MOST_CELLS, _IN_A_CELL = 10, 50
"""Cells of the copying test, and images each should hold on average."""

_SURE = 3.0
"""Standard deviations from which C_T is taken as a finding."""

_MANY = 2.0
"""How many times as many duplicates as new pictures have are copies, and no chance."""


@dataclass(frozen=True)
class Copying:
    """What the search for copies found.

    Parameters
    ----------
    generated, training : uint8 (N, C, H, W)
        The generated images that lie nearest to a training picture, nearest first, and those
        training pictures.
    distances : tuple of float
        Between them.
    searched : int
        Training pictures that were searched.
    held_out : str
        Which real pictures stand for ones that could not be copied.
    scores : tuple of Score
    """

    generated: NDArray[np.uint8]
    training: NDArray[np.uint8]
    distances: tuple[float, ...]
    searched: int
    held_out: str
    scores: tuple[Score, ...]

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold, without the pictures."""
        return {
            "searched": self.searched,
            "held_out": self.held_out,
            "nearest_distances": list(self.distances),
        }

    def lines(self) -> list[str]:
        """For people."""
        found = {score.measure: score for score in self.scores}
        lines = [
            f"copies         looked for among {self.searched:,} training pictures; never"
            f" copied: {self.held_out}"
        ]
        if "copying_test" in found:
            verdict = _verdict(found["copying_test"], found["duplicate_rate"])
            lines.append(f"               {verdict}")
        return lines


def _verdict(test: Score, duplicates: Score) -> str:
    """Both measures in words: C_T sees that images lie near, duplicates whether at pictures."""
    sure = _SURE / sqrt(_cells(test.generated))
    if duplicates.floor is not None and duplicates.value > _MANY * duplicates.floor:
        return (
            "generated images lie nearer to training pictures than new pictures do: it copies"
            if test.value < -sure
            else "some generated images are copies, though most are not: see the duplicates"
        )
    if test.value < -sure:
        return (
            "generated images lie nearer to training pictures than new pictures do, but are no"
            " copies: smooth or few kinds of images do, see the pairs"
        )
    if test.value > sure:
        return (
            "generated images lie farther from training pictures than new ones do: no copying,"
            " but not yet the data either"
        )
    return "generated images lie as far from training pictures as new ones do"


class CopyingSearch:
    """Looks for copies of the same training pictures again and again.

    Parameters
    ----------
    dataset : Pictures
    rows_N : int64 (N,)
        Those to search.
    features : Features
        Of these.
    held_out : (Features, str), optional
        Of real pictures that were not trained on, and what to call them. Without them, a fifth of
        the training pictures stands for such: it is left out of the search, and a generator that
        copies is nearer to the others all the same.
    extractor : str
        The label of what took the features.
    floors : Floors
        Knows what held-out pictures get.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        rows_N: NDArray[np.int64],
        features: Features,
        held_out: tuple[Features, str] | None,
        *,
        extractor: str,
        baselines: RealBaselines,
    ) -> None:
        if held_out is None:
            count = len(rows_N) // 5
            name = f"{count:,} of the training pictures, left out of the search"
            held_out = features.take(slice(0, count)), name
            rows_N, features = rows_N[count:], features.take(slice(count, None))
        self._held_out, self._name = held_out
        self._dataset, self._rows, self._features = dataset, rows_N, features
        self._baselines = baselines.of(
            f"copying {self._name} {len(rows_N)}",
            lambda: _baselines(self._held_out.values, features.values),
        )
        self._label = extractor

    def search(
        self, generated: Features, images: NDArray[np.uint8], seed: int, split: str
    ) -> Copying:
        """Look for copies among generated images.

        Parameters
        ----------
        generated : Features
            Of N images.
        images : uint8 (n, C, H, W)
            The first n of them, among which those that are shown are chosen.
        seed : int
            Of the latents.
        split : str
            What to call the real pictures.
        """
        distance_N, index_N = nearest(generated.values, self._features.values)
        closest = np.argsort(distance_N[: len(images)], kind="stable")[:_SHOWN]
        scores = tuple(self._scores(generated, distance_N, seed, split))
        return Copying(
            images[closest],
            take(self._dataset, self._rows[index_N[closest]]),
            tuple(float(one) for one in distance_N[closest]),
            len(self._rows),
            self._name,
            scores,
        )

    def _scores(
        self, generated: Features, distance_N: NDArray[np.float64], seed: int, split: str
    ) -> Iterator[Score]:
        common: dict[str, Any] = {
            "extractor": self._label,
            "real": len(self._rows),
            "split": f"{split}; held out: {self._name}",
            "seed": seed,
        }
        training, held_out = self._features.values, self._held_out.values
        count = min(len(held_out), len(generated))
        if count < _FEWEST_HELD_OUT:
            return
        half = count // 2  # its score grows with the number of images: as many as in its floor
        yield Score(
            measure="copying_test",
            value=_c_t(generated.values[:half], training, held_out[half : 2 * half]),
            floor=self._baselines["copying_test"],
            better="zero",
            generated=half,
            **common,
        )
        threshold = self._baselines["threshold"]
        yield Score(
            measure="duplicate_rate",
            value=float((distance_N <= threshold).mean()),
            floor=self._baselines["duplicate_rate"],
            generated=len(generated),
            **common,
        )
        yield Score(
            measure="repeat_rate",
            value=repeats(generated.values[:count], threshold=threshold),
            floor=self._baselines["repeat_rate"],
            generated=count,
            **common,
        )


def _baselines(held_out: FeatureArray, training: FeatureArray) -> dict[str, float]:
    """What one half of the held-out pictures gets when the other half sets the bound.

    A threshold that one in a hundred of the one half undercuts is undercut by about as many of
    the other, and the copying test finds nothing between them.
    """
    if len(held_out) < _FEWEST_HELD_OUT:
        return {}
    half = len(held_out) // 2
    one, other = held_out[:half], held_out[half : 2 * half]
    threshold = copy_threshold(training, one)
    distance_M, _ = nearest(other, training)
    return {
        "threshold": threshold,
        "copying_test": _c_t(one, training, other),
        "duplicate_rate": float((distance_M <= threshold).mean()),
        "repeat_rate": repeats(held_out, threshold=threshold),
    }


def _c_t(generated: FeatureArray, training: FeatureArray, held_out: FeatureArray) -> float:
    try:
        return copying_test(generated, training, held_out, cells=_cells(len(held_out)))
    except DataError:  # a collapsed generator may sit where no held-out picture is
        return copying_test(generated, training, held_out, cells=1)


def _cells(held_out: int) -> int:
    """Of the copying test; the deviation of C_T is 1/√cells where nothing is copied."""
    return min(_MOST_CELLS, max(1, held_out // _IN_A_CELL))
