"""Whether a process works in a folder: of a job, or of a run."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock of a folder: of a job, or of a run in training."""
    path = folder / ".lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # not ours to write: a copied run, or one of another user
        return False
