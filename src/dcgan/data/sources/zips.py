"""Pictures in a zip file, read in place."""

from __future__ import annotations

import os
import struct
import threading
import weakref
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dcgan.data.pixels.decode import EXTENSIONS, MOST_BYTES
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.collection import Beside, arrange
from dcgan.data.sources.paths import digest, is_hidden, suffix
from dcgan.data.sources.side_files import SideFile
from dcgan.data.sources.tables import NoTable
from dcgan.data.sources.unpacking import unpacked
from dcgan.data.sources.zip_index import Member, ZipIndex
from dcgan.errors import DataError, UnreadableImage
from dcgan.runtime.split_names import AUTO

_ENCRYPTED = 1
"""Flag bit 0."""


class ZipSource(EncodedSource):
    """Every picture in a zip file, sorted by name and never unpacked; labels as in
    :func:`~dcgan.data.sources.collection.arrange`.

    Parameters
    ----------
    path : Path
    below : str, optional
        Only members whose path begins so.
    split, labels : str
        As for :func:`~dcgan.data.sources.collection.arrange`.

    Raises
    ------
    DataError
        Not a zip file.
    """

    def __init__(
        self, path: Path, below: str = "", *, split: str = AUTO, labels: str = AUTO
    ) -> None:
        others: Counter[str] = Counter()
        beside = Beside()
        try:
            index = ZipIndex(path, lambda name: _is_wanted(name, others, below, beside))
            self._file = path.open("rb", buffering=0)
            weakref.finalize(self, self._file.close)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: not a readable zip file ({error})") from error
        self._path = path
        self._lock = threading.Lock()
        may_tell = set(beside.names)
        is_side = np.zeros(len(index.names), np.bool_)
        if may_tell:
            is_side[:] = [_plain_name(name) in may_tell for name in index.names]
        self._index = index.take(np.flatnonzero(~is_side))
        sides = [index[row] for row in np.flatnonzero(is_side).tolist()]
        arranged = arrange(
            str(path),
            self._index.names,
            [self._side_file(member) for member in sides],
            split=split,
            labels=labels,
            others=others,
            unread=beside.unread,
        )
        self._index = self._index.take(arranged.rows)
        super().__init__(str(path), labels=arranged.labels, others=others, notes=arranged.notes)

    def __len__(self) -> int:
        return len(self._index.names)

    def fetch(self, index: int) -> bytes:
        return self._content(self._index[index])

    def _side_file(self, member: Member) -> SideFile:
        @contextmanager
        def opened() -> Iterator[BinaryIO]:
            try:
                yield BytesIO(self._content(member))
            except UnreadableImage as error:
                raise NoTable(str(error)) from error

        return SideFile(_plain_name(member.name), member.size, opened)

    def _content(self, member: Member) -> bytes:
        try:
            return self._unpacked(member)
        except (MemoryError, UnreadableImage):
            raise
        except Exception as error:  # every compression has errors of its own
            raise UnreadableImage(f"damaged in the zip: {error}") from error

    def title(self, index: int) -> str:
        return _plain_name(self._index.names[index])

    def stamp(self) -> str:
        # holds each member's checksum: as good as having read it
        return digest((self._index.numbers.tobytes(), *self._index.names))

    def _unpacked(self, member: Member) -> bytes:
        """A member's content, checked against its CRC."""
        if member.flags & _ENCRYPTED:
            raise UnreadableImage("encrypted in the zip; unpack it with its password first")
        for size in (member.size, member.packed_size):
            if size > MOST_BYTES:
                raise UnreadableImage(f"of {size:,} bytes: too large for a picture")
        header = self._read_at(member.offset, 30)
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        data = self._read_at(member.offset + 30, name_length + extra_length + member.packed_size)
        if header[:4] != b"PK\x03\x04" or data[:name_length] != member.encoded_name:
            raise ValueError("another member lies where the list says")
        # one more byte than promised shows the lie, a bomb is not unpacked
        content = unpacked(data[name_length + extra_length :], member.method, member.size + 1)
        if len(content) != member.size or zlib.crc32(content) != member.checksum:
            raise ValueError("its checksum is wrong")
        return content

    def _read_at(self, offset: int, length: int) -> bytes:
        if hasattr(os, "pread"):  # needs no lock: keeps no position
            return os.pread(self._file.fileno(), length, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length) or b""


def _is_wanted(name: str, others: Counter[str], below: str, beside: Beside) -> bool:
    """Whether a member is a picture or may hold labels; counts what is neither a picture, hidden,
    nor a folder."""
    name = _plain_name(name)
    if name.endswith("/") or not name.startswith(below) or is_hidden(name):
        return False
    end = suffix(name)
    if end in EXTENSIONS:
        return True
    others[end] += 1
    return beside.add(name, end)


def _plain_name(name: str) -> str:
    """A member's name with ``/`` between its parts: some programs on Windows write ``\\``."""
    return name.replace("\\", "/")
