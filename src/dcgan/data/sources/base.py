"""What every source of pictures offers."""

from __future__ import annotations

import hashlib
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.decode import MOST_BYTES, count_frames, decode
from dcgan.errors import UnreadableImage


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
    """

    run: int = 1
    """Pictures that lie together and are cheap to read together: 1 where any order is as good."""

    def __init__(
        self,
        name: str,
        *,
        labels: Mapping[str, Labels] | None = None,
        others: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.labels = dict(labels or {})
        self.others = dict(others or {})

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


class EncodedSource(Source):
    """Pictures that are encoded files of some container."""

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
        return decode(self.fetch(index), at_least)

    def read_frame(self, index: int, frame: int) -> Image.Image:
        """One frame of an animated picture, counted from 0."""
        return decode(self.fetch(index), frame=frame)

    def frames(self, index: int) -> int:
        """How many frames a picture has; 1 for one that cannot be read."""
        return count_frames(self.fetch(index))


class ArraySource(Source):
    """Pictures that lie in memory, or in a mapped file, as one array.

    Parameters
    ----------
    name : str
    images : uint8 (N, H, W) or (N, H, W, C) with 1 to 4 channels
    labels : mapping, optional
    stamp : str, optional
        See :meth:`Source.stamp`.
    """

    def __init__(
        self,
        name: str,
        images: NDArray[np.uint8],
        *,
        labels: Mapping[str, Labels] | None = None,
        stamp: str | None = None,
    ) -> None:
        super().__init__(name, labels=labels)
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


def digest(parts: Iterable[object]) -> str:
    """A short fingerprint of anything whose ``repr`` tells it apart."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        hashed.update(repr(part).encode("utf-8", "surrogatepass"))
        hashed.update(b"\n")
    return hashed.hexdigest()


def file_stamp(paths: Iterable[Path]) -> str:
    """A digest of files' places, sizes and times of change; missing ones count as such."""

    def state(path: Path) -> tuple[str, int, int]:
        try:
            found = path.stat()
        except OSError:
            return str(path), -1, -1
        return str(path), found.st_size, found.st_mtime_ns

    return digest(state(path) for path in paths)


def read_picture_file(path: Path) -> bytes:
    """The content of one picture file.

    Raises
    ------
    UnreadableImage
        It is gone, may not be read, is no regular file (reading a pipe would never end), or is
        larger than any picture.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise UnreadableImage("not a regular file")
        if state.st_size > MOST_BYTES:
            raise UnreadableImage(f"of {state.st_size:,} bytes: too large for a picture")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableImage(reason or "cannot be read") from error


def folder_labels(names: Sequence[str]) -> dict[str, Labels]:
    """Labels from class folders: the first folder in which the paths differ.

    Parameters
    ----------
    names : sequence of str
        Each picture's path with ``/`` between its parts, the file's name last.

    Returns
    -------
    dict
        ``{"label": ...}``, or nothing when pictures lie beside folders or in one folder only.

    Examples
    --------
    >>> folder_labels(["a/cat/1.png", "a/dog/2.png"])["label"].names
    ('cat', 'dog')
    """
    if not names:
        return {}
    depth = 0
    while True:
        folders = {_folder_at(name, depth) for name in names}
        if None in folders:
            return {}
        if len(folders) > 1:
            break
        depth += 1
    classes = sorted(folder for folder in folders if folder is not None)
    number = {folder: index for index, folder in enumerate(classes)}
    values = np.fromiter(
        (number[_folder_at(name, depth) or ""] for name in names), np.int64, len(names)
    )
    return {"label": Labels(values, tuple(classes))}


def suffix(name: str) -> str:
    """How a file's name ends, in lower case, as other files are counted by.

    >>> suffix("a.b/Photo.JPG"), suffix("a.b/readme"), suffix(".hidden")
    ('.jpg', 'no suffix', 'no suffix')
    """
    file = name[name.rfind("/") + 1 :]
    dot = file.rfind(".")
    return file[dot:].lower() if 0 < dot < len(file) - 1 else "no suffix"


def is_hidden(name: str) -> bool:
    """Whether a path in an archive is hidden, or is what macOS adds.

    >>> is_hidden("a/.b/c.png"), is_hidden("../a.png")
    (True, False)
    """
    if not name.startswith((".", "__MACOSX/")) and "/." not in name and "/__MACOSX/" not in name:
        return False  # nearly all: this is asked of millions
    parts = name.split("/")
    return any(part == "__MACOSX" or (part.strip(".") and part[0] == ".") for part in parts)


def _folder_at(name: str, depth: int) -> str | None:
    """The folder at a depth of a path, or None where its file already lies."""
    parts = name.split("/", depth + 1)
    return parts[depth] if len(parts) > depth + 1 else None
