"""What every source of pictures offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.pixels.decode import Film, count_frames, decode, peek
from dcgan.errors import DataError


@dataclass(frozen=True)
class Labels:
    """One label per picture.

    Parameters
    ----------
    values : (N,)
        Class numbers, or measurements when there are no names.
    names : tuple of str
        The classes' names; empty for a continuous factor.
    """

    values: NDArray[Any]
    names: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.int64]) -> Labels:
        """The labels of some pictures."""
        return Labels(self.values[rows], self.names)


class Source(ABC):
    """A numbered collection of pictures.

    Parameters
    ----------
    name : str
        What messages call it.
    labels : mapping of str to Labels, optional
        By factor; a plain classification is called ``label``.
    others : mapping of str to int, optional
        Files beside the pictures that are none by their name, counted by suffix.
    notes : sequence of str, optional
        What a user should know of how the collection is read: which split is used, where labels
        come from, what looks like labels and is not read. A line each.
    """

    run: int = 1
    """Pictures that lie together and are cheap to read together: 1 where any order is as good."""

    may_vary: bool = False
    """Whether somebody else's code gives the pictures, which may draw them anew each time."""

    is_far: bool = False
    """Whether reading a picture asks another machine for it."""

    one_at_a_time: bool = False
    """Whether pictures come from code that may not bear several threads: they are then read in
    order, by the thread that wants them."""

    def __init__(
        self,
        name: str,
        *,
        labels: Mapping[str, Labels] | None = None,
        others: Mapping[str, int] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._labels = dict(labels or {})
        self.others = dict(others or {})
        self.notes = list(notes)

    @property
    def labels(self) -> dict[str, Labels]:
        """Labels by factor."""
        return self._labels

    @property
    def ignored(self) -> int:
        """How many files beside the pictures are none by their name."""
        return sum(self.others.values())

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures."""

    @abstractmethod
    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        """One picture in its own mode.

        Safe to call from several threads.

        Parameters
        ----------
        index : int
        at_least : (height, width), optional
            What it will be shrunk to: a decoder that can shrink on the way may stop short of the
            full size, above this one. None: full size.

        Raises
        ------
        UnreadableImage
            With the reason.
        """

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        """Mode and (height, width) of one picture, as far as its header tells.

        Raises
        ------
        UnreadableImage
            With the reason; damage beyond the header may go unseen.
        """
        image = self.read(index)
        return image.mode, (image.height, image.width)

    @abstractmethod
    def title(self, index: int) -> str:
        """What to call one picture in a message."""

    def stamp(self) -> str | None:
        """A digest that changes when any picture may have; None where nothing can tell.

        Made from names, sizes and times of change, without reading the pictures.
        """
        return None

    def pixels(self) -> NDArray[np.uint8] | None:
        """All pictures as uint8 (N, C, H, W), where they lie in memory or a mapped file as such."""
        return None

    @property
    def encoded(self) -> EncodedSource | None:
        """The encoded files behind the pictures, where reading them is cheaper than decoding."""
        return None


class EncodedSource(Source):
    """Pictures that are encoded files of some container.

    Attributes
    ----------
    fetched : callable, optional
        Told the index and the bytes of every file that is read to be decoded.
    """

    fetched: Callable[[int, bytes], None] | None = None

    @property
    def encoded(self) -> EncodedSource | None:
        return self

    @abstractmethod
    def fetch(self, index: int) -> bytes:
        """One encoded picture.

        Safe to call from several threads.

        Raises
        ------
        UnreadableImage
            It cannot be had.
        """

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        return decode(self._noted(index), at_least)

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        return peek(self.fetch(index))

    def film(self, index: int) -> Film:
        """The frames of an animated picture."""
        return Film(self._noted(index))

    def frames(self, index: int) -> int:
        """How many frames a picture has; 1 for one that cannot be read."""
        return count_frames(self.fetch(index))

    def _noted(self, index: int) -> bytes:
        data = self.fetch(index)
        if self.fetched is not None:
            self.fetched(index, data)
        return data


class ArraySource(Source):
    """Pictures that lie in memory, or in a mapped file, as one array.

    Parameters
    ----------
    name : str
    images : uint8 (N, H, W) or (N, H, W, C) with 1 to 4 channels
    labels, notes : optional
        See :class:`Source`.
    stamp : str, optional
        See :meth:`Source.stamp`.

    Raises
    ------
    DataError
        The images have no pixels.
    """

    def __init__(
        self,
        name: str,
        images: NDArray[np.uint8],
        *,
        labels: Mapping[str, Labels] | None = None,
        stamp: str | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        if 0 in images.shape[1:]:
            raise DataError(
                f"{name}: images without pixels: the shape is {images.shape}. Every side must be at"
                " least 1"
            )
        super().__init__(name, labels=labels, notes=notes)
        self._images = images
        self._stamp = stamp

    def __len__(self) -> int:
        return len(self._images)

    def read(
        self,
        index: int,
        at_least: tuple[int, int] | None = None,  # noqa: ARG002 (nothing to save here)
    ) -> Image.Image:
        pixels = np.asarray(self._images[index])
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[:, :, 0]
        return Image.fromarray(np.ascontiguousarray(pixels))

    def title(self, index: int) -> str:
        return f"{self.name}[{index}]"

    def stamp(self) -> str | None:
        return self._stamp

    def pixels(self) -> NDArray[np.uint8]:
        return self._images[:, None] if self._images.ndim == 3 else np.moveaxis(self._images, 3, 1)
