"""The same work on many pictures, on all cores, or ahead of whoever wants it."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 256
"""Most pictures per task: handing over small ones singly costs more than decoding them."""

_TASK_SECONDS = 0.1
"""What a task is meant to take: of large pictures it has few, so that all cores share them and
progress is seen."""

_GROWTH = 4
"""A task has at most so many times as many as the one that was measured."""


def in_threads(
    function: Callable[[int], Result],
    indices: Sequence[int],
    *,
    chunk: int = _CHUNK,
    one_at_a_time: bool = False,
) -> Iterator[Result]:
    """``function`` of every index, in order; at most some chunks ahead of the caller.

    Threads, since Pillow lets go of Python's lock while it decodes and resizes.

    Parameters
    ----------
    function : callable
    indices : sequence of int
    chunk : int, default 256
        Most calls per task; so many results times the number of cores are held at once.
    one_at_a_time : bool, default False
        Call it in this thread, and only when the result is wanted.
    """
    if one_at_a_time:
        yield from map(function, indices)
        return

    stopped = threading.Event()

    def do(part: Sequence[int]) -> tuple[list[Result], float]:
        began = time.perf_counter()
        results = [function(index) for index in part if not stopped.is_set()]
        return results, (time.perf_counter() - began) / len(part)

    workers, size, start = cores(), 1, 0
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[tuple[list[Result], float]]] = deque()
        try:
            while waiting or start < len(indices):
                while start < len(indices) and len(waiting) < 2 * workers:
                    waiting.append(pool.submit(do, indices[start : start + size]))
                    start += size
                results, seconds = waiting.popleft().result()
                wanted = int(_TASK_SECONDS / max(seconds, 1e-9))
                size = max(1, min(chunk, wanted, _GROWTH * len(results)))
                yield from results
        finally:
            stopped.set()
            _cancel(waiting)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ahead(items: Iterable[Item], depth: int) -> Iterator[Item]:
    """The same items, up to ``depth`` of them made in a thread before they are asked for."""
    source = iter(items)
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, source, end) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, source, end))
                yield item  # type: ignore[misc]  # the end is never reached here
        finally:
            _cancel(waiting)


def _cancel(waiting: Iterable[Future[Result]]) -> None:
    """Leave undone what nobody waits for any more."""
    for future in waiting:
        future.cancel()
