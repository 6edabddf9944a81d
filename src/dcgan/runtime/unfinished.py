"""Names of partly written files, and the removal of those that dead processes left.

A name is ``.NAME.SPACE-PID-START-NUMBER.part``. SPACE stands for the machine, its boot and the
container, in which PID is a process; START is its start time, since numbers are used again.
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
"""Names of earlier versions, with only the number of a process."""

_LONGEST = 180
"""Bytes of NAME that are kept; file systems allow 255 in total."""

_UNTOUCHED = 7 * 24 * 3600
"""Seconds without a change after which a partly written file of another machine is a leftover. Its
process cannot be seen from here."""

_numbers = count()


def unfinished_beside(path: Path) -> Path:
    """A unique hidden path next to ``path``."""
    name = path.name
    while len(os.fsencode(name)) > _LONGEST:
        name = name[:-1]
    pid = os.getpid()
    token = f"{_space()}-{pid}-{_start(pid) or 0}-{next(_numbers)}"
    return path.with_name(f".{name}.{token}.part")


def remove_leftovers(folder: Path) -> None:
    """Remove the partly written files of dead processes in a folder."""
    for path in leftovers(folder):
        remove(path)


def leftovers(folder: Path) -> list[Path]:
    """The partly written files of dead processes in a folder."""
    try:
        with os.scandir(folder) as entries:
            parts = [entry.name for entry in entries if entry.name.endswith(".part")]
    except OSError:
        return []
    return [folder / name for name in parts if _is_left(folder, name)]


def remove(path: Path) -> None:
    """Remove a file or a folder, as far as permissions allow."""
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
    if sys.platform == "win32":  # os.kill would end the process
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
    """Whether it has not changed for long, by the clock of its disk."""
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
    """Eight letters for the machine, boot and container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _start(pid: int) -> int | None:
    """Start time of a process in ticks since the boot; None if unknown."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
