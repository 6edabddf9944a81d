"""Decoded pictures, wherever they lie: in memory, in a mapped file, or still in their source.

N pictures · B batch · C channels · H, W sides
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data.sources.base import Labels

_PART = 500
"""Pictures that are looked at in one go."""


@dataclass(frozen=True)
class Skipped:
    """One unreadable picture."""

    title: str
    reason: str


class Pictures(ABC):
    """A numbered collection of pictures as the network sees them.

    Attributes
    ----------
    shape : (C, H, W)
        Of one picture.
    labels : dict of str to Labels
        Of the same N pictures.
    fingerprint : str
        Changes when any pixel or the order does.
    run : int
        Pictures that lie together and are cheap to read together.
    """

    is_slow = False
    """Whether taking pictures is work that should be done ahead."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        fingerprint: str,
        *,
        labels: Mapping[str, Labels] | None = None,
        skipped: Sequence[Skipped] = (),
        run: int = 1,
    ) -> None:
        self.shape = shape
        self.fingerprint = fingerprint
        self.labels = dict(labels or {})
        self.run = run
        self._skipped = tuple(skipped)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be read."""
        return self._skipped

    @abstractmethod
    def __len__(self) -> int:
        """N."""

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


class HeldPictures(Pictures):
    """All of one size, in one array.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
        In memory, or mapped.
    fingerprint : str, optional
        Default: computed from the pixels.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        fingerprint: str | None = None,
        *,
        labels: Mapping[str, Labels] | None = None,
        skipped: Sequence[Skipped] = (),
        run: int = 1,
    ) -> None:
        _, channels, height, width = images.shape
        super().__init__(
            (channels, height, width),
            fingerprint or fingerprint_of(images, images.shape),
            labels=labels,
            skipped=skipped,
            run=run,
        )
        self.images = images
        # torch wants memory that it could write to, though nothing here does
        self._tensor = torch.from_numpy(np.require(images, requirements="W"))

    def __len__(self) -> int:
        return len(self.images)

    def take(
        self,
        index_B: NDArray[np.int64],
        place_B: NDArray[np.float64],  # noqa: ARG002 (nothing is left to cut)
    ) -> Tensor:
        # thirty times as fast as indexing with a tensor
        return self._tensor.index_select(0, torch.from_numpy(index_B)).contiguous()


class CoveredPictures(Pictures):
    """Each covers the view with one side longer, and is cut where the caller says.

    Parameters
    ----------
    shape : (C, H, W)
        What is cut from each.
    pixels : uint8 (total,)
        The pictures (C, h, w) one after another.
    sides : int64 (N, 2)
        h and w of each.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        pixels: NDArray[np.uint8],
        sides: NDArray[np.int64],
        fingerprint: str | None = None,
        *,
        labels: Mapping[str, Labels] | None = None,
        skipped: Sequence[Skipped] = (),
        run: int = 1,
    ) -> None:
        super().__init__(
            shape,
            fingerprint or fingerprint_of(pixels, shape),
            labels=labels,
            skipped=skipped,
            run=run,
        )
        self._pixels = pixels
        self._sides = sides
        self._ends = np.cumsum(shape[0] * sides.prod(axis=1))

    def __len__(self) -> int:
        return len(self._sides)

    def take(self, index_B: NDArray[np.int64], place_B: NDArray[np.float64]) -> Tensor:
        taken = np.empty((len(index_B), *self.shape), dtype=np.uint8)
        for row, (index, place) in enumerate(zip(index_B, place_B, strict=True)):
            height, width = self._sides[index]
            end = self._ends[index]
            whole = self._pixels[end - self.shape[0] * height * width : end]
            taken[row] = cut(whole.reshape(-1, height, width), self.shape, place)
        return torch.from_numpy(taken)


def cut(
    cover_CHW: NDArray[np.uint8], shape: tuple[int, int, int], place: float
) -> NDArray[np.uint8]:
    """The part of a covering picture at a place between its two ends, 0 to 1."""
    _, height, width = shape
    top = int(place * (cover_CHW.shape[1] - height + 1))
    left = int(place * (cover_CHW.shape[2] - width + 1))
    return cover_CHW[:, top : top + height, left : left + width]


def fingerprint_of(pixels: NDArray[np.uint8], shape: tuple[int, ...]) -> str:
    """A digest of every pixel."""
    digest = hashlib.blake2b(repr(shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
