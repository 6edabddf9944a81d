"""Images decoded when they are shown: for datasets too large for memory and disk."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.dataset import ImageDataset, cut
from dcgan.data.image_view import View
from dcgan.data.pixels.remarks import Skipped
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.errors import TooManyUnreadable, UnreadableImage
from dcgan.runtime.threads import cores

STREAMED = "stream:"
"""Prefix of fingerprints made from names and not from pixels."""

_PER_TASK = 8
_JUDGED_AFTER = 100
"""Images shown at least before the share of unreadable ones is judged."""


class StreamedDataset(ImageDataset):
    """Images read from their source each time they are shown; only a few batches are held."""

    is_slow = True

    def __init__(self, source: Source, view: View, *, max_unreadable: float = 0.05) -> None:
        # not by time or path: a dataset that was moved is still the same
        titles = (source.title(index) for index in range(len(source)))
        super().__init__(
            view.shape,
            STREAMED + digest((*titles, view)),
            labels=source.labels,
            run=source.run,
        )
        self._source, self._view = source, view
        self._most = max_unreadable
        self._unreadable: dict[int, Skipped] = {}
        self._seen = 0
        self._remarked: set[int] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(cores())

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Unreadable images found so far."""
        return tuple(self._unreadable.values())

    def __len__(self) -> int:
        return len(self._source)

    def take(self, index_B: NDArray[np.int64], place_B: NDArray[np.float64]) -> Tensor:
        self._seen += len(index_B)
        taken = np.empty((len(index_B), *self.shape), dtype=np.uint8)

        def fill(start: int) -> None:
            for row in range(start, min(start + _PER_TASK, len(index_B))):
                taken[row] = self._one(int(index_B[row]), float(place_B[row]))

        do = map if self._source.one_at_a_time else self._pool.map
        list(do(fill, range(0, len(index_B), _PER_TASK)))
        return torch.from_numpy(taken)

    def _one(self, index: int, place: float) -> NDArray[np.uint8]:
        for step in range(len(self._source)):
            at = (index + step) % len(self._source)
            pixels = None if at in self._unreadable else self._read(at)
            if pixels is not None:
                return cut(pixels, self.shape, place) if self._view.is_ragged else pixels
        raise TooManyUnreadable(f"{self._source.name}: no image can be read")

    def _read(self, index: int) -> NDArray[np.uint8] | None:
        """One image; None if it is unreadable, which is remembered."""
        try:
            pixels, remarks = self._view.remarked(self._source, index)
            if remarks:
                self._remark(index, remarks)
            return pixels
        except UnreadableImage as error:
            self._unreadable[index] = Skipped(self._source.title(index), str(error))
            self._judge()
            return None

    def _remark(self, index: int, remarks: set[str]) -> None:
        """Count the remarks on an image once, however often it is shown."""
        with self._lock:
            if index not in self._remarked:
                self._remarked.add(index)
                self.remarks.add(self._source.title(index), remarks)

    def _judge(self) -> None:
        """Stop if significantly more images are unreadable than allowed."""
        bad, seen = len(self._unreadable), min(max(self._seen, _JUDGED_AFTER), len(self))
        expected = self._most * seen
        spread = 3 * math.sqrt(expected * (1 - self._most)) if seen < len(self) else 0.0
        if bad > expected + spread:  # by three standard deviations
            first = next(iter(self._unreadable.values()))
            raise TooManyUnreadable(
                f"{self._source.name}: {bad} of the first {seen:,} images shown are unreadable,"
                f" more than `data.max_unreadable={self._most:g}` allows; the first is"
                f" {first.title} ({first.reason})"
            )
