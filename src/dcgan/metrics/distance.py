"""One distance to one set of real images: cheap enough to be taken again and again.

N images · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.metrics.extractor import Extractor, Features
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.kernel import squared_mmd
from dcgan.metrics.score import Score
from dcgan.vocabulary import Distance

_NAMES: dict[Distance, str] = {"frechet": "frechet_distance", "kernel": "kernel_distance"}


@dataclass(frozen=True)
class DistanceToReal:
    """Distances generated images by their distance to a fixed set of real ones.

    Parameters
    ----------
    measure : {"frechet", "kernel"}
        The Fréchet distance, or the unbiased squared MMD over all pairs.
    extractor : Extractor
    reference : Features
        Of the real images.
    floor : float
        The distance of as many other real images.
    split : str
        Which real images.
    seed : int
        Of the latents that will be measured.
    """

    measure: Distance
    extractor: Extractor
    reference: Features
    floor: float
    split: str
    seed: int

    @classmethod
    def between(
        cls,
        measure: Distance,
        extractor: Extractor,
        reference: Iterable[NDArray[np.uint8]],
        others: Iterable[NDArray[np.uint8]],
        *,
        split: str,
        seed: int,
    ) -> DistanceToReal:
        """A yardstick from two disjoint sets of real images, given in parts (n, C, H, W)."""
        features = extractor(reference)
        floor = distance_between(measure, features, extractor(others))
        return cls(measure, extractor, features, floor, split, seed)

    def score(self, images: Iterable[NDArray[np.uint8]]) -> Score:
        """The distance of generated images, given in parts (n, C, H, W)."""
        features = self.extractor(images)
        return Score(
            measure=_NAMES[self.measure],
            value=distance_between(self.measure, self.reference, features),
            floor=self.floor,
            extractor=self.extractor.label,
            real=len(self.reference),
            generated=len(features),
            split=self.split,
            seed=self.seed,
        )


def distance_between(measure: Distance, a: Features, b: Features) -> float:
    """The distance between the features of two sets of images."""
    if measure == "kernel":
        return squared_mmd(a.values, b.values)
    return frechet_distance(Moments.of(a.values), Moments.of(b.values))
