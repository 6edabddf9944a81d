"""Checksums of large files, and a record of which files have been checked."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.changes import can_be_trusted, state_of
from dcgan.runtime.threads import in_chunks

_PART = 2**24
"""Bytes under one checksum."""


class Checksums(TypedDict):
    """Size of a file, and the CRC-32 of every 16 MiB of it.

    CRC-32 finds every flipped bit, every error within 32 consecutive bits, and all but one in 4e9
    of other errors. It is the fastest checksum in Python and releases Python's lock.
    """

    bytes: int
    crc32: list[int]


class Damaged(DataError):
    """A file differs from what was written; the message names it."""


def checksums_of(path: Path) -> Checksums:
    """Read a file once, in parts on all cores."""
    size = path.stat().st_size

    def of_part(number: int) -> int:
        with path.open("rb") as file:
            file.seek(number * _PART)
            return zlib.crc32(file.read(_PART))

    return {"bytes": size, "crc32": list(in_chunks(of_part, range(-(-size // _PART)), most=1))}


def refuse_damage(folder: Path, wanted: Mapping[str, Checksums]) -> None:
    """Compare the files of a folder with their checksums, unless they passed and did not change.

    Parameters
    ----------
    folder : Path
    wanted : mapping of str to Checksums
        By file name.

    Raises
    ------
    Damaged
        A file is missing or differs.
    """

    def compare() -> None:
        for name, checksums in wanted.items():
            path = folder / name
            try:
                found = checksums_of(path)
            except OSError as error:
                raise Damaged(f"{path}: {error.strerror or error}") from error
            size, right = found["bytes"], checksums["bytes"]
            if size != right:
                raise Damaged(f"{path}: damaged: it has {size:,} bytes instead of {right:,}")
            if found != checksums:
                raise Damaged(f"{path}: damaged: its content does not match its checksum")

    once_per_state([folder / name for name in wanted], wanted, compare)


def once_per_state(paths: Iterable[Path], wanted: object, check: Callable[[], None]) -> None:
    """Call ``check``, unless it passed before and neither files nor ``wanted`` changed since.

    Parameters
    ----------
    paths : iterable of Path
        The files that are checked.
    wanted : object
        What they are checked against, compared by its ``repr``.
    check : callable
        Raises an error if the check fails.
    """
    states = {str(path.absolute()): state_of(path) for path in paths}
    passed = cache_folder() / "checked" / digest((wanted, *states.items()))
    if passed.exists():
        return
    check()
    if can_be_trusted(states.values()):
        with suppress(OSError):  # then the next process checks again
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.touch()
