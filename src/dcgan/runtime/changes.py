"""Whether a file may have changed, told without reading it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_SETTLED_AFTER_NS = 2 * 10**9
"""The coarsest clock of a common file system, FAT's. A file that is changed twice within one tick
has the same times after both, so times as fresh as this prove nothing yet."""


class FileState(NamedTuple):
    """What changes whenever a file's content does.

    Size and time of modification are not enough: ``cp -p``, ``rsync -t`` and a bitmap that is
    rewritten within one tick leave both as they were. The time of the last status change cannot be
    set by a program; the inode is another one where a file is replaced by a rename.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


_MISSING = FileState(-1, -1, -1, -1)


def state_of(path: Path) -> FileState:
    """The state of a file, or of none."""
    try:
        found = path.stat()
    except OSError:
        return _MISSING
    return FileState(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def can_be_trusted(states: Iterable[FileState]) -> bool:
    """Whether the same states, seen again later, will mean the same contents.

    Not so soon after a change; and not on Windows, which tells the time of creation in the place
    of the last status change.
    """
    latest = max((max(one.modified_ns, one.changed_ns) for one in states), default=0)
    return os.name != "nt" and latest < time.time_ns() - _SETTLED_AFTER_NS
