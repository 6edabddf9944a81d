"""The score of generated images together with their vital signs, in one pass over the images.

N images · C channels · H, W sides · F features
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.evaluation.real_images import two_samples
from dcgan.evaluation.vital_signs import MOST, VitalSigns
from dcgan.metrics.distance import DistanceToReal
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.score import Score
from dcgan.vocabulary import Distance

_LOOKED_AT = 256
"""Images whose pixels are compared."""


class ScoreAndSigns:
    """Compares generated images with one fixed set of real images.

    Vital signs are computed on features of the extractor ``random``, whichever extractor computes
    the score: the thresholds of :mod:`dcgan.health` were chosen on them.

    Parameters
    ----------
    metric : {"frechet", "kernel"}
    extractor : Extractor
        Of the score.
    dataset : ImageDataset
    count : int
        Real images, at most half of the dataset.
    seed : int
        Of the latents of the generated images.

    Raises
    ------
    DataError
        The dataset has fewer than 100 images.
    """

    def __init__(
        self,
        metric: Distance,
        extractor: Extractor,
        dataset: ImageDataset,
        count: int,
        *,
        seed: int,
    ) -> None:
        channels, height, width = dataset.shape
        self._extractor = extractor
        self._random = random_extractor(channels, (height, width), device=extractor.device)
        reference, others, split = two_samples(dataset, count)
        some, more = _FirstImages(self._random), _FirstImages(self._random)
        self._distance = DistanceToReal(
            metric, extractor, some.noted(reference), more.noted(others), split=split, seed=seed
        )
        self._signs = VitalSigns(some.images(), some.features(), more.features())

    def of(self, images: Iterable[NDArray[np.uint8]]) -> tuple[Score, dict[str, float]]:
        """Score and vital signs of generated images, which come in parts (n, C, H, W)."""
        some = _FirstImages(self._random)
        score = self._distance.score(self._extractor(some.noted(images)).values)
        return score, self._signs.of(some.images(), some.features())


class _FirstImages:
    """Keeps the first images of a stream, and the features of more of them."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self._images: list[NDArray[np.uint8]] = []
        self._features: list[NDArray[np.float32]] = []
        self._count = 0

    def noted(self, parts: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """The same stream of parts (n, C, H, W)."""
        for part in parts:
            if self._count < _LOOKED_AT:
                self._images.append(part[: _LOOKED_AT - self._count].copy())
            if self._count < MOST:
                self._features.append(self._extractor(part[: MOST - self._count]).values)
            self._count += len(part)
            yield part

    def images(self) -> NDArray[np.uint8]:
        """The first images, uint8 (N, C, H, W)."""
        return np.concatenate(self._images)

    def features(self) -> NDArray[np.float32]:
        """The features of the first images, (N, F)."""
        return np.concatenate(self._features)
