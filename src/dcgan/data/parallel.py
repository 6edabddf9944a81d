"""The same work on many pictures, on all cores, or ahead of whoever wants it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK = 256
"""Pictures per task: handing over small ones singly costs more than decoding them."""


def in_threads(
    function: Callable[[int], Result], indices: Sequence[int], *, chunk: int = _CHUNK
) -> Iterator[Result]:
    """``function`` of every index, in order; at most some chunks ahead of the caller.

    Threads, since Pillow lets go of Python's lock while it decodes and resizes.

    Parameters
    ----------
    function : callable
    indices : sequence of int
    chunk : int, default 256
        Calls per task; so many results times the number of cores are held at once.
    """

    def do(start: int) -> list[Result]:
        return [function(index) for index in indices[start : start + chunk]]

    workers = os.cpu_count() or 1
    starts = iter(range(0, len(indices), chunk))
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque(pool.submit(do, start) for start in islice(starts, 2 * workers))
        try:
            while waiting:
                results = waiting.popleft().result()
                for start in islice(starts, 1):
                    waiting.append(pool.submit(do, start))
                yield from results
        finally:
            _cancel(waiting)


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
