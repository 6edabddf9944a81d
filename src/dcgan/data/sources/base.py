"""What every source of pictures offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


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


@dataclass
class Source(ABC):
    """A numbered collection of pictures.

    Attributes
    ----------
    name : str
        What messages call it.
    labels : dict of str to Labels
        By factor; a plain classification is called ``label``.
    ignored : int
        Files beside the pictures that are none by their name.
    """

    name: str
    labels: dict[str, Labels] = field(default_factory=dict, kw_only=True)
    ignored: int = field(default=0, kw_only=True)

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures."""

    @abstractmethod
    def read(self, index: int) -> Image.Image:
        """One picture in its own size and mode.

        Safe to call from several threads.

        Raises
        ------
        UnreadableImage
            With the reason.
        """

    @abstractmethod
    def title(self, index: int) -> str:
        """What to call one picture in a message."""


class ArraySource(Source):
    """Pictures that lie in memory as one array.

    Parameters
    ----------
    name : str
    images : uint8 (N, H, W) or (N, H, W, C) with 1 to 4 channels
    """

    def __init__(
        self, name: str, images: NDArray[np.uint8], *, labels: dict[str, Labels] | None = None
    ) -> None:
        super().__init__(name, labels=labels or {})
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: int) -> Image.Image:
        pixels = np.asarray(self._images[index])
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[:, :, 0]
        return Image.fromarray(np.ascontiguousarray(pixels))

    def title(self, index: int) -> str:
        return f"{self.name}[{index}]"


def folder_labels(paths: Sequence[Sequence[str]]) -> dict[str, Labels]:
    """Labels from class folders: the first folder in which the paths differ.

    Parameters
    ----------
    paths : sequence of sequence of str
        Each picture's path, split; the last part is the file's name.

    Returns
    -------
    dict
        ``{"label": ...}``, or nothing when pictures lie beside folders or in one folder only.

    Examples
    --------
    >>> folder_labels([["a", "cat", "1.png"], ["a", "dog", "2.png"]])["label"].names
    ('cat', 'dog')
    """
    if not paths:
        return {}
    depth = 0
    while all(len(path) > depth + 1 for path in paths):
        folders = [path[depth] for path in paths]
        names = sorted(set(folders))
        if len(names) > 1:
            number = {name: index for index, name in enumerate(names)}
            values = np.array([number[folder] for folder in folders])
            return {"label": Labels(values, tuple(names))}
        depth += 1
    return {}
