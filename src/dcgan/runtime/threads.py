"""Threads: how many PyTorch uses, and work on many items in several threads."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import cache
from itertools import repeat, takewhile
from threading import Barrier, Event, Lock
from typing import TypeVar

import torch

from dcgan.runtime.load import free_cores, usage

Item = TypeVar("Item")
Result = TypeVar("Result")

_TASK_SECONDS = 0.1
_GROWTH = 4
"""How long a task of :func:`in_chunks` should take, and by how much chunks grow at most."""

_making = Lock()
"""Held while a pool is made, since PyTorch then starts new threads with 1."""


_WINDOW, _WINDOWS = 0.04, 3
"""Seconds in which operations are counted, and how often; long enough for the system's counters."""

_FREE = 0.8
"""Free cores that each thread needs."""

_NUMBERS = 2**17
"""Numbers in an operation that two threads share; it takes about 30 microseconds."""

_lowered_from: list[int] = []
"""The number of threads before :func:`leave_busy_cores` lowered it."""


def leave_busy_cores() -> None:
    """Let PyTorch's operations use all threads, half or one: the most for which cores are free.

    If another program uses a core, threads that share an operation wait milliseconds for the one
    without a core, and one thread alone is many times faster. Takes about a third of a second.
    :func:`in_threads` still uses all threads, which do not wait for each other.
    """
    most = torch.get_num_threads()
    if most == 1:
        return
    numbers = torch.zeros(_NUMBERS)
    before = usage()
    torch.set_num_threads(1)
    alone = _operations(numbers)
    for threads in (most, most // 2, 1):
        torch.set_num_threads(max(1, threads))
        if threads <= 1:
            break
        is_held_up = 2 * _operations(numbers) < alone
        free = free_cores(before, usage())
        if not is_held_up and (free is None or free >= _FREE * threads):
            break
    if torch.get_num_threads() < most:
        _lowered_from.append(most)


def _operations(numbers: torch.Tensor) -> int:
    """The median number of additions in a short time."""
    counts = []
    for _ in range(_WINDOWS):
        count, end = 0, time.perf_counter() + _WINDOW
        while time.perf_counter() < end:
            numbers.add_(1.0)
            count += 1
        counts.append(count)
    return sorted(counts)[_WINDOWS // 2]


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results in the order of the items, computed with as many threads as PyTorch has.

    Cores that share each operation of a small network mostly wait for each other; one item per
    thread avoids this, and rounding does not depend on the number of cores.

    ``work`` computes on the CPU. Items are read at most twice the number of threads ahead.
    """
    with _making:
        threads = max([torch.get_num_threads(), *_lowered_from])
        pool = _pool(threads, os.getpid())
    yield from _in_order(pool, work, items, 2 * threads)


def in_chunks(
    function: Callable[[int], Result],
    indices: Sequence[int],
    *,
    most: int = 256,
    one_at_a_time: bool = False,
) -> Iterator[Result]:
    """Results in the order of their indices, many per task, on all cores.

    For work that releases Python's lock and does not use PyTorch, such as decoding with Pillow.
    The chunks grow until a task takes about 0.1 s: submitting small images one by one costs more
    than decoding them, and few large images must still be shared by all cores.

    Parameters
    ----------
    function : callable
        May itself call :func:`in_chunks`.
    indices : sequence of int
    most : int, default 256
        Most indices per task. At most this many results times twice the number of cores are held.
    one_at_a_time : bool, default False
        Call ``function`` in this thread, and only when its result is wanted.
    """
    if one_at_a_time:
        yield from map(function, indices)
        return
    workers, size, stopped = cores(), 1, Event()

    def chunks() -> Iterator[Sequence[int]]:
        start = 0
        while start < len(indices):
            chunk = indices[start : start + size]
            yield chunk
            start += len(chunk)

    def do(chunk: Sequence[int]) -> tuple[list[Result], float]:
        began = time.perf_counter()
        results = [function(index) for index in chunk if not stopped.is_set()]
        return results, (time.perf_counter() - began) / len(chunk)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for results, seconds in _in_order(pool, do, chunks(), 2 * workers):
                wanted = int(_TASK_SECONDS / max(seconds, 1e-9))
                size = max(1, min(most, wanted, _GROWTH * len(results)))
                yield from results
        finally:
            stopped.set()


def ahead(items: Iterable[Item], depth: int) -> Iterator[Item]:
    """The same items; up to ``depth`` of them are made in another thread before they are needed."""
    source, end = iter(items), object()
    with (
        ThreadPoolExecutor(1) as pool,
        closing(_in_order(pool, lambda _: next(source, end), repeat(None), depth + 1)) as made,
    ):
        yield from takewhile(lambda item: item is not end, made)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    most: int,
) -> Generator[Result, None, None]:
    """Results in the order of their items, with at most ``most`` tasks submitted at once."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) == most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """One pool per process, since a fork has no threads of its parent."""
    del process
    before, ready = torch.get_num_threads(), Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # a thread's first call sets the number of the process
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, initializer=start)
    for _ in range(threads):
        pool.submit(int)  # each makes a thread, as none is idle yet
    ready.wait()
    torch.set_num_threads(before)  # new threads start with the number of the process
    return pool
