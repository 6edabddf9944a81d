"""Prepared pictures kept between runs, so that a collection is decoded once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dcgan.data.pictures import Pictures
from dcgan.data.prepared import MANIFEST, is_prepared, open_prepared
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.data.view import View
from dcgan.errors import DataError
from dcgan.runtime.memory import in_words

_VERSION = 1
"""Goes into every key: raised whenever decoding or fitting gives other pixels than before."""

_SPARE = 2**30
"""Bytes that stay free on the disk."""


@dataclass(frozen=True)
class Cache:
    """A folder of prepared pictures by key, shared between runs and processes.

    Parameters
    ----------
    folder : Path
    limit : int
        Bytes it may hold; the entries used longest ago go first.
    """

    folder: Path
    limit: int

    def key(self, source: Source, view: View) -> str | None:
        """What tells one set of decoded pictures from another; None where the source cannot tell
        whether it has changed."""
        stamp = source.stamp()
        return None if stamp is None else digest((_VERSION, stamp, view))

    def get(
        self,
        key: str,
        build: Callable[[Path], None],
        note: Callable[[str], None],
    ) -> Pictures:
        """The entry of a key; built by ``build(folder)`` when there is none or a damaged one.

        One process builds, others wait for it.
        """
        entry = self.folder / key
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f".{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f"another process decodes these pictures into {self.folder}; waiting for it")
            lock.acquire()
        try:
            if is_prepared(entry):
                with suppress(DataError):  # damaged: built again
                    return self._opened(entry)
            shutil.rmtree(entry, ignore_errors=True)
            self._clear_leftovers(key)
            build(entry)
            return self._opened(entry)
        finally:
            lock.release()

    def has(self, key: str) -> bool:
        """Whether there is an entry."""
        return is_prepared(self.folder / key)

    def make_room(self, needed: int) -> str | None:
        """Remove entries, longest unused first, until ``needed`` bytes more keep to the limit.

        Returns
        -------
        str or None
            Why there is no room, even so.
        """
        if needed > self.limit:
            return (
                f"{in_words(needed)} decoded are more than data.cache_gb ="
                f" {self.limit / 1e9:g} allows"
            )
        entries = sorted(self.folder.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime)
        sizes = {path.parent: _bytes_in(path.parent) for path in entries}
        held = sum(sizes.values())
        for entry, size in sizes.items():
            if held + needed <= self.limit and self._free() >= needed + _SPARE:
                break
            # first the manifest: what remains of an interrupted removal is no entry
            (entry / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(entry, ignore_errors=True)
            held -= size
        free = self._free()
        if free < needed + _SPARE:
            return (
                f"{in_words(needed)} decoded do not fit on the disk of {self.folder}, which has"
                f" {in_words(free)} free (1 GB stays so)"
            )
        return None

    def _opened(self, entry: Path) -> Pictures:
        pictures = open_prepared(entry)
        with suppress(OSError):  # a cache that may only be read serves as well
            os.utime(entry / MANIFEST)
        return pictures

    def _clear_leftovers(self, key: str) -> None:
        """What a process killed while it built has left; we hold the lock, so none builds now."""
        for leftover in self.folder.glob(f".{key}.*.part"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _free(self) -> int:
        place = self.folder
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
