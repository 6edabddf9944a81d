"""The memory that is available."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_OUT_OF_MEMORY = (
    "out of memory",  # CUDA, MPS
    "can't allocate memory",  # PyTorch on CPUs, Linux
    "not enough memory",  # on other systems
    "storage size calculation overflowed",
    "unable to find an engine to execute",  # cuDNN
    "_status_alloc_failed",  # cuBLAS
)

_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping; None if unknown.

    The minimum over the machine, the container (cgroup 2) and the limits of the process on address
    space and data. Of macOS, which has no such number, it is the memory of the machine.
    """
    bounds = [bound for bound in (_machine(), _container(), _process()) if bound is not None]
    return max(0, min(bounds)) if bounds else None


def shortage(needed: float, share: float = 1.0) -> str | None:
    """That ``needed`` bytes are more than ``share`` of the free memory, in words to follow "needs".

    None if they are not, or if the free memory is unknown.
    """
    free = available_memory()
    if free is None or needed <= share * free:
        return None
    if needed > free:
        return f"{in_words(needed)} of memory, and {in_words(free)} is free"
    return f"{in_words(needed)} of memory, more than {share:.0%} of the free {in_words(free)}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of NumPy, PyTorch or CUDA means out of memory."""
    # PyTorch's error is compared by name, so that this needs no torch
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(one in words for one in _OUT_OF_MEMORY)


def in_words(count: float) -> str:
    """A number of bytes with a unit.

    >>> in_words(12_345_678), in_words(2e9)
    ('12.3 MB', '2.0 GB')
    """
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.1f} kB"


def _machine() -> int | None:
    available = kilobytes(Path("/proc/meminfo"), "MemAvailable")
    if available is not None:
        return available * 1024
    windows = getattr(ctypes, "windll", None)
    if windows is not None:
        status = _WindowsStatus(length=ctypes.sizeof(_WindowsStatus))
        is_known = windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.available) if is_known else None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


class _WindowsStatus(ctypes.Structure):
    """MEMORYSTATUSEX; the names that are used here are ours."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("others", ctypes.c_uint64 * 5),
    )


def _container() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text(encoding="utf-8").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="utf-8"))
        if limit == "max":
            return None
        return int(limit) - used + _cached_files()
    except (OSError, ValueError):
        return None


def _cached_files() -> int:
    """Bytes of files that the container's memory holds only until a program needs the room."""
    rows = (line.split() for line in (_CGROUP / "memory.stat").read_text("utf-8").splitlines())
    return sum(int(row[1]) for row in rows if row[0] in {"active_file", "inactive_file"})


def _process() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    bounds = []
    for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        soft, _ = resource.getrlimit(limit)
        held = kilobytes(Path("/proc/self/status"), used)
        if soft != resource.RLIM_INFINITY and held is not None:
            bounds.append(soft - held * 1024)
    return min(bounds, default=None)


def kilobytes(path: Path, name: str) -> int | None:
    """A number from a table of Linux with lines ``name: number kB``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return None
