"""The list of a zip's members in little memory.

The standard library makes an object of each member, 670 bytes with its name: 1.3 GB for two
million. Here a member costs its name and six numbers, and the directory is read from a mapped file.
Layout: APPNOTE.TXT, 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end), 4.5.3 (ZIP64).
"""

from __future__ import annotations

import mmap
import struct
from array import array
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dcgan.data.name_table import Names

_ENTRY = struct.Struct("<4s2xH HH4x III HHH 8xI".replace(" ", ""))
"""Signature, version needed, flags, method, CRC-32, packed and full size, lengths of name, extra
field and comment, offset."""

_END = struct.Struct("<4s8xII2x")
"""Signature, size and offset of the central directory."""

_END_64 = struct.Struct("<4s36xQQ")
_LOCATOR_64 = struct.Struct("<4s4xQ4x")

_UTF8 = 0x800
_NEWEST = 63
"""Version 6.3: what the standard library reads; the byte above it names a system."""

_WIDE = 0xFFFFFFFF
"""Says that a number stands in the ZIP64 extra field."""

_MOST = 2**62
"""Numbers beyond any file are kept as this one; reading there fails as it should."""

_COMMENT = 1 << 16
"""The archive's own comment, the last thing in it, is shorter."""


class Member(NamedTuple):
    """One member: where it lies and what it must unpack to."""

    name: str
    offset: int
    packed_size: int
    size: int
    checksum: int
    method: int
    flags: int

    @property
    def encoded_name(self) -> bytes:
        """Its name as it stands in the file."""
        return self.name.encode(_encoding(self.flags))


class ZipIndex:
    """The wanted members of a zip, sorted by name.

    Parameters
    ----------
    path : Path
    wanted : callable
        Says of each name whether it is kept.

    Raises
    ------
    OSError, ValueError, zipfile.BadZipFile
        Not a zip, or damaged.
    """

    def __init__(self, path: Path, wanted: Callable[[str], bool]) -> None:
        numbers = array("q")
        found = []
        for name, *rest in _members(path):
            if wanted(name):
                found.append(name)
                numbers.extend(rest)
        order = sorted(range(len(found)), key=found.__getitem__)
        self.names = Names(found[index] for index in order)
        columns = len(Member._fields) - 1
        self.numbers = np.frombuffer(numbers, np.int64).reshape(-1, columns)[order]
        """int64 (N, 6): the fields of Member after its name."""

    def take(self, rows: NDArray[np.int64]) -> ZipIndex:
        """Some of the members, in order."""
        if len(rows) == len(self.names):
            return self
        some = copy(self)
        some.names, some.numbers = self.names.take(rows), self.numbers[rows]
        return some

    def __getitem__(self, index: int) -> Member:
        return Member(self.names[index], *self.numbers[index].tolist())


def _members(path: Path) -> Iterator[tuple[str, int, int, int, int, int, int]]:
    """The fields of every :class:`Member` that the central directory lists, in its order."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position, end, shift = _directory(content)
        while position < end:
            try:
                entry = _ENTRY.unpack_from(content, position)
            except struct.error as error:
                raise BadZipFile("its list of members is cut off") from error
            signature, version, flags, method, checksum, packed, size = entry[:7]
            name_length, extra_length, comment_length, offset = entry[7:]
            if signature != b"PK\x01\x02" or version & 0xFF > _NEWEST:
                raise BadZipFile("its list of members is damaged, or of a newer version")
            position += _ENTRY.size
            name_end = position + name_length
            extra_end = name_end + extra_length
            decoded = content[position:name_end].decode(_encoding(flags))
            if _WIDE in {packed, size, offset}:
                size, packed, offset = _wide(content[name_end:extra_end], size, packed, offset)
            yield decoded, offset + shift, packed, size, checksum, method, flags
            position = extra_end + comment_length


def _encoding(flags: int) -> str:
    return "utf-8" if flags & _UTF8 else "cp437"


def _directory(content: mmap.mmap) -> tuple[int, int, int]:
    """Start and end of the central directory, and how far it lies from where it says."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - _COMMENT - _END.size))
    if at < 0 or at + _END.size > len(content):
        raise BadZipFile("no end of its list of members")
    _, size, offset = _END.unpack_from(content, at)
    end = at
    locator = at - _LOCATOR_64.size
    if locator >= 0 and content[locator : locator + 4] == b"PK\x06\x07":
        # something may stand before the archive, so the record is looked for, not addressed
        end = content.rfind(b"PK\x06\x06", 0, locator)
        if end < 0 or end + _END_64.size > len(content):
            raise BadZipFile("no end of its list of members")
        _, size, offset = _END_64.unpack_from(content, end)
    start = end - size
    if start < 0:
        raise BadZipFile("its list of members lies before its beginning")
    return start, end, start - offset


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """Replace the numbers that do not fit into 32 bits by those of the ZIP64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            try:
                return [min(next(wide), _MOST) if n == _WIDE else n for n in numbers]
            except StopIteration:
                break
        at += 4 + length
    raise BadZipFile("a member's size or place is missing")
