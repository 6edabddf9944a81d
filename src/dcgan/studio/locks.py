"""Whether a process works in a folder: of a job, or of a run."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from filelock import FileLock, Timeout

if sys.platform != "win32":
    import fcntl

_PROBE = threading.Lock()


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock of a folder: of a job, or of a run in training."""
    path = folder / ".lock"
    if path.is_symlink() or not path.is_file():  # locks are regular files
        return False
    try:
        return _is_held(path)
    except OSError:  # not ours to read: a copied run, or one of another user
        return False


def _is_held(path: Path) -> bool:
    """Whether the lock is taken. Probes at the same time do not see each other."""
    if sys.platform == "win32":  # there are no shared locks
        try:
            with _PROBE, FileLock(path, timeout=0):
                return False
        except Timeout:
            return True
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)  # which gives the lock back
    return False
