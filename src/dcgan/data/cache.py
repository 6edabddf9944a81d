"""Prepared images kept between runs, so that a dataset is decoded once."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dcgan.data.contents import Wanted
from dcgan.data.dataset import DecodedDataset
from dcgan.data.prepared import MANIFEST, is_prepared, open_prepared
from dcgan.errors import DataError
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import move
from dcgan.runtime.memory import in_words
from dcgan.runtime.reporting import Reporter
from dcgan.vocabulary import CachePlace

_SPARE = 2**30
"""Bytes that stay free on the disk."""

_UNKNOWN = "0"
"""Stands for content that was not read."""


@dataclass(frozen=True)
class Cache:
    """A folder of prepared images, shared between runs and processes.

    An entry is named ``OUTLINE-CONTENT-STATE``: digests of the view and of the names of the
    images; of the bytes of the files; and of their paths, sizes and times. An entry with the
    same state is used without reading a file. With another state, the files are read, which is
    much faster than decoding them, and an entry with the same content is used.

    Parameters
    ----------
    folder : Path
    limit : int
        Bytes it may hold; the least recently used entries are removed first.
    """

    folder: Path
    limit: int

    def find(self, wanted: Wanted, reporter: Reporter) -> DecodedDataset | None:
        """The entry of the same images; None if there is none or it is damaged."""
        alike = sorted(self.folder.glob(f"{wanted.outline}-*"))
        for entry in alike:
            if entry.name.endswith(f"-{wanted.state}"):
                return self._opened(entry, reporter)
        if not alike:
            return None
        content = wanted.content()
        if content is None:
            return None
        for entry in alike:
            if entry.name.split("-")[1:2] != [content]:
                continue
            dataset = self._opened(entry, reporter)
            if dataset is not None:
                with suppress(OSError):  # next time it is found by its state
                    entry.rename(entry.with_name(f"{wanted.outline}-{content}-{wanted.state}"))
                return dataset
        return None

    def get(
        self, wanted: Wanted, build: Callable[[Path], None], reporter: Reporter
    ) -> DecodedDataset:
        """The entry of the same images, or a new one that ``build(folder)`` writes.

        If several processes need it, one builds it and the others wait.
        """
        lock = FileLock(self._lock_of(wanted.outline))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            reporter.note(
                f"waiting for another process that decodes these images into {self.folder}"
            )
            lock.acquire()
        try:
            return self.find(wanted, reporter) or self._built(wanted, build)
        finally:
            lock.release()

    def _built(self, wanted: Wanted, build: Callable[[Path], None]) -> DecodedDataset:
        entry = self.folder / f"{wanted.outline}-{_UNKNOWN}-{wanted.state}"
        shutil.rmtree(entry, ignore_errors=True)
        with wanted.reading():
            build(entry)
        content = wanted.content() or _UNKNOWN
        named = entry.with_name(f"{wanted.outline}-{content}-{wanted.state}")
        if named != entry:
            shutil.rmtree(named, ignore_errors=True)  # a damaged one
            move(entry, named)
        return open_prepared(named, is_new=True)

    def make_room(self, needed: int) -> str | None:
        """Remove entries, least recently used first, until there is room for ``needed`` bytes.

        Returns
        -------
        str or None
            Why there is no room.
        """
        if needed > self.limit:
            return (
                f"{in_words(needed)} decoded are more than"
                f" `data.cache_gb={self.limit / 1e9:g}` allows"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._lock_of("room")):  # one process at a time
            self._sweep()
            entries = sorted(self._entries(), key=lambda entry: entry[1])
            held = sum(size for _, _, size in entries)
            free = shutil.disk_usage(self.folder).free
            going = []
            for path, _, size in entries:
                if held + needed <= self.limit and free >= needed + _SPARE:
                    break
                going.append(path)
                held, free = held - size, free + size
            if free < needed + _SPARE:  # removing all of them would not help
                return (
                    f"{in_words(needed)} decoded do not fit on the disk of {self.folder}, which has"
                    f" {in_words(free)} free, of which 1 GB must stay free"
                )
            for path in going:
                _remove(path)
        return None

    def _entries(self) -> Iterator[tuple[Path, float, int]]:
        """Folder, time of last use, and bytes of every entry."""
        for manifest in self.folder.glob(f"[!.]*/{MANIFEST}"):
            with suppress(OSError):  # removed by another process
                size = sum(path.stat().st_size for path in manifest.parent.iterdir())
                yield manifest.parent, manifest.stat().st_mtime, size

    def _sweep(self) -> None:
        """Remove entries that killed processes have left half built or half removed."""
        for path in self.folder.iterdir():
            if not path.is_dir() or (is_prepared(path) and not path.name.startswith(".")):
                continue
            outline = re.split("[-.]", path.name.lstrip("."))[0]
            lock = FileLock(self._lock_of(outline))
            with suppress(Timeout), lock.acquire(timeout=0):  # else it is being built
                shutil.rmtree(path, ignore_errors=True)

    def _lock_of(self, key: str) -> Path:
        return self.folder / f".{key}.lock"

    def _opened(self, entry: Path, reporter: Reporter) -> DecodedDataset | None:
        """The images of an entry; None if it is gone or damaged, which removes it."""
        if not is_prepared(entry):
            return None
        try:
            dataset = open_prepared(entry)
        except DataError as error:
            what = str(error).rpartition(". ")[0]  # without the advice, which is followed here
            reporter.note(f"images are decoded again, because the cache is damaged: {what}")
            _remove(entry)
            return None
        with suppress(OSError):  # the cache may be read-only
            os.utime(entry / MANIFEST)
        return dataset


def cache_by_settings(place: CachePlace, gigabytes: float, own_folder: Path) -> Cache | None:
    """The cache that ``data.cache`` and ``data.cache_gb`` set; ``own_folder`` is the run's own."""
    if place == "off":
        return None
    folder = own_folder if place == "run" else cache_folder() / "pictures"
    return Cache(folder, int(gigabytes * 1e9))


def _remove(entry: Path) -> None:
    with suppress(OSError):  # another process was first
        # the manifest first: without it, an interrupted removal leaves no entry
        (entry / MANIFEST).unlink()
    shutil.rmtree(entry, ignore_errors=True)
