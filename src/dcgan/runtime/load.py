"""How many cores other programs leave to this process."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STATISTICS = Path("/proc/stat")

_IDLE, _WAITING = 3, 4
"""Columns of /proc/stat: time of a core without work, and waiting for a disk."""


@dataclass(frozen=True)
class Usage:
    """Seconds counted by the clock, by this process and by idle cores, from a fixed past moment.

    Parameters
    ----------
    clock : float
    own : float
        Of all cores, in this process.
    idle : float
        Of all cores that this process may use, without any work.
    """

    clock: float
    own: float
    idle: float


def usage() -> Usage | None:
    """The counters now; None where the system does not tell (all but Linux)."""
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
    """Cores that were idle or worked for this process between two moments, on average.

    None where the system does not tell, or where the moments are too close to tell.
    """
    if before is None or after is None or after.clock - before.clock < 0.2:
        return None
    spent = (after.own - before.own) + (after.idle - before.idle)
    return max(0.0, spent / (after.clock - before.clock))
