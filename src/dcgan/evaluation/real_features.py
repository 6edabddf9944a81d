"""Features of real images, computed once per extractor and kept in the cache.

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
from dcgan.runtime.changes import newest_first, state_of
from dcgan.runtime.files import written_whole

_LIMIT = 4_000_000_000
"""Bytes that are kept; the least recently used files are deleted first."""


def real_features(
    dataset: ImageDataset, rows_N: NDArray[np.int64], extractor: Extractor
) -> Features:
    """Features of some images, from the cache if they are there."""
    known = hashlib.sha256(rows_N.tobytes())
    known.update(f"{dataset.fingerprint} {dataset.shape} {extractor.label}".encode())
    path = cache_folder() / "features" / f"{known.hexdigest()[:24]}.npz"
    # a streamed dataset is identified by its file names: the pixels may change
    is_identified = not dataset.fingerprint.startswith(STREAMED)
    kept = _read(path, len(rows_N)) if is_identified else None
    # if one process lacks them, all share the work
    (is_missing,) = extractor.ranks.greatest([kept is None])
    if kept is not None and not is_missing:
        return kept
    features = extractor(parts_of(dataset, rows_N))
    with suppress(OSError):  # evaluation continues without the cache
        if is_identified and kept is None:
            _write(path, features)
    return features


def _read(path: Path, count: int) -> Features | None:
    try:
        # opened here: np.load would leave a damaged file open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            values, probabilities = stored["values"], stored["probabilities"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    if len(values) != count:
        return None
    with suppress(OSError):  # of another user, in a cache that is only read
        path.touch()
    return Features(values, probabilities if probabilities.size else None)


def _write(path: Path, features: Features) -> None:
    none = np.empty((0, 0), np.float32)
    probabilities = none if features.probabilities is None else features.probabilities
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, values=features.values, probabilities=probabilities)
    total = 0
    for kept in newest_first(path.parent.glob("*.npz")):
        total += max(0, state_of(kept).size)
        if total > _LIMIT and kept != path:
            kept.unlink(missing_ok=True)
