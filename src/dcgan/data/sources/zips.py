"""Images in a zip file, read in place.

The standard library lists the members. Their content is read here: ``zipfile`` moves one file
position, which threads and forked processes may not share, and unpacks bombs (see unpacking.py).
"""

from __future__ import annotations

import os
import struct
import threading
import weakref
import zipfile
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from dcgan.data.labels.arrange import LabelFiles, arrange
from dcgan.data.labels.side_files import SideFile
from dcgan.data.labels.tables import NoTable, suffix
from dcgan.data.name_table import Names
from dcgan.data.pixels.decode import EXTENSIONS, MOST_BYTES
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.paths import digest, is_hidden, unreadable
from dcgan.data.sources.unpacking import unpacked
from dcgan.errors import DataError, UnreadableImage
from dcgan.runtime.split_names import AUTO

_ENCRYPTED, _UTF8 = 1, 0x800
"""Flags of a member (APPNOTE.TXT, 4.4.4)."""

_MOST = 2**62
"""Larger numbers are beyond any file; they are kept as this one, and reading there fails."""


class _Member(NamedTuple):
    """What is kept of a member: its name as the file has it, and 48 bytes."""

    name: str
    offset: int
    packed_size: int
    size: int
    checksum: int
    method: int
    flags: int


class ZipSource(EncodedSource):
    """Every image in a zip file, sorted by name and never unpacked; split and labels as in
    :func:`~dcgan.data.labels.arrange.arrange`. Raises ``DataError`` for anything but a zip file.
    """

    def __init__(self, path: Path, *, split: str = AUTO, labels: str = AUTO) -> None:
        others: Counter[str] = Counter()
        label_files = LabelFiles()
        images: list[zipfile.ZipInfo] = []
        sides: list[SideFile] = []
        for member in _list_members(path):
            name = _plain_name(member.orig_filename)
            if name.endswith("/") or is_hidden(name):
                continue
            end = suffix(name)
            if end in EXTENSIONS:
                images.append(member)
                continue
            others[end] += 1
            if label_files.add(name, end):
                sides.append(self._side_file(_kept(member)))
        images.sort(key=lambda member: member.orig_filename)
        numbers = array("q")
        for member in images:
            numbers.extend(_kept(member)[1:])
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        names = Names(member.orig_filename for member in images)
        arranged = arrange(
            str(path),
            names,
            sides,
            split=split,
            labels=labels,
            others=others,
            unread=label_files.unread,
        )
        self._names = names.take(arranged.rows)
        # int64 (N, 6): the fields of _Member after its name
        table = np.frombuffer(numbers, np.int64).reshape(-1, len(_Member._fields) - 1)
        self._numbers = table[arranged.rows]
        super().__init__(str(path), labels=arranged.labels, others=others, notes=arranged.notes)

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        return self._content(_Member(self._names[index], *self._numbers[index].tolist()))

    def title(self, index: int) -> str:
        return _plain_name(self._names[index])

    def stamp(self) -> str:
        # holds each member's checksum: as good as having read it
        return digest((self._numbers.tobytes(), *self._names))

    def _side_file(self, member: _Member) -> SideFile:
        @contextmanager
        def opened() -> Iterator[BinaryIO]:
            try:
                yield BytesIO(self._content(member))
            except UnreadableImage as error:
                raise NoTable(str(error)) from error

        return SideFile(_plain_name(member.name), member.size, opened)

    def _content(self, member: _Member) -> bytes:
        """A member's content, checked against its size and CRC."""
        if member.flags & _ENCRYPTED:
            raise UnreadableImage("encrypted in the zip. Unpack it with its password first")
        for size in (member.size, member.packed_size):
            if size > MOST_BYTES:
                raise UnreadableImage(f"of {size:,} bytes: too large for an image")
        try:
            # one byte more than declared reveals a false size; a bomb is not unpacked
            content = unpacked(self._packed(member), member.method, member.size + 1)
            if len(content) != member.size or zlib.crc32(content) != member.checksum:
                raise ValueError("its checksum is wrong")
        except MemoryError:
            raise
        except Exception as error:  # every compression has errors of its own
            raise unreadable(error, f"damaged in the zip: {error}") from error
        return content

    def _packed(self, member: _Member) -> bytes:
        header = self._read_at(member.offset, 30)
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        data = self._read_at(member.offset + 30, name_length + extra_length + member.packed_size)
        name = member.name.encode("utf-8" if member.flags & _UTF8 else "cp437")
        if header[:4] != b"PK\x03\x04" or data[:name_length] != name:
            raise ValueError("another member lies where the list says")
        return data[name_length + extra_length :]

    def _read_at(self, offset: int, length: int) -> bytes:
        if hasattr(os, "pread"):  # moves no position, so it needs no lock
            return os.pread(self._file.fileno(), length, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length) or b""


def _list_members(path: Path) -> Iterable[zipfile.ZipInfo]:
    """All members, about 600 bytes each until the images are chosen."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (OSError, ValueError, OverflowError, NotImplementedError, zipfile.BadZipFile) as error:
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise DataError(f"{path}: cannot be read ({reason})") from error
        raise DataError(
            f"{path}: a damaged or incomplete zip file. Copy or download it again"
        ) from error


def _kept(member: zipfile.ZipInfo) -> _Member:
    return _Member(
        member.orig_filename,
        min(member.header_offset, _MOST),
        min(member.compress_size, _MOST),
        min(member.file_size, _MOST),
        member.CRC,
        member.compress_type,
        member.flag_bits,
    )


def _plain_name(name: str) -> str:
    """A member's name with ``/`` between its parts: some programs on Windows write ``\\``."""
    return name.replace("\\", "/")
