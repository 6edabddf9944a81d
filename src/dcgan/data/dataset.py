"""Decoded pictures, wherever they lie: in memory, in a mapped file, or still in their source.

N pictures · B batch · C channels · H, W sides
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.labels import Labels
from dcgan.data.remarks import Remarks

_PART = 500
"""Pictures that are looked at in one go."""

_PART_BYTES = 2**24
"""Bytes that are hashed in one go."""


@dataclass(frozen=True)
class Skipped:
    """One unreadable picture."""

    title: str
    reason: str


class ImageDataset(ABC):
    """A numbered collection of pictures as the network sees them.

    Numbers are those of the source, wherever its pictures are held: the place of one that cannot
    be read is taken by the next that can, so that every way of holding them shows the same.

    Attributes
    ----------
    shape : (C, H, W)
        Of one picture.
    labels : dict of str to Labels
        Of the readable pictures, or of all where they are only read when shown; see :meth:`rows`.
    fingerprint : str
        Changes when any pixel or the order does.
    run : int
        Pictures that lie together and are cheap to read together.
    remarks : Remarks
        What is worth saying about pictures that could be read; of all or, where they are only read
        when shown, of those shown so far.
    """

    is_slow = False
    """Whether taking pictures is work that should be done ahead."""

    device = torch.device("cpu")
    """Where those taken lie."""

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
        """What could not be read."""
        return self._skipped

    @abstractmethod
    def __len__(self) -> int:
        """N, as the source counts."""

    def rows(self, index_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the labels of some pictures stand."""
        return index_B

    def relabel(self, labels: Mapping[str, Labels]) -> None:
        """Take the labels that the source has now: those kept with decoded pictures may be old.

        Parameters
        ----------
        labels : mapping of str to Labels
            Of all pictures of the source.
        """
        self.labels = dict(labels)

    @abstractmethod
    def take(self, index_B: NDArray[np.int64], place_B: NDArray[np.float64]) -> Tensor:
        """Some pictures, uint8 (B, C, H, W).

        Parameters
        ----------
        index_B : int64 (B,)
            Which.
        place_B : float64 (B,) in [0, 1)
            Where a picture that is larger than its view is cut.
        """

    def spread(self, most: int) -> Iterator[NDArray[np.uint8]]:
        """Up to ``most`` pictures spread evenly, cut about the centre, as parts (n, C, H, W)."""
        indices = np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(np.int64)
        for start in range(0, len(indices), _PART):
            part = indices[start : start + _PART]
            yield self.take(part, np.full(len(part), 0.5)).numpy()


class _RowsOfReadable(ImageDataset):
    """Pictures held decoded: a row for each that could be read."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        fingerprint: str,
        count: int,
        *,
        kept: NDArray[np.int64] | None,
        positions: int | None,
        **common: Any,
    ) -> None:
        self._rows = None
        self._kept = kept
        if kept is not None and positions is not None and len(kept) < positions:
            # the next readable one; after the last, the first
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
        kept = self._kept
        self.labels = {
            name: values if kept is None else values.take(kept) for name, values in labels.items()
        }


class HeldDataset(_RowsOfReadable):
    """All of one size, in one array.

    Parameters
    ----------
    images : uint8 (M, C, H, W)
        In memory, or mapped.
    digest : str, optional
        :func:`digest_of` the images; default computed.
    labels, skipped, run, remarks
        See :class:`ImageDataset`.
    kept : int64 (M,), optional
        The source's numbers of the images, where some are missing.
    positions : int, optional
        How many pictures the source counts.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        digest: str | None = None,
        *,
        kept: NDArray[np.int64] | None = None,
        positions: int | None = None,
        **common: Any,
    ) -> None:
        _, channels, height, width = images.shape
        self.digest = digest or digest_of(images)
        super().__init__(
            (channels, height, width),
            self.digest,
            len(images),
            kept=kept,
            positions=positions,
            **common,
        )
        self.images = np.asarray(images)  # of a mapped file, a plain array over the same memory
        self._placed: Tensor | None = None

    def placed(self, device: torch.device) -> HeldDataset:
        """The same, with a copy of all on a device: to take some, only their numbers go there."""
        same = copy.copy(self)
        same._placed = torch.tensor(self.images, device=device)
        same.device = same._placed.device
        return same

    def take(
        self,
        index_B: NDArray[np.int64],
        place_B: NDArray[np.float64],  # noqa: ARG002 (nothing is left to cut)
    ) -> Tensor:
        if self._placed is not None:
            row_B = torch.from_numpy(self.rows(index_B))
            return self._placed[row_B.to(self.device, non_blocking=True)]
        # NumPy's copy, since torch takes no memory that it could not write to
        return torch.from_numpy(np.ascontiguousarray(self.images[self.rows(index_B)]))


class CoveredDataset(_RowsOfReadable):
    """Each covers the view with one side longer, and is cut where the caller says.

    Parameters
    ----------
    shape : (C, H, W)
        What is cut from each.
    pixels : uint8 (total,)
        The pictures (C, h, w) one after another.
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
        *,
        kept: NDArray[np.int64] | None = None,
        positions: int | None = None,
        **common: Any,
    ) -> None:
        super().__init__(
            shape,
            _combined(digest or digest_of(pixels), sides, np.array(shape)),
            len(sides),
            kept=kept,
            positions=positions,
            **common,
        )
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
    """The part of a covering picture at a place between its two ends, 0 to 1."""
    _, height, width = shape
    top = int(place * (cover_CHW.shape[1] - height + 1))
    left = int(place * (cover_CHW.shape[2] - width + 1))
    return cover_CHW[:, top : top + height, left : left + width]


def digest_of(pixels: NDArray[np.uint8]) -> str:
    """A digest of the shape and every pixel, read in parts."""
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
