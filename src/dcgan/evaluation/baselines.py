"""Real-image baselines, computed once per dataset, extractor and number of images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from dcgan.data import ImageDataset
from dcgan.data.stream import STREAMED
from dcgan.metrics.extractor import Extractor
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json

_VERSION = 1
"""Raised whenever a metric gives other numbers than before."""


class RealBaselines:
    """Numbers in groups, kept in the cache.

    Parameters
    ----------
    dataset : ImageDataset
    extractor : Extractor
    count : int
        Real images that are compared with, and as many others.
    """

    def __init__(self, dataset: ImageDataset, extractor: Extractor, count: int) -> None:
        known = f"{_VERSION} {dataset.fingerprint} {dataset.shape} {extractor.label} {count}"
        name = hashlib.sha256(known.encode()).hexdigest()[:24]
        # a streamed dataset is identified by its file names: the pixels may change
        is_identified = not dataset.fingerprint.startswith(STREAMED)
        self._path = cache_folder() / "features" / f"{name}.json" if is_identified else None
        self._groups: dict[str, dict[str, float]] = {}
        with suppress(OSError, ValueError):
            if self._path is not None:
                self._groups = read_json(self._path)

    def of(
        self, group: str, names: Iterable[str], compute: Callable[[], Mapping[str, float]]
    ) -> dict[str, float]:
        """The numbers of a group by name, computed if any of these names is not known yet."""
        known = self._groups.get(group)
        if isinstance(known, dict) and all(isinstance(known.get(name), float) for name in names):
            return known
        self._groups[group] = {name: float(value) for name, value in compute().items()}
        with suppress(OSError):  # evaluation continues without the cache
            if self._path is not None:
                write_json(self._path, self._groups)
        return self._groups[group]
