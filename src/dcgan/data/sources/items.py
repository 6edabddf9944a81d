"""Pictures that a Python program already has."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch.utils.data import IterableDataset

from dcgan.data.decode import damage_named, decode
from dcgan.data.profiles import to_srgb
from dcgan.data.sources.arrays import as_pixels, channels_last
from dcgan.data.sources.base import ArraySource, Labels, Source
from dcgan.data.sources.paths import read_picture_file
from dcgan.errors import DataError, UnreadableImage
from dcgan.runtime.files import expanded


@runtime_checkable
class _Indexed(Protocol):
    """What a list and a ``torch.utils.data.Dataset`` have in common."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Any: ...


def open_items(items: object) -> Source:
    """A source over an array or tensor of pictures, or over anything that yields pictures.

    Parameters
    ----------
    items : array, tensor, sequence or iterable
        An array or tensor (N, H, W), (N, H, W, C) or (N, C, H, W), as in a ``.npy`` file. Or a
        sequence with ``len`` and ``[i]``, such as a list or a map-style ``Dataset``, read when
        needed; or any other iterable, read once and kept. One item is a ``PIL.Image``, an array
        or tensor (H, W), (H, W, C) or (C, H, W), encoded bytes, or a path; or a tuple of one and
        its class, a whole number.

    Raises
    ------
    DataError
        None of these, or nothing in it.
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
        raise DataError(f"data of {type(items).__name__}: wants a path, an array or pictures")
    if len(source) == 0:
        raise DataError("data: holds no picture")
    return source


class ItemsSource(Source):
    """Pictures that a sequence gives by number.

    Parameters
    ----------
    items : sequence
        See :func:`open_items`.
    """

    def __init__(self, items: _Indexed) -> None:
        labels = _labels(items) if isinstance(items, Sequence) else {}
        super().__init__("data", labels=labels)
        self.may_vary = not isinstance(items, list | tuple | deque)
        self._items = items
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._items)

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        try:
            item = self._items[index]
        except Exception as error:  # somebody else's code
            raise UnreadableImage(f"{type(error).__name__}: {error}") from error
        picture = item[0] if isinstance(item, tuple | list) and item else item
        if isinstance(picture, Image.Image):
            with self._lock, damage_named():  # one that was only opened is decoded now, and once
                picture.load()
        with damage_named():
            return _picture(picture, at_least)

    def title(self, index: int) -> str:
        return f"data[{index}]"


def _picture(item: Any, at_least: tuple[int, int] | None) -> Image.Image:
    if isinstance(item, Image.Image):
        return to_srgb(ImageOps.exif_transpose(item))
    if isinstance(item, bytes):
        return decode(item, at_least)
    if isinstance(item, str | Path):
        try:
            return decode(read_picture_file(expanded(item)), at_least)
        except UnreadableImage as error:
            raise UnreadableImage(f"{item}: {error}") from error
    if isinstance(item, torch.Tensor):
        item = _to_numpy(item)
    if not isinstance(item, np.ndarray) or not item.size:
        raise UnreadableImage(f"is a {type(item).__name__}; wants a picture, array, bytes or path")
    try:
        pixels = as_pixels("array", channels_last("array", item[None]))
    except DataError as error:
        raise UnreadableImage(str(error)) from error
    return ArraySource("array", pixels).read(0)


def _to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    dense = tensor.detach().to_dense().cpu()  # NumPy knows neither sparse ones nor bfloat16
    return np.asarray(dense.float() if dense.is_floating_point() else dense)


def _labels(items: Sequence[Any]) -> dict[str, Labels]:
    """Classes, where every item is a pair of a picture and a whole number."""
    numbers = []
    for item in items:
        is_pair = isinstance(item, tuple) and len(item) == 2
        if not is_pair or not isinstance(item[1], int | np.integer):
            return {}
        numbers.append(int(item[1]))
    classes, values = np.unique(numbers, return_inverse=True)
    return {"label": Labels(values, tuple(str(number) for number in classes))}
