"""Classes of images that a Python program provides, as ``torch`` datasets hold them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.labels.columns import Column, class_texts, read_columns
from dcgan.data.labels.side_files import listed
from dcgan.data.labels.tables import cell

_ATTRIBUTES = ("targets", "labels")
"""Where torchvision's datasets keep classes: MNIST and CIFAR-10, and SVHN."""

_CHECKED = 3
"""Items whose class is compared with those attributes: a transform may change it."""


class ItemClasses:
    """Collects the classes of items while they are read.

    A class is the second element of a pair: a whole number, also as a tensor or array of one
    element, a one-hot vector, or a word. The attributes ``targets`` and ``labels`` and the tensors
    of a ``TensorDataset`` save fetching the items.
    """

    def __init__(self, items: Any) -> None:
        self._items = items
        self._texts: dict[int, str] = {}
        self._is_hopeless = False
        self._in_words: bool | None = None
        self._agreed = 0, False
        self.is_known = False

    def needs(self, index: int) -> bool:
        """Whether an item must still be fetched."""
        if self.is_known or self._is_hopeless or index in self._texts:
            return False
        count = len(self._texts)
        if count >= _CHECKED and count != self._agreed[0]:  # once, and not for each item
            self._agreed = count, self._given() is not None
        # a few items may show that the attributes hold the classes
        return not self._agreed[1]

    def add(self, index: int, item: Any) -> None:
        """Learn the class of an item that was fetched."""
        if self.is_known or self._is_hopeless:
            return
        text = class_of(item)
        in_words = text is not None and isinstance(item[1], str)
        if text is None or self._in_words not in {None, in_words}:
            self._is_hopeless = True
            self._texts.clear()
        else:
            self._in_words = in_words
            self._texts[index] = text

    def found(self) -> tuple[dict[str, Labels], list[str]]:
        """Labels by factor, and notes about what is not read."""
        self.is_known = True
        given = None if self._is_hopeless else self._given()
        if given is not None:
            self._texts = dict(enumerate(given))
        if self._is_hopeless or not self._texts:
            return {}, []
        column = Column(len(self._items))
        rows = np.array(sorted(self._texts), np.int64)
        column.put(rows, [self._texts[row] for row in rows.tolist()])
        self._texts, self._held = {}, []
        # an unreadable item has no class, and is never shown
        reading = read_columns({"label": column}, rows, single=True)
        if not reading.labels:
            return {}, [f"not read as classes: {listed(reading.refused)}"]
        found = reading.labels["label"]
        values = np.zeros(len(self._items), np.int64)
        values[reading.rows] = found.values
        return {"label": Labels(values, self._named(found.names))}, []

    def _given(self) -> list[str] | None:
        """The classes in the dataset's attributes, if they agree with the items that were read."""
        for texts in self._held:
            if all(texts[index] == text for index, text in self._texts.items()):
                return texts
        return None

    @cached_property
    def _held(self) -> list[list[str]]:
        """The classes in each of the dataset's attributes that has one per item."""
        found = [_texts(values) for values in _all_at_once(self._items)]
        return [texts for texts in found if texts is not None and len(texts) == len(self._items)]

    def _named(self, numbers: Sequence[str]) -> tuple[str, ...]:
        """Names of classes from the attribute ``classes``, else the numbers."""
        items = self._items
        while isinstance(items, torch.utils.data.Subset):
            items = items.dataset
        names = getattr(items, "classes", None)
        is_list = isinstance(names, list | tuple) and all(isinstance(one, str) for one in names)
        if is_list and names and all(one.isdecimal() and int(one) < len(names) for one in numbers):
            return tuple(cell(names[int(one)]) or one for one in numbers)
        return tuple(numbers)


def class_of(item: Any) -> str | None:
    """The class in an item as text; None without one.

    >>> class_of(("image", 3)), class_of(("image", "cat")), class_of("image")
    ('3', 'cat', None)
    """
    if not (isinstance(item, tuple | list) and len(item) == 2):
        return None
    value = item[1]
    if isinstance(value, torch.Tensor | np.ndarray):
        texts = _texts([value])
        return texts[0] if texts else None
    if isinstance(value, str | int | np.integer | np.str_):
        return cell(value if isinstance(value, str) else int(value)) or None
    return None


def _all_at_once(items: Any) -> list[Any]:
    """All classes at once: a dataset's own attributes, or a subset of another dataset's."""
    if isinstance(items, torch.utils.data.TensorDataset):
        return [items.tensors[1]] if len(items.tensors) == 2 else []
    if isinstance(items, torch.utils.data.Subset):
        chosen = np.asarray(items.indices, np.int64)
        parts = [_array(values) for values in _all_at_once(items.dataset)]
        return [part[chosen] for part in parts if part is not None]
    return [getattr(items, name) for name in _ATTRIBUTES if hasattr(items, name)]


def _array(values: Any) -> NDArray[Any] | None:
    try:
        if isinstance(values, torch.Tensor):
            return _plain(values)
        if isinstance(values, list) and values and isinstance(values[0], torch.Tensor | np.ndarray):
            return np.stack([_plain(one) for one in values])
        return np.asarray([one.item() if hasattr(one, "item") else one for one in values])
    except (TypeError, ValueError, RuntimeError):  # foreign code
        return None


def _plain(values: torch.Tensor | NDArray[Any]) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return values
    held = values.detach().cpu()
    return (held.float() if held.is_floating_point() else held).numpy()  # NumPy has no bfloat16


def _texts(values: Any) -> list[str] | None:
    """Classes as texts from numbers or words (N,), (N, 1), or one-hot (N, K); else None."""
    array = values if isinstance(values, np.ndarray) else _array(values)
    if array is None or not array.size:
        return None
    array = array.reshape(len(array), -1)
    if array.dtype.kind not in ("biuU" if array.shape[1] == 1 else "buif"):
        return None
    texts = class_texts(array.astype(np.uint8) if array.dtype.kind == "b" else array)
    return None if isinstance(texts, str) else texts
