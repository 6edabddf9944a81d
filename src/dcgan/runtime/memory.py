"""How much memory there is to be had."""

from __future__ import annotations

from pathlib import Path

_OUT_OF_MEMORY = (
    "out of memory",  # CUDA, MPS
    "can't allocate memory",  # PyTorch on Linux' CPUs
    "not enough memory",  # on others'
    "storage size calculation overflowed",
    "unable to find an engine to execute",  # cuDNN
    "_status_alloc_failed",  # cuBLAS
)

_CGROUP = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Bytes that can be had without swapping, or None where the system does not tell.

    The least of what the machine, the container (cgroup 2) and the process (its limits on address
    space and data) leave.
    """
    bounds = [bound for bound in (_machine(), _container(), _process()) if bound is not None]
    return max(0, min(bounds)) if bounds else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had, in whoever's words."""
    # NumPy's is a MemoryError; PyTorch's is known by name, so that this needs no torch
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(one in words for one in _OUT_OF_MEMORY)


def in_words(count: float) -> str:
    """A number of bytes as people say it.

    >>> in_words(12_345_678), in_words(2e9)
    ('12.3 MB', '2.0 GB')
    """
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e3:.1f} kB"


def _machine() -> int | None:
    available = _kilobytes(Path("/proc/meminfo"), "MemAvailable")
    return None if available is None else available * 1024


def _container() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text(encoding="utf-8").strip()
        used = int((_CGROUP / "memory.current").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - used


def _process() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    bounds = []
    for limit, used in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
        soft, _ = resource.getrlimit(limit)
        held = _kilobytes(Path("/proc/self/status"), used)
        if soft != resource.RLIM_INFINITY and held is not None:
            bounds.append(soft - held * 1024)
    return min(bounds, default=None)


def _kilobytes(path: Path, name: str) -> int | None:
    """A number from one of Linux' tables of ``name: number kB``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return None
