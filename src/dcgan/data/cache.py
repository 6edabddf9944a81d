"""Prepared pictures kept between runs, so that a collection is decoded once."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from dcgan.data.contents import Contents, outline_of
from dcgan.data.dataset import ImageDataset
from dcgan.data.image_view import View
from dcgan.data.prepared import MANIFEST, is_prepared, open_prepared
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.memory import in_words
from dcgan.runtime.reporting import Reporter

_VERSION = 3
"""Goes into every key: raised whenever decoding or fitting gives other pixels than before."""

_SPARE = 2**30
"""Bytes that stay free on the disk."""


_LETTERS = 16
"""Of each digest in the name of an entry."""

_UNKNOWN = "0"
"""Stands for a content that was not read."""


class Wanted:
    """What is looked for in the cache: some images, seen in some way.

    Parameters
    ----------
    source : Source
    view : View
    stamp : str
        See :meth:`dcgan.data.sources.base.Source.stamp`.
    """

    def __init__(self, source: Source, view: View, stamp: str) -> None:
        self.outline = digest((_VERSION, outline_of(source), view))[:_LETTERS]
        self.state = digest([stamp])[:_LETTERS]
        self.contents = Contents(source)

    def content(self) -> str:
        """What the source holds now, from reading all that has not been read."""
        found = self.contents.digest()
        return _UNKNOWN if found is None else found[:_LETTERS]


@dataclass(frozen=True)
class Cache:
    """A folder of prepared pictures, shared between runs and processes.

    An entry is named ``OUTLINE-CONTENT-STATE``: digests of the names of the files, their labels and
    the view; of what the files hold; and of their places, sizes and times. An entry of the same
    state is taken without reading a file. One of the same outline and another state is taken when
    reading the files, which is much faster than decoding them, shows the same content.

    Parameters
    ----------
    folder : Path
    limit : int
        Bytes it may hold; the entries used longest ago go first.
    """

    folder: Path
    limit: int

    def find(self, wanted: Wanted, reporter: Reporter) -> ImageDataset | None:
        """The entry of the same images; None where there is none, or a damaged one."""
        alike = sorted(self.folder.glob(f"{wanted.outline}-*"))
        for entry in alike:
            if entry.name.endswith(f"-{wanted.state}"):
                return self._opened(entry, reporter)
        if not alike:
            return None
        content = wanted.content()
        if content == _UNKNOWN:
            return None
        for entry in alike:
            if entry.name.split("-")[1:2] != [content]:
                continue
            dataset = self._opened(entry, reporter)
            if dataset is not None:
                with suppress(OSError):  # found in its new state at once the next time
                    entry.rename(entry.with_name(f"{wanted.outline}-{content}-{wanted.state}"))
                return dataset
        return None

    def get(
        self, wanted: Wanted, build: Callable[[Path], None], reporter: Reporter
    ) -> ImageDataset:
        """The entry of some images; built by ``build(folder)`` where there is none.

        One process builds, others wait for it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._lock_of(wanted.outline))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            reporter.note(
                f"another process decodes these images into {self.folder}; waiting for it"
            )
            lock.acquire()
        try:
            return self.find(wanted, reporter) or self._built(wanted, build)
        finally:
            lock.release()

    def _built(self, wanted: Wanted, build: Callable[[Path], None]) -> ImageDataset:
        entry = self.folder / f"{wanted.outline}-{_UNKNOWN}-{wanted.state}"
        shutil.rmtree(entry, ignore_errors=True)
        with wanted.contents.gathered():
            build(entry)
        named = entry.with_name(f"{wanted.outline}-{wanted.content()}-{wanted.state}")
        if named != entry:
            shutil.rmtree(named, ignore_errors=True)  # a damaged one
            entry.rename(named)
        return open_prepared(named, is_new=True)

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
            outline = re.split("[-.]", path.name.lstrip("."))[0]
            lock = FileLock(self._lock_of(outline))
            with suppress(Timeout), lock.acquire(timeout=0):  # else it is being built
                shutil.rmtree(path, ignore_errors=True)

    def _lock_of(self, key: str) -> Path:
        return self.folder / f".{key}.lock"

    def _opened(self, entry: Path, reporter: Reporter) -> ImageDataset | None:
        """The pictures of an entry; None where it is gone, or damaged, which removes it."""
        if not is_prepared(entry):
            return None
        try:
            dataset = open_prepared(entry)
        except DataError as error:
            what = str(error).rpartition(". ")[0]  # without the cure, which is what happens now
            reporter.note(f"the images are decoded again, since the cache is damaged: {what}")
            _remove(entry)
            return None
        with suppress(OSError):  # a cache that may only be read serves as well
            os.utime(entry / MANIFEST)
        return dataset

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
