"""LMDB databases of encoded images, the format of LSUN."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from dcgan.data.name_table import Names
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.named import Request
from dcgan.data.sources.paths import file_stamp
from dcgan.errors import DataError, SourceNotFound, UnreadableImage, did_you_mean
from dcgan.runtime.shell import install

_FILE = "data.mdb"

_CATEGORIES = (
    *("bedroom", "bridge", "church_outdoor", "classroom", "conference_room"),
    *("dining_room", "kitchen", "living_room", "restaurant", "tower"),
)


def open_lsun(request: Request) -> LmdbSource:
    """One of LSUN's scenes, 256 pixels on the shorter side, in color, without labels.

    It has no published checksum, so it is not downloaded.

    Raises
    ------
    SourceNotFound
        No such category; or see :meth:`~dcgan.data.sources.named.Request.find`.
    DataError
        See :class:`LmdbSource`.
    """
    category = request.name.partition("/")[2]
    if category not in _CATEGORIES:
        raise SourceNotFound(
            f"{request.name}: no such category; {did_you_mean(category, _CATEGORIES)}"
        )
    database = f"{category}_{request.split}_lmdb"
    folder = request.find(
        [f"lsun/{database}", database],
        lambda folder: (folder / _FILE).is_file(),
        f"{database}/{_FILE} of http://dl.yf.io/lsun/scenes/{database}.zip",
    )
    return LmdbSource(folder, f"{request.name}:{request.split}")


class LmdbSource(EncodedSource):
    """Every value of a database, sorted by key and read in place.

    The folder holds ``data.mdb``, which may not change while it is read. Nothing is written to it.

    Raises
    ------
    DataError
        Not such a database, truncated or damaged; or the package ``lmdb`` is missing.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        super().__init__(name or str(folder))
        self._file = folder / _FILE
        self._environment = _opened(folder)
        lmdb = _library()
        try:
            with self._environment.begin() as transaction:
                keys = transaction.cursor().iternext(values=False)
                self._keys = Names(key.decode("latin-1") for key in keys)  # keeps every byte
        except lmdb.Error as error:
            raise _damaged(self._file, error) from error

    def __len__(self) -> int:
        return len(self._keys)

    def fetch(self, index: int) -> bytes:
        key = self._keys[index].encode("latin-1")
        try:
            # threads may not share a transaction
            with self._environment.begin() as transaction:
                value: bytes | None = transaction.get(key)
        except _library().Error as error:
            raise UnreadableImage(f"damaged in the database: {error}") from error
        if value is None:
            raise UnreadableImage("no longer in the database")
        return value

    def title(self, index: int) -> str:
        return self._keys[index]

    def stamp(self) -> str:
        return file_stamp([self._file.resolve()])


_open: WeakValueDictionary[tuple[int, int], Any] = WeakValueDictionary()
"""Open environments by device and inode, closed with their last user: LMDB forbids opening a file
twice in one process."""

_lock = threading.Lock()


def _opened(folder: Path) -> Any:
    """The environment of a folder, shared by all who have it open."""
    lmdb, file = _library(), folder / _FILE
    try:
        state = file.stat()
        with _lock:
            environment = _open.get((state.st_dev, state.st_ino))
            if environment is None:
                environment = lmdb.open(
                    os.fspath(folder), readonly=True, lock=False, readahead=False
                )
                _refuse_truncated(file, environment)
                _open[state.st_dev, state.st_ino] = environment
    except (OSError, lmdb.Error) as error:
        raise _damaged(file, error) from error
    return environment


def _refuse_truncated(file: Path, environment: Any) -> None:
    """A page beyond the end of the file would kill the process when it is touched (SIGBUS)."""
    wanted = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    there = file.stat().st_size
    if there < wanted:
        raise DataError(
            f"{file}: has {there:,} bytes of {wanted:,}: cut off. Unpack or download it again"
        )


def _damaged(file: Path, error: Exception) -> DataError:
    return DataError(f"{file}: not a readable LMDB database ({error}). Unpack or download it again")


def _library() -> ModuleType:
    """The optional package of the extra ``lsun``."""
    try:
        import lmdb
    except ImportError as error:
        raise DataError(
            f"LMDB databases need the package lmdb. Install it: {install('lsun')}"
        ) from error
    return lmdb
