"""Images that a Python program already has."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch.utils.data import IterableDataset

from dcgan.data.labels import Labels
from dcgan.data.labels.item_classes import ItemClasses
from dcgan.data.pixels.decode import damage_named, decode
from dcgan.data.pixels.profiles import to_srgb
from dcgan.data.sources.arrays import as_pixels, channels_last
from dcgan.data.sources.base import ArraySource, Source
from dcgan.data.sources.paths import read_image_file, unreadable
from dcgan.errors import DataError, UnreadableImage, shown
from dcgan.runtime.files import expanded

_SAFE = (list, tuple, deque, str, bytes)
"""Types whose items any thread may read."""


@runtime_checkable
class _Indexed(Protocol):
    """The common interface of a list and a ``torch.utils.data.Dataset``."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...


def open_items(items: object) -> Source:
    """A source for an array or tensor of images, or for anything that yields images.

    Parameters
    ----------
    items : array, tensor, sequence or iterable
        An array or tensor (N, H, W), (N, H, W, C) or (N, C, H, W), as in a ``.npy`` file. Or a
        sequence with ``len`` and ``[i]``, such as a list or a map-style ``Dataset``, read when
        needed; or any other iterable, read once and kept. An item is a ``PIL.Image``, an array
        or tensor (H, W), (H, W, C) or (C, H, W), encoded bytes, or a path; or a tuple of one of
        these and its class: a whole number, a tensor of one, or a word.

    Raises
    ------
    DataError
        None of these, or empty.
    """
    if isinstance(items, torch.Tensor):
        items = _to_numpy(items)
    if isinstance(items, np.ndarray):
        source: Source = ArraySource("array", as_pixels("array", channels_last("array", items)))
    elif isinstance(items, _Indexed) and not isinstance(items, IterableDataset):
        source = ItemsSource(items)
    elif isinstance(items, Iterable):
        source = ItemsSource(list(items))
    else:
        raise DataError(f"`data` is {shown(items)}: use a path, an array or images")
    if len(source) == 0:
        raise DataError("data: holds no image")
    return source


class ItemsSource(Source):
    """Images of a sequence.

    Items of other types than Python's own are read one at a time and in order: a dataset with an
    open file or a random generator may not be thread-safe.
    """

    def __init__(self, items: _Indexed) -> None:
        super().__init__("data")
        self.may_vary = self.one_at_a_time = not isinstance(items, _SAFE)
        self._items = items
        self._classes = ItemClasses(items)
        self._fetching = threading.Lock() if self.one_at_a_time else nullcontext()
        self._decoding = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def labels(self) -> dict[str, Labels]:
        """Labels by factor; may read every item that was not read yet."""
        if self._classes.is_known:
            return self._labels
        for index in range(len(self)):
            if not self._classes.needs(index):
                continue
            with suppress(UnreadableImage):
                self._classes.add(index, self._item(index))
        self._labels, notes = self._classes.found()
        self.notes += notes
        return self._labels

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        item = self._item(index)
        self._classes.add(index, item)
        image = item[0] if isinstance(item, tuple | list) and item else item
        if isinstance(image, Image.Image):
            with self._decoding, damage_named():  # decodes an image that is only opened, once
                image.load()
        with damage_named():
            return _image(image, at_least)

    def _item(self, index: int) -> Any:
        try:
            with self._fetching:
                return self._items[index]
        except Exception as error:  # foreign code
            raise unreadable(error, f"{type(error).__name__}: {error}") from error

    def title(self, index: int) -> str:
        return f"data[{index}]"


def _image(item: Any, at_least: tuple[int, int] | None) -> Image.Image:
    if isinstance(item, Image.Image):
        return to_srgb(ImageOps.exif_transpose(item))
    if isinstance(item, bytes):
        return decode(item, at_least)
    if isinstance(item, str | Path):
        try:
            return decode(read_image_file(expanded(item)), at_least)
        except UnreadableImage as error:
            raise type(error)(f"{item}: {error}") from error
    if isinstance(item, torch.Tensor):
        item = _to_numpy(item)
    if not isinstance(item, np.ndarray) or not item.size:
        raise UnreadableImage(f"of type {type(item).__name__}: use an image, array, bytes or path")
    try:
        pixels = as_pixels("array", channels_last("array", item[None]))
    except DataError as error:
        raise UnreadableImage(str(error)) from error
    return ArraySource("array", pixels).read(0)


def _to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    dense = tensor.detach().to_dense().cpu()  # NumPy knows neither sparse ones nor bfloat16
    return np.asarray(dense.float() if dense.is_floating_point() else dense)
