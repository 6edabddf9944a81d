"""Finds images by the names in a table.

N images · R rows of a table
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dcgan.data.pixels.decode import EXTENSIONS

Form = Literal[
    "path", "path, no ending", "tail", "tail, no ending", "file", "file, no ending", "number"
]

FORMS: tuple[Form, ...] = get_args(Form)
"""From the strictest to the loosest: the whole path, its last two parts, the file's name, and the
name as a number (7 for 0007.png)."""


class ImageIndex:
    """The images ``rows`` by their names, as hashes of 16 bytes; the table's paths are relative to
    ``base``, such as ``train/``."""

    def __init__(self, names: Sequence[str], rows: NDArray[np.int64], base: str = "") -> None:
        self._names, self._rows, self._base = names, rows, base
        self._known: dict[Form, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, form: Form, values: Iterable[str]) -> NDArray[np.int64]:
        """Rows of the images that values name, (R,); -1 for none or several."""
        if form not in self._known:
            names = (self._names[row] for row in self._rows.tolist())
            below = (name.replace("\\", "/").removeprefix(self._base) for name in names)
            hashes = _hashes(form, below)
            order = np.argsort(hashes, kind="stable")
            self._known[form] = hashes[order], self._rows[order]
        hashes, rows = self._known[form]
        wanted = _hashes(form, values)
        if not len(hashes):
            return np.full(len(wanted), -1, np.int64)
        first = np.searchsorted(hashes, wanted, "left")
        last = np.searchsorted(hashes, wanted, "right")
        is_one = (last - first == 1) & (wanted != 0)
        return np.where(is_one, rows[np.minimum(first, len(rows) - 1)], -1)


def _hashes(form: Form, names: Iterable[str]) -> NDArray[np.int64]:
    """0 is no name. The chance that two of a million names share a hash is 1 in 30 million."""
    keys = (_key(form, name) for name in names)
    return np.fromiter((hash(key) if key else 0 for key in keys), np.int64)


def _key(form: Form, name: str) -> str:
    """The text to compare.

    >>> _key("tail, no ending", "data/Cats/7.PNG"), _key("number", "007.png")
    ('cats/7', '7')
    """
    path = name.replace("\\", "/").strip().removeprefix("./").lstrip("/").lower()
    path = unicodedata.normalize("NFC", path)  # macOS writes é as e and an accent
    if form.startswith("tail"):
        path = "/".join(path.split("/")[-2:])
    elif not form.startswith("path"):
        path = path[path.rfind("/") + 1 :]
    if form.endswith("no ending") or form == "number":
        stem, dot, end = path.rpartition(".")
        path = stem if dot and f".{end}" in EXTENSIONS else path
    if form == "number":
        return str(int(path)) if path.isascii() and path.isdigit() and len(path) < 19 else ""
    return path
