"""Endless batches whose order depends only on (seed, epoch, index).

B batch · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from dcgan.data.dataset import HeldDataset, ImageDataset
from dcgan.data.pixels.scale import PixelScale
from dcgan.runtime.threads import ahead

WINDOW = 64
"""Runs whose images are shuffled together, for a source that is read in runs."""

_BATCHES_AHEAD = 4


def epoch_order(seed: int, epoch: int, count: int, run: int = 1) -> NDArray[np.int64]:
    """A permutation of ``count`` images that depends only on its arguments.

    Images are sorted by Philox's raw words. NumPy guarantees that these never change (unlike its
    shuffles), so a run resumed years later sees the same order.

    Parameters
    ----------
    seed, epoch, count : int
    run : int, default 1
        Number of adjacent images that are read together. Above 1, runs are permuted, and images
        only within every 64 consecutive runs of that permutation, so that reads stay long.
    """
    if run == 1:
        return np.argsort(_words(seed, epoch, count), kind="stable")
    words = _words(seed, epoch, -(-count // run) + count)
    runs = np.argsort(words[: -(-count // run)], kind="stable")
    index = (runs[:, None] * run + np.arange(run)).ravel()
    index = index[index < count]
    window = np.arange(count) // (run * WINDOW)
    return index[np.lexsort((words[-count:], window))]


def epoch_images(count: int, batch: int) -> int:
    """Images that one epoch of ``count`` images shows: as many as fill whole batches."""
    return max(1, count // batch) * batch


def _words(seed: int, epoch: int, count: int) -> NDArray[np.uint64]:
    philox = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64))
    return philox.random_raw(count)


@dataclass(frozen=True)
class ClassNumbers:
    """The class of each image.

    Parameters
    ----------
    number_N : (N,)
        By rows of the dataset's labels.
    classes : int
        K.
    """

    number_N: NDArray[Any]
    classes: int


class _Slice(NamedTuple):
    """This rank's share of one batch before it is read."""

    indices: NDArray[np.int64]
    words: NDArray[np.uint64]
    """Random words of these images in this epoch."""
    word: int
    """Random word of the whole batch."""


class Batches:
    """Normalized batches of images.

    An epoch is as many full batches as the dataset has; an incomplete last batch is dropped. With
    fewer images than one batch, every batch is sampled with replacement and counts as an epoch.

    Parameters
    ----------
    dataset : ImageDataset, or uint8 (N, C, H, W)
    batch : int
        Images per step, of all ranks together.
    seed : int
    device : torch.device
        Device of the batches.
    scale : PixelScale
    flip : bool, default False
        Mirror each image with probability 1/2.
    dequantize : bool, default False
        Add noise, uniform in ±0.5 pixel values, so that the data are not on a grid, which no
        generator produces (Theis et al. 2016, section 3.1). Rounding removes it.
    classes : ClassNumbers, optional
        For :meth:`with_classes`.
    rank, ranks : int, default 0 and 1
        Deliver the ``rank``-th of ``ranks`` equal shares of each batch.

    Raises
    ------
    ValueError
        The batch is not a multiple of ``ranks``.
    """

    def __init__(
        self,
        dataset: ImageDataset | NDArray[np.uint8],
        batch: int,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        scale: PixelScale | None = None,
        flip: bool = False,
        dequantize: bool = False,
        classes: ClassNumbers | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if batch % ranks:
            raise ValueError(f"batch {batch} is not a multiple of {ranks} ranks")
        self._dataset = dataset if isinstance(dataset, ImageDataset) else HeldDataset(dataset)
        self._device = torch.device(device)
        self._scale = scale or PixelScale()
        self._flip = flip
        self._classes = classes
        self._noise = torch.Generator(self._device) if dequantize else None
        self._share = slice(rank * batch // ranks, (rank + 1) * batch // ranks)
        self.batch = batch
        self.seed = seed

    @property
    def with_replacement(self) -> bool:
        """Whether there are fewer images than one batch holds."""
        return len(self._dataset) < self.batch

    @property
    def share(self) -> int:
        """Images of a batch that this rank gets."""
        return self._share.stop - self._share.start

    @property
    def epoch_images(self) -> int:
        """Number of images that one epoch shows."""
        return epoch_images(len(self._dataset), self.batch)

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """Numbers of the images that an epoch shows, in order."""
        count = len(self._dataset)
        if self.with_replacement:
            return (_words(self.seed, epoch, self.batch) % np.uint64(count)).astype(np.int64)
        order = epoch_order(self.seed, epoch, count, self._dataset.run)
        return order[: self.epoch_images]

    def starting_at(self, images_seen: int) -> Iterator[Tensor]:
        """Endless batches float (B, C, H, W) after the first ``images_seen`` images of all ranks, a
        multiple of the batch. B is this rank's share."""
        for image_BCHW, _ in self.with_classes(images_seen):
            yield image_BCHW

    def with_classes(self, images_seen: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The batches of :meth:`starting_at` with their classes, one-hot float (B, K); None without
        classes."""
        slices = self._slices(images_seen)
        batches: Iterator[tuple[Tensor, _Slice]] = ((self._read(part), part) for part in slices)
        if self._dataset.is_slow or self._must_be_fetched:
            batches = ahead(batches, _BATCHES_AHEAD)
        for pixel_BCHW, part in batches:
            yield self._deliver(pixel_BCHW, part.word), self._classes_of(part)

    def _classes_of(self, part: _Slice) -> Tensor | None:
        if self._classes is None:
            return None
        number_B = self._classes.number_N[self._dataset.rows(part.indices)].astype(np.int64)
        # one-hot on the device, after an asynchronous copy: nothing waits for a GPU
        here_B = torch.from_numpy(number_B).to(
            self._device, non_blocking=self._device.type == "cuda"
        )
        return one_hot(here_B, self._classes.classes).float()

    def _slices(self, images_seen: int) -> Iterator[_Slice]:
        epoch, position = divmod(images_seen, self.epoch_images)
        while True:
            order = self.indices(epoch)
            # a different stream from that of the order, whose epochs count from 0
            words = _words(self.seed, 2**63 + epoch, self.epoch_images)
            for start in range(position, self.epoch_images, self.batch):
                whole = slice(start, start + self.batch)
                word = int(words[start])
                yield _Slice(order[whole][self._share], words[whole][self._share], word)
            epoch, position = epoch + 1, 0

    def _read(self, part: _Slice) -> Tensor:
        """uint8 (B, C, H, W), in memory from which the device can copy."""
        # the 53 high bits are the place, the lowest bit is the mirroring: independent of each other
        place_B = (part.words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        pixel_BCHW = self._dataset.take(part.indices, place_B)
        if self._flip:
            is_mirrored = torch.from_numpy((part.words & np.uint64(1)).astype(bool))
            is_mirrored = is_mirrored.to(pixel_BCHW.device, non_blocking=True)[:, None, None, None]
            # not by index, which would wait for the GPU to count them
            pixel_BCHW = torch.where(is_mirrored, pixel_BCHW.flip(3), pixel_BCHW)
        # only pinned memory can be copied asynchronously
        if not self._must_be_fetched:
            return pixel_BCHW
        with torch.cuda.device(self._device):  # threads start on the first GPU
            return pixel_BCHW.pin_memory()

    @property
    def _must_be_fetched(self) -> bool:
        """Whether a GPU copies each batch from the CPU's memory."""
        return self._device.type == "cuda" and self._dataset.device.type == "cpu"

    def _deliver(self, pixel_BCHW: Tensor, word: int) -> Tensor:
        pixel_BCHW = pixel_BCHW.to(self._device, non_blocking=self._device.type == "cuda")
        if self._noise is None:
            return self._scale.normalize(pixel_BCHW)
        self._noise.manual_seed(word >> 1)
        # noise of the whole batch, so that it is the same for any number of ranks
        noise_BCHW = torch.rand(
            (self.batch, *pixel_BCHW.shape[1:]), generator=self._noise, device=self._device
        )
        return self._scale.normalize(pixel_BCHW + (noise_BCHW[self._share] - 0.5))
