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
"""Runs of pictures that are shuffled with each other, where a source is read in runs."""

_BATCHES_AHEAD = 4


def epoch_order(seed: int, epoch: int, count: int, run: int = 1) -> NDArray[np.int64]:
    """A permutation of ``count`` images that depends on nothing but its arguments.

    Sorted by Philox's raw words, whose stream NumPy guarantees to stay the same (its shuffles it
    does not), so that a run resumed years later sees the same order.

    Parameters
    ----------
    seed, epoch, count : int
    run : int, default 1
        Pictures that lie together. Above 1, runs are permuted, and pictures only within every 64
        consecutive runs of that permutation: what is read is read in long pieces.
    """
    if run == 1:
        return np.argsort(_words(seed, epoch, count), kind="stable")
    words = _words(seed, epoch, -(-count // run) + count)
    runs = np.argsort(words[: -(-count // run)], kind="stable")
    index = (runs[:, None] * run + np.arange(run)).ravel()
    index = index[index < count]
    window = np.arange(count) // (run * WINDOW)
    return index[np.lexsort((words[-count:], window))]


def _words(seed: int, epoch: int, count: int) -> NDArray[np.uint64]:
    philox = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64))
    return philox.random_raw(count)


@dataclass(frozen=True)
class ClassNumbers:
    """The class of each picture.

    Parameters
    ----------
    number_N : (N,)
        By rows of the pictures' labels.
    classes : int
        K.
    """

    number_N: NDArray[Any]
    classes: int


class _Slice(NamedTuple):
    """One batch before it is read."""

    indices: NDArray[np.int64]
    words: NDArray[np.uint64]
    """Random words of these pictures in this epoch."""
    word: int
    """One of the whole batch."""


class Batches:
    """Normalised batches of pictures.

    An epoch is as many whole batches as the pictures fill; the incomplete rest of an epoch's order
    is dropped. With fewer pictures than one batch, every batch is drawn with replacement and
    counts as an epoch.

    Parameters
    ----------
    dataset : Pictures, or uint8 (N, C, H, W)
    batch : int
        Images of one step, of all ranks together.
    seed : int
    device : torch.device
        Where batches are delivered.
    scale : PixelScale
    flip : bool, default False
        Mirror every other picture, at random.
    dequantize : bool, default False
        Add noise, uniform between half a pixel value below and above, so that the data are not
        on a grid that no generator draws (Theis et al. 2016, section 3.1); rounding undoes it.
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
        """Whether there are fewer pictures than one batch holds."""
        return len(self._dataset) < self.batch

    @property
    def share(self) -> int:
        """Images of a batch that this rank gets."""
        return self._share.stop - self._share.start

    @property
    def epoch_images(self) -> int:
        """How many images one epoch shows."""
        return max(1, len(self._dataset) // self.batch) * self.batch

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """Which pictures an epoch shows, in order."""
        count = len(self._dataset)
        if self.with_replacement:
            return (_words(self.seed, epoch, self.batch) % np.uint64(count)).astype(np.int64)
        order = epoch_order(self.seed, epoch, count, self._dataset.run)
        return order[: self.epoch_images]

    def starting_at(self, images_seen: int) -> Iterator[Tensor]:
        """Batches float (B, C, H, W) from a position on, without end; B is this rank's share.

        Parameters
        ----------
        images_seen : int
            Images that the run has been shown, on all ranks; a multiple of the batch.
        """
        for image_BCHW, _ in self.with_classes(images_seen):
            yield image_BCHW

    def with_classes(self, images_seen: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """The batches of :meth:`starting_at`, each with the classes of its pictures, float
        (B, K) with one number that is 1; None where no classes were given."""
        slices = self._slices(images_seen)
        read = ((self._read(one), one) for one in slices)
        if self._dataset.is_slow or self._must_be_fetched:
            read = ahead(read, _BATCHES_AHEAD)  # type: ignore[assignment]
        for pixel_BCHW, one in read:
            yield self._deliver(pixel_BCHW, one.word), self._classes_of(one)

    def _classes_of(self, one: _Slice) -> Tensor | None:
        if self._classes is None:
            return None
        number_B = self._classes.number_N[self._dataset.rows(one.indices)].astype(np.int64)
        # made on the device, and left behind while the copy runs: nothing waits for a GPU
        here_B = torch.from_numpy(number_B).to(
            self._device, non_blocking=self._device.type == "cuda"
        )
        return one_hot(here_B, self._classes.classes).float()

    def _slices(self, images_seen: int) -> Iterator[_Slice]:
        epoch, position = divmod(images_seen, self.epoch_images)
        while True:
            order = self.indices(epoch)
            # another stream than the order's, whose epochs count from 0
            words = _words(self.seed, 2**63 + epoch, self.epoch_images)
            for start in range(position, self.epoch_images, self.batch):
                whole = slice(start, start + self.batch)
                word = int(words[start])
                yield _Slice(order[whole][self._share], words[whole][self._share], word)
            epoch, position = epoch + 1, 0

    def _read(self, one: _Slice) -> Tensor:
        """uint8 (B, C, H, W), in memory that the device can fetch from."""
        # 53 high bits make the place, the lowest decides on the mirror: independent of each other
        place_B = (one.words >> np.uint64(11)).astype(np.float64) * 2.0**-53
        pixel_BCHW = self._dataset.take(one.indices, place_B)
        if self._flip:
            is_mirrored = torch.from_numpy((one.words & np.uint64(1)).astype(bool))
            is_mirrored = is_mirrored.to(pixel_BCHW.device, non_blocking=True)[:, None, None, None]
            # not by index, which would wait for a GPU to count them
            pixel_BCHW = torch.where(is_mirrored, pixel_BCHW.flip(3), pixel_BCHW)
        # only pinned memory may be left behind while the copy still runs
        if not self._must_be_fetched:
            return pixel_BCHW
        with torch.cuda.device(self._device):  # threads begin on the first GPU
            return pixel_BCHW.pin_memory()

    @property
    def _must_be_fetched(self) -> bool:
        """Whether a GPU has to fetch each batch from the processor's memory."""
        return self._device.type == "cuda" and self._dataset.device.type == "cpu"

    def _deliver(self, pixel_BCHW: Tensor, word: int) -> Tensor:
        pixel_BCHW = pixel_BCHW.to(self._device, non_blocking=self._device.type == "cuda")
        if self._noise is None:
            return self._scale.normalize(pixel_BCHW)
        self._noise.manual_seed(word >> 1)
        # of the whole batch, of which each rank takes its share: the same however many there are
        noise_BCHW = torch.rand(
            (self.batch, *pixel_BCHW.shape[1:]), generator=self._noise, device=self._device
        )
        return self._scale.normalize(pixel_BCHW + (noise_BCHW[self._share] - 0.5))
