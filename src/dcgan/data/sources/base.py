"""The interface of all sources of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.decode import Film, count_frames, decode, peek
from dcgan.data.labels import Labels
from dcgan.errors import DataError


class Source(ABC):
    """A numbered dataset of images.

    Parameters
    ----------
    name : str
        Its name in messages.
    labels : mapping of str to Labels, optional
        By factor; a plain classification is called ``label``.
    others : mapping of str to int, optional
        Files that are no images by their name, counted by suffix.
    notes : sequence of str, optional
        One line each on how the dataset is read: the split, the origin of labels, what looks like
        labels and is not read.
    """

    run: int = 1
    """How many consecutive images are cheap to read together; 1 if any order is as good."""

    may_vary: bool = False
    """Whether foreign code provides the images, which may change each time they are read."""

    is_far: bool = False
    """Whether images are read from another machine."""

    one_at_a_time: bool = False
    """Whether images come from code that may not be thread-safe: they are then read in order, by
    the thread that needs them."""

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
        """How many files are no images by their name."""
        return sum(self.others.values())

    @abstractmethod
    def __len__(self) -> int:
        """The number of images."""

    @abstractmethod
    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        """Read one image in its own mode. Thread-safe.

        Parameters
        ----------
        index : int
        at_least : (height, width), optional
            The size to which the image will be shrunk: a decoder that can shrink may return any
            size from this one up. Default: full size.

        Raises
        ------
        UnreadableImage
            With the reason.
        """

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        """Mode and (height, width) of one image, from its header if it has one.

        Raises
        ------
        UnreadableImage
            With the reason; damage beyond the header may not be detected.
        """
        image = self.read(index)
        return image.mode, (image.height, image.width)

    @abstractmethod
    def title(self, index: int) -> str:
        """The name of one image in messages."""

    def stamp(self) -> str | None:
        """A digest of names, sizes and times of change, which changes when any image may have
        changed; None if that cannot be detected."""
        return None

    def pixels(self) -> NDArray[np.uint8] | None:
        """All images as uint8 (N, C, H, W), if memory or a mapped file holds them in that form."""
        return None

    @property
    def encoded(self) -> EncodedSource | None:
        """The encoded files behind the images, if reading them is cheaper than decoding."""
        return None


class EncodedSource(Source):
    """Images that are encoded files in a folder or container."""

    fetched: Callable[[int, bytes], None] | None = None
    """Receives the index and the bytes of every file that is read for decoding."""

    @property
    def encoded(self) -> EncodedSource | None:
        return self

    @abstractmethod
    def fetch(self, index: int) -> bytes:
        """Read one encoded image; raises ``UnreadableImage`` on failure. Thread-safe."""

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        return decode(self._noted(index), at_least)

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        return peek(self.fetch(index))

    def film(self, index: int) -> Film:
        """The frames of an animated image."""
        return Film(self._noted(index))

    def frames(self, index: int) -> int:
        """The number of frames of an image."""
        return count_frames(self.fetch(index))

    def _noted(self, index: int) -> bytes:
        data = self.fetch(index)
        if self.fetched is not None:
            self.fetched(index, data)
        return data


class ArraySource(Source):
    """Images in one array, in memory or in a mapped file.

    ``images`` are uint8 (N, H, W), or (N, H, W, C) with 1 to 4 channels.
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
        at_least: tuple[int, int] | None = None,  # noqa: ARG002 (already decoded)
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
