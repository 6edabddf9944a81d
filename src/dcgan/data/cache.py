"""Prepared pictures kept between runs, so that a collection is decoded once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
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
        ready = self._opened(entry)
        if ready is not None:
            return ready
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_of(key))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            note(f"another process decodes these pictures into {self.folder}; waiting for it")
            lock.acquire()
        try:
            ready = self._opened(entry)
            if ready is None:
                shutil.rmtree(entry, ignore_errors=True)
                build(entry)
                ready = open_prepared(entry)
            return ready
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
        if not self.folder.is_dir():
            return self._short_of(needed, self._free())
        with FileLock(self._lock_of("room")):  # one process at a time clears up
            self._sweep()
            entries = sorted(self._entries(), key=lambda entry: entry[1])
            held, free = sum(size for _, _, size in entries), self._free()
            going = []
            for path, _, size in entries:
                if held + needed <= self.limit and free >= needed + _SPARE:
                    break
                going.append(path)
                held, free = held - size, free + size
            if free < needed + _SPARE:  # not even without all of them: so they stay
                return self._short_of(needed, free)
            for path in going:
                _remove(path)
        return None

    def _short_of(self, needed: int, free: int) -> str | None:
        if free >= needed + _SPARE:
            return None
        return (
            f"{in_words(needed)} decoded do not fit on the disk of {self.folder}, which has"
            f" {in_words(free)} free (1 GB stays so)"
        )

    def _entries(self) -> Iterator[tuple[Path, float, int]]:
        """Folder, time of last use, and bytes of every entry."""
        for manifest in self.folder.glob(f"[!.]*/{MANIFEST}"):
            with suppress(OSError):  # gone by now
                yield manifest.parent, manifest.stat().st_mtime, _bytes_in(manifest.parent)

    def _sweep(self) -> None:
        """Remove what killed processes have left half built or half removed."""
        for path in self.folder.iterdir():
            if not path.is_dir() or (is_prepared(path) and not path.name.startswith(".")):
                continue
            lock = FileLock(self._lock_of(path.name.lstrip(".").split(".")[0]))
            with suppress(Timeout), lock.acquire(timeout=0):  # else it is being built
                shutil.rmtree(path, ignore_errors=True)

    def _lock_of(self, key: str) -> Path:
        return self.folder / f".{key}.lock"

    def _opened(self, entry: Path) -> Pictures | None:
        """The pictures of an entry; None where there is none, or a damaged one."""
        if not is_prepared(entry):
            return None
        try:
            pictures = open_prepared(entry)
        except DataError:
            return None
        with suppress(OSError):  # a cache that may only be read serves as well
            os.utime(entry / MANIFEST)
        return pictures

    def _free(self) -> int:
        place = self.folder
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free


def _remove(entry: Path) -> None:
    with suppress(OSError):  # somebody else was first
        # first the manifest: what remains of an interrupted removal is no entry
        (entry / MANIFEST).unlink()
    shutil.rmtree(entry, ignore_errors=True)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
