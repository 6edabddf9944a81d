"""What real images get by each measure, worked out once for all checkpoints."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from dcgan.data import ImageDataset
from dcgan.data.stream import STREAMED
from dcgan.metrics.extractor import Extractor
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json

_VERSION = 1
"""Raised whenever a measure gives other numbers than before."""


class RealBaselines:
    """Numbers by group of measures, kept beside the features they were taken on.

    Parameters
    ----------
    dataset : Pictures
    extractor : Extractor
    count : int
        Images of either set.
    """

    def __init__(self, dataset: ImageDataset, extractor: Extractor, count: int) -> None:
        known = f"{_VERSION} {dataset.fingerprint} {dataset.shape} {extractor.label} {count}"
        name = hashlib.sha256(known.encode()).hexdigest()[:24]
        # names alone identify pictures that are decoded when shown: their pixels may change
        can_tell = not dataset.fingerprint.startswith(STREAMED)
        self._path = cache_folder() / "features" / f"{name}.json" if can_tell else None
        self._found = _read(self._path)

    def of(self, group: str, take: Callable[[], Mapping[str, float]]) -> Group:
        """The numbers of a group; taken when they are not known yet."""

        def taken() -> dict[str, float]:
            self._found[group] = {name: float(value) for name, value in take().items()}
            # kept for speed alone: a full or write-protected disk must not stop a measurement
            with suppress(OSError):
                if self._path is not None:
                    write_json(self._path, self._found)
            return self._found[group]

        known = self._found.get(group)
        return Group(taken() if known is None else known, taken)


class Group:
    """Numbers of a group of measures by name.

    One that is not there, as where an earlier version kept the group, has all of them taken again.
    """

    def __init__(self, known: dict[str, float], take: Callable[[], dict[str, float]]) -> None:
        self._known, self._take = known, take

    def __getitem__(self, name: str) -> float:
        if name not in self._known:
            self._known = self._take()
        return self._known[name]


def _read(path: Path | None) -> dict[str, dict[str, float]]:
    """The groups of a file, without whatever is not a group of numbers."""
    try:
        found = read_json(path) if path else {}
    except (OSError, ValueError):
        return {}
    return {name: _numbers(group) for name, group in found.items() if isinstance(group, dict)}


def _numbers(group: dict[str, object]) -> dict[str, float]:
    return {name: value for name, value in group.items() if isinstance(value, int | float)}
