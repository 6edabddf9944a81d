"""Endless batches whose order depends only on (seed, epoch, index).

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.scale import PixelScale


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """A permutation of ``count`` images that depends on nothing but its arguments.

    Sorted by Philox's raw words, whose stream NumPy guarantees to stay the same (its shuffles it
    does not), so that a run resumed years later sees the same order.
    """
    words = _words(seed, epoch, count)
    return np.argsort(words, kind="stable")


def _words(seed: int, epoch: int, count: int) -> NDArray[np.uint64]:
    philox = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64))
    return philox.random_raw(count)


class Batches:
    """Normalised batches of pictures held in memory.

    An epoch is as many whole batches as the pictures fill; the incomplete rest of an epoch's order
    is dropped. With fewer pictures than one batch, every batch is drawn with replacement and
    counts as an epoch.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
    batch : int
    seed : int
    device : torch.device
        Where batches are delivered.
    scale : PixelScale
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        batch: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        scale: PixelScale | None = None,
    ) -> None:
        self._images = torch.from_numpy(images)
        self._device = torch.device(device)
        self._scale = scale or PixelScale()
        self.batch = batch
        self.seed = seed

    @property
    def with_replacement(self) -> bool:
        """Whether there are fewer pictures than one batch holds."""
        return len(self._images) < self.batch

    @property
    def epoch_images(self) -> int:
        """How many images one epoch shows."""
        return max(1, len(self._images) // self.batch) * self.batch

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """Which pictures an epoch shows, in order."""
        count = len(self._images)
        if self.with_replacement:
            return (_words(self.seed, epoch, self.batch) % np.uint64(count)).astype(np.int64)
        return epoch_order(self.seed, epoch, count)[: self.epoch_images]

    def starting_at(self, images_seen: int) -> Iterator[Tensor]:
        """Batches float (B, C, H, W) from a position on, without end.

        Parameters
        ----------
        images_seen : int
            Images that the run has been shown; a multiple of the batch.
        """
        epoch, position = divmod(images_seen, self.epoch_images)
        while True:
            order = torch.from_numpy(self.indices(epoch))
            for start in range(position, self.epoch_images, self.batch):
                yield self._deliver(order[start : start + self.batch])
            epoch, position = epoch + 1, 0

    def _deliver(self, index_B: Tensor) -> Tensor:
        pixels = self._images[index_B]
        if self._device.type != "cuda":
            return self._scale.normalize(pixels.to(self._device))
        # only pinned memory may be left behind while the copy still runs
        return self._scale.normalize(pixels.pin_memory().to(self._device, non_blocking=True))
