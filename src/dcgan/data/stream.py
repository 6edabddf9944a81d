"""Pictures decoded as they are shown: for what neither memory nor disk can hold decoded."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.dataset import ImageDataset, Skipped, cut
from dcgan.data.image_view import View
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.errors import TooManyUnreadable, UnreadableImage
from dcgan.runtime.threads import cores

STREAMED = "stream:"
"""Begins a fingerprint that comes from names and not from pixels."""

_PER_TASK = 8
_JUDGED_AFTER = 100
"""Pictures on which the share of unreadable ones is judged at the least."""


class StreamedDataset(ImageDataset):
    """Pictures read from their source each time; only a few batches are held.

    The place of an unreadable picture is taken by the next readable one, so that what is shown
    depends on nothing but the index.

    Parameters
    ----------
    source : Source
    view : View
    max_unreadable : float in [0, 1]
    """

    is_slow = True

    def __init__(self, source: Source, view: View, *, max_unreadable: float = 0.05) -> None:
        # not by time or place: a collection that was moved is still the same
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
        """What could not be read so far."""
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
        raise TooManyUnreadable(f"{self._source.name}: not one picture can be read")

    def _read(self, index: int) -> NDArray[np.uint8] | None:
        """One picture, or None for a damaged one, which is remembered."""
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
        """Count what is said about an image once, however often it is shown."""
        with self._lock:
            if index not in self._remarked:
                self._remarked.add(index)
                self.remarks.add(self._source.title(index), remarks)

    def _judge(self) -> None:
        """Refuse to go on with what is mostly damage."""
        bad, seen = len(self._unreadable), min(max(self._seen, _JUDGED_AFTER), len(self))
        expected = self._most * seen
        spread = 3 * math.sqrt(expected * (1 - self._most)) if seen < len(self) else 0.0
        if bad > expected + spread:  # three deviations of a fair draw: not just bad luck
            first = next(iter(self._unreadable.values()))
            raise TooManyUnreadable(
                f"{self._source.name}: {bad} of the first {seen:,} pictures shown are unreadable,"
                f" more than data.max_unreadable = {self._most:g} allows; the first is"
                f" {first.title} ({first.reason})"
            )
