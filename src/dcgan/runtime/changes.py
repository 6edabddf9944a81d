"""Find out whether and when files have changed, without reading them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SETTLED_AFTER_NS = 2 * 10**9
"""The coarsest clock of a common file system (FAT): two changes within one tick leave the same
times, so times as recent as this prove nothing."""


class FileState(NamedTuple):
    """Values that change whenever a file's content does.

    Size and modification time are not enough: ``cp -p`` and ``rsync -t`` keep both. Programs cannot
    set the time of the last status change; replacing a file by a rename changes the inode.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


_MISSING = FileState(-1, -1, -1, -1)


def state_of(path: Path) -> FileState:
    """The state of a file, which may be missing."""
    try:
        found = path.stat()
    except OSError:
        return _MISSING
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """Paths by the time of their last change, without those that are gone by now."""
    states = [(state_of(path), path) for path in paths]
    there = [(state.modified_ns, path) for state, path in states if state != _MISSING]
    return [path for _, path in sorted(there, key=lambda one: one[0], reverse=True)]


def can_be_trusted(states: Iterable[FileState]) -> bool:
    """Whether equal states later will mean equal contents.

    False within a tick of the last change, and on Windows, which has no time of status change.
    """
    latest = max((max(one.modified_ns, one.changed_ns) for one in states), default=0)
    return os.name != "nt" and latest < time.time_ns() - _SETTLED_AFTER_NS
