"""The score that is computed while training: a distance to one fixed set of real images."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dcgan.metrics.extractor import Extractor
from dcgan.metrics.frechet import frechet_distance
from dcgan.metrics.kernel import chance_error, squared_mmd
from dcgan.metrics.score import Score
from dcgan.vocabulary import Distance

_DISTANCES = {"frechet": frechet_distance, "kernel": squared_mmd}


class DistanceToReal:
    """The distance of generated images to real ones, with the real-image baseline.

    Parameters
    ----------
    measure : {"frechet", "kernel"}
        The Fréchet distance, or the unbiased squared MMD over all pairs.
    extractor : Extractor
    reference, others : iterable of uint8 (n, C, H, W)
        Two disjoint sets of real images, in parts. The baseline is their distance.
        From these, the kernel distance also has an error.
    split : str
        Which real images.
    seed : int
        Of the latents of the generated images.
    """

    def __init__(
        self,
        measure: Distance,
        extractor: Extractor,
        reference: Iterable[NDArray[np.uint8]],
        others: Iterable[NDArray[np.uint8]],
        *,
        split: str,
        seed: int,
    ) -> None:
        self._measure, self._extractor = measure, extractor
        self._split, self._seed = split, seed
        self._distance = _DISTANCES[measure]
        self._real_NF = extractor(reference).values
        others_NF = extractor(others).values
        self._baseline = self._distance(self._real_NF, others_NF)
        self._error = chance_error(self._real_NF, others_NF) if measure == "kernel" else None

    def score(self, generated_MF: NDArray[np.float32]) -> Score:
        """The score of generated images, from their features (M, F) by the same extractor."""
        return Score(
            metric=f"{self._measure}_distance",
            value=self._distance(self._real_NF, generated_MF),
            baseline=self._baseline,
            error=self._error,
            extractor=self._extractor.label,
            real=len(self._real_NF),
            generated=len(generated_MF),
            split=self._split,
            seed=self._seed,
        )
