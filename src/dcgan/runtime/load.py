"""The number of cores that other programs leave free."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STATISTICS = Path("/proc/stat")

_IDLE, _WAITING = 3, 4
"""Columns of /proc/stat: idle time, and time waiting for a disk."""


@dataclass(frozen=True)
class Usage:
    """Seconds since a fixed time: by the clock, used by this process (``own``), and of idle cores
    (``idle``), both summed over the cores that this process may use."""

    clock: float
    own: float
    idle: float


def usage() -> Usage | None:
    """The counters now; None except on Linux."""
    try:
        lines = _STATISTICS.read_text(encoding="ascii").splitlines()
        allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        tick = os.sysconf("SC_CLK_TCK")
        rows = [line.split() for line in lines if line.split(maxsplit=1)[0] in allowed]
        ticks = sum(int(row[1 + _IDLE]) + int(row[1 + _WAITING]) for row in rows)
    except (OSError, ValueError, IndexError, AttributeError):
        return None
    return Usage(time.monotonic(), time.process_time(), ticks / tick) if rows else None


def free_cores(before: Usage | None, after: Usage | None) -> float | None:
    """The mean number of cores that were idle or used by this process between two times.

    None if it is unknown, or the times are too close together.
    """
    if before is None or after is None or after.clock - before.clock < 0.2:
        return None
    spent = (after.own - before.own) + (after.idle - before.idle)
    return max(0.0, spent / (after.clock - before.clock))
