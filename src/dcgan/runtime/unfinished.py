"""Names for files that are being written, and the removal of those that dead processes left.

A name is ``.NAME.SPACE-PID-START-NUMBER.part``. SPACE tells the machine since its last boot, and
the container, in which PID is a process; START is when that process began, so that a new process
of the same number is another one.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path

_OURS = re.compile(r"\..*\.(?P<space>[0-9a-f]{8})-(?P<pid>\d+)-(?P<start>\d+)-\d+\.part", re.DOTALL)
_EARLIER = re.compile(r"\..*\.\d+(-\d+)?\.part", re.DOTALL)
"""What earlier versions wrote: only the number of a process, on a machine that is not named."""

_LONGEST = 180
"""Bytes of a name that are kept; a file system allows 255 for all of it."""

_UNTOUCHED = 7 * 24 * 3600
"""Seconds without a change after which another machine's unfinished file counts as left behind: a
process that writes changes its file far more often, and from here nobody can ask whether it lives.
"""

_numbers = count()


def unfinished_beside(path: Path) -> Path:
    """A hidden path beside ``path`` that no other process, thread or call is given."""
    name = path.name
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    pid = os.getpid()
    token = f"{_space()}-{pid}-{_start(pid) or 0}-{next(_numbers)}"
    return path.with_name(f".{name}.{token}.part")


def remove_leftovers(folder: Path) -> None:
    """Remove what dead processes left unfinished in a folder; a live one's files stay."""
    for path in leftovers(folder):
        remove(path)


def leftovers(folder: Path) -> list[Path]:
    """What dead processes left unfinished in a folder."""
    try:
        with os.scandir(folder) as entries:
            parts = [entry.name for entry in entries if entry.name.endswith(".part")]
    except OSError:
        return []
    return [folder / name for name in parts if _is_left(folder, name)]


def remove(path: Path) -> None:
    """Remove a file or a folder that need not be there, as far as that is allowed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()


def _is_left(folder: Path, name: str) -> bool:
    ours = _OURS.fullmatch(name)
    if ours is None:
        return bool(_EARLIER.fullmatch(name)) and _is_untouched(folder, name)
    if ours["space"] != _space():
        return _is_untouched(folder, name)
    pid, start = int(ours["pid"]), int(ours["start"])
    if sys.platform == "win32":  # where asking a process for a sign of life would end it
        return pid != os.getpid() and _is_untouched(folder, name)
    return not _lives(pid) or _start(pid) not in (None, start)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _is_untouched(folder: Path, name: str) -> bool:
    """Whether nothing in it has changed for long, by the clock of the disk that it lies on."""
    path = folder / name
    clock = unfinished_beside(folder / "clock")
    try:
        inside = list(path.rglob("*")) if path.is_dir() else []
        newest = max(one.lstat().st_mtime for one in (path, *inside))
        clock.touch(exist_ok=False)
        return clock.stat().st_mtime - newest > _UNTOUCHED
    except OSError:
        return False
    finally:
        remove(clock)


@lru_cache(maxsize=1)
def _space() -> str:
    """Eight letters for where numbers of processes mean the same as here."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _start(pid: int) -> int | None:
    """When a process began, in ticks since the boot; None where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
