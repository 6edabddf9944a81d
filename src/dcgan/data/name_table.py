"""Millions of file names in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray


class Names(Sequence[str]):
    """A read-only sequence of file names, packed into one block of bytes.

    Two million names of 40 characters need 96 MB, about 200 MB as a list of ``str``, and more than
    1 GB as ``Path`` or ``ZipInfo``. Names may contain surrogates of undecodable file names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        packed = bytearray()
        ends = array("q")
        for name in names:
            packed += name.encode("utf-8", "surrogatepass")
            ends.append(len(packed))
        self._packed = bytes(packed)
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._ends:
            yield self._packed[start:end].decode("utf-8", "surrogatepass")
            start = end

    def take(self, rows: NDArray[np.int64]) -> Names:
        """The names at some rows; the same object for all rows in order."""
        if len(rows) == len(self):
            return self
        return Names(self[row] for row in rows.tolist())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        end = self._ends[index]  # raises IndexError as a list would
        index %= len(self._ends)
        start = self._ends[index - 1] if index else 0
        return self._packed[start:end].decode("utf-8", "surrogatepass")
