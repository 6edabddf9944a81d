"""Datasets of decoded images: in memory, in a mapped file, or decoded when they are shown.

N images · B batch · C channels · H, W sides
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.labels import Labels
from dcgan.data.pixels.remarks import Remarks, Skipped

_PART, _PART_BYTES = 500, 2**24
"""Images read and bytes hashed at a time."""


class ImageDataset(ABC):
    """Numbered images as the network sees them.

    Numbers are those of the source. An unreadable image is replaced by the next readable one, so
    that the same number shows the same image wherever images are held.

    Attributes
    ----------
    shape : (C, H, W)
        Of one image.
    labels : dict of str to Labels
        Of the readable images, or of all if images are read only when shown; see :meth:`rows`.
    fingerprint : str
        Changes when any pixel or the order changes.
    run : int
        Number of adjacent images that are cheap to read together.
    remarks : Remarks
        On the readable images or, if images are read only when shown, on those shown so far.
    """

    is_slow = False
    """Whether images should be taken ahead of time."""

    device = torch.device("cpu")
    """Device of the images that :meth:`take` returns."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        fingerprint: str,
        *,
        labels: Mapping[str, Labels] | None = None,
        skipped: Sequence[Skipped] = (),
        run: int = 1,
        remarks: Remarks | None = None,
    ) -> None:
        self.shape = shape
        self.fingerprint = fingerprint
        self.labels = dict(labels or {})
        self.run = run
        self.remarks = remarks or Remarks()
        self._skipped = tuple(skipped)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Unreadable images."""
        return self._skipped

    @abstractmethod
    def __len__(self) -> int:
        """N, readable or not."""

    def rows(self, index_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows of the labels of some images."""
        return index_B

    @abstractmethod
    def take(self, index_B: NDArray[np.int64], place_B: NDArray[np.float64]) -> Tensor:
        """Some images, uint8 (B, C, H, W).

        Parameters
        ----------
        index_B : int64 (B,)
            Their numbers.
        place_B : float64 (B,) in [0, 1)
            Where images larger than ``shape`` are cropped, from their first to their last pixels.
        """

    def spread_indices(self, most: int) -> NDArray[np.int64]:
        """Up to ``most`` numbers of images spread evenly, ascending."""
        return np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(np.int64)

    def spread(self, most: int) -> Iterator[NDArray[np.uint8]]:
        """The images of :meth:`spread_indices`, center crops, in parts uint8 (n, C, H, W)."""
        indices = self.spread_indices(most)
        for start in range(0, len(indices), _PART):
            part = indices[start : start + _PART]
            yield self.take(part, np.full(len(part), 0.5)).numpy()


class DecodedDataset(ImageDataset):
    """Decoded images, one row for each readable one.

    Parameters
    ----------
    kept : int64 (count,), optional
        The source's numbers of the rows, if some are missing.
    positions : int, optional
        Number of images of the source.
    labels, skipped, run, remarks
        See :class:`ImageDataset`.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        fingerprint: str,
        count: int,
        *,
        kept: NDArray[np.int64] | None = None,
        positions: int | None = None,
        **common: Any,
    ) -> None:
        self._rows = None
        self._kept = kept
        if kept is not None and positions is not None and len(kept) < positions:
            # the next readable image; after the last, the first
            self._rows = np.searchsorted(kept, np.arange(positions)) % len(kept)
            fingerprint = _combined(fingerprint, self._rows)
        self._count = count if self._rows is None else len(self._rows)
        if common.get("run", 1) != 1:
            fingerprint = _combined(fingerprint, np.array(common["run"]))
        super().__init__(shape, fingerprint, **common)

    def __len__(self) -> int:
        return self._count

    def rows(self, index_B: NDArray[np.int64]) -> NDArray[np.int64]:
        return index_B if self._rows is None else self._rows[index_B]

    def relabel(self, labels: Mapping[str, Labels]) -> None:
        """Use the present labels of all images of the source instead of those stored earlier."""
        kept = self._kept
        self.labels = {
            name: values if kept is None else values.take(kept) for name, values in labels.items()
        }


class HeldDataset(DecodedDataset):
    """Images of one size in one array.

    Parameters
    ----------
    images : uint8 (M, C, H, W)
        In memory, or mapped.
    digest : str, optional
        :func:`digest_of` the images; computed by default.
    kept, positions, labels, skipped, run, remarks
        See :class:`DecodedDataset`.
    """

    def __init__(self, images: NDArray[np.uint8], digest: str | None = None, **common: Any) -> None:
        _, channels, height, width = images.shape
        self.digest = digest or digest_of(images)
        super().__init__((channels, height, width), self.digest, len(images), **common)
        self.images = np.asarray(images)  # of a mapped file, a plain array over the same memory
        self._placed: Tensor | None = None

    def placed(self, device: torch.device) -> HeldDataset:
        """The same, with a copy of all images on a device, so that only numbers are sent there."""
        same = copy.copy(self)
        same._placed = torch.tensor(self.images, device=device)
        same.device = same._placed.device
        return same

    def take(
        self,
        index_B: NDArray[np.int64],
        place_B: NDArray[np.float64],  # noqa: ARG002 (nothing to crop)
    ) -> Tensor:
        if self._placed is not None:
            row_B = torch.from_numpy(self.rows(index_B))
            return self._placed[row_B.to(self.device, non_blocking=True)]
        # NumPy copies, since torch does not accept read-only memory
        return torch.from_numpy(np.ascontiguousarray(self.images[self.rows(index_B)]))


class CoveredDataset(DecodedDataset):
    """Images with one side longer than shown, cropped when they are taken.

    Parameters
    ----------
    shape : (C, H, W)
        Of the crops.
    pixels : uint8 (total,)
        The images (C, h, w) one after another.
    sides : int64 (M, 2)
        h and w of each.
    digest, kept, positions, labels, skipped, run, remarks
        See :class:`HeldDataset`.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        pixels: NDArray[np.uint8],
        sides: NDArray[np.int64],
        digest: str | None = None,
        **common: Any,
    ) -> None:
        fingerprint = _combined(digest or digest_of(pixels), sides, np.array(shape))
        super().__init__(shape, fingerprint, len(sides), **common)
        self._pixels = np.asarray(pixels)
        self._sides = sides
        self._ends = np.cumsum(shape[0] * sides.prod(axis=1))

    def take(self, index_B: NDArray[np.int64], place_B: NDArray[np.float64]) -> Tensor:
        taken = np.empty((len(index_B), *self.shape), dtype=np.uint8)
        for at, (row, place) in enumerate(zip(self.rows(index_B), place_B, strict=True)):
            height, width = self._sides[row]
            end = self._ends[row]
            whole = self._pixels[end - self.shape[0] * height * width : end]
            taken[at] = cut(whole.reshape(-1, height, width), self.shape, place)
        return torch.from_numpy(taken)


def cut(
    cover_CHW: NDArray[np.uint8], shape: tuple[int, int, int], place: float
) -> NDArray[np.uint8]:
    """The crop of a covering image at a place between its two ends, 0 to 1."""
    _, height, width = shape
    top = int(place * (cover_CHW.shape[1] - height + 1))
    left = int(place * (cover_CHW.shape[2] - width + 1))
    return cover_CHW[:, top : top + height, left : left + width]


def digest_of(pixels: NDArray[np.uint8]) -> str:
    """A digest of the shape and all pixels, read in parts."""
    hashed = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    step = max(1, _PART_BYTES * len(pixels) // max(1, pixels.size))
    for start in range(0, len(pixels), step):
        hashed.update(np.ascontiguousarray(pixels[start : start + step]).data)
    return hashed.hexdigest()


def _combined(digest: str, *parts: NDArray[np.int64]) -> str:
    hashed = hashlib.blake2b(digest.encode(), digest_size=16)
    for part in parts:
        hashed.update(np.ascontiguousarray(part, np.int64).data)
    return hashed.hexdigest()
