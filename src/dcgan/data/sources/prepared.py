"""A folder written by ``dcgan prepare``, as a source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.dataset import HeldDataset
from dcgan.data.prepared import has_checksums, open_prepared
from dcgan.data.sources.base import ArraySource
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError


class PreparedSource(ArraySource):
    """Prepared images, mapped: training at their own size and channels never copies them."""

    def __init__(self, folder: Path) -> None:
        dataset = open_prepared(folder)
        if not isinstance(dataset, HeldDataset):
            raise DataError(f"{folder}: a cache of random crops. Use the original dataset")
        labels = dataset.labels
        marks = ((name, one.names, one.values.tobytes()) for name, one in sorted(labels.items()))
        super().__init__(
            str(folder),
            np.moveaxis(dataset.images, 1, 3),
            labels=labels,
            stamp=digest((dataset.fingerprint, *marks)),
        )
        self.run = dataset.run
        self.has_checksums = has_checksums(folder)
        self.dataset = dataset

    def pixels(self) -> NDArray[np.uint8]:
        return self.dataset.images
