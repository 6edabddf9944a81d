"""Features of real pictures, taken once per extractor and kept.

N images · F features
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.data.stream import STREAMED
from dcgan.evaluation.real_images import parts_of
from dcgan.metrics.extractor import Extractor, Features
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import written_whole

_LIMIT = 4_000_000_000
"""Bytes that are kept; what was used longest ago goes first."""


def real_features(
    dataset: ImageDataset, rows_N: NDArray[np.int64], extractor: Extractor
) -> Features:
    """Features of some pictures, from the cache where they have been taken before."""
    known = hashlib.sha256(rows_N.tobytes())
    known.update(f"{dataset.fingerprint} {dataset.shape} {extractor.label}".encode())
    path = cache_folder() / "features" / f"{known.hexdigest()[:24]}.npz"
    # names alone identify pictures that are decoded when shown: their pixels may have changed
    can_tell = not dataset.fingerprint.startswith(STREAMED)
    kept = _read(path, len(rows_N)) if can_tell else None
    (is_missing,) = extractor.ranks.greatest([kept is None])  # for any, they share the work
    if kept is not None and not is_missing:
        return kept
    features = extractor(parts_of(dataset, rows_N))
    # kept for speed alone: a full or write-protected disk must not stop a measurement
    with suppress(OSError):
        if can_tell and kept is None:
            _write(path, features)
    return features


def _read(path: Path, count: int) -> Features | None:
    try:
        # opened here: np.load would leave a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values, probabilities = stored["values"], stored["probabilities"]
        path.touch()
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    if len(values) != count:
        return None
    return Features(values, probabilities if probabilities.size else None)


def _write(path: Path, features: Features) -> None:
    none = np.empty((0, 0), np.float32)
    probabilities = none if features.probabilities is None else features.probabilities
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, values=features.values, probabilities=probabilities)
    kept = sorted(path.parent.glob("*.npz"), key=lambda one: -one.stat().st_mtime)
    held = 0
    for one in kept:
        held += one.stat().st_size
        if held > _LIMIT and one != path:
            one.unlink(missing_ok=True)
