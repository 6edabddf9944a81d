"""Threads: one for each of many pieces of work, or as many for one piece as cores are free."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Barrier, Lock
from typing import TypeVar

import torch

from dcgan.runtime.load import free_cores, usage

Item = TypeVar("Item")
Result = TypeVar("Result")

_making = Lock()
"""While a pool is made, PyTorch's number for new threads is 1, and none must ask for it."""


_WINDOW, _WINDOWS = 0.04, 3
"""Seconds in which operations are counted, and how often: for two numbers of threads they last long
enough for the counters of the system."""

_FREE = 0.8
"""Cores that must be free for each thread."""

_NUMBERS = 2**17
"""Of an operation: two threads share them, in some 30 microseconds."""

_lowered_from: list[int] = []
"""All threads of this process, where :func:`leave_busy_cores` has taken fewer."""


def leave_busy_cores() -> None:
    """Let PyTorch's operations use all threads, half or one: the most that need not wait for cores.

    Where another program keeps a core busy, the threads that share an operation wait for the one
    that has no core, for milliseconds at every operation: one thread alone is many times as fast.
    Takes about a third of a second. :func:`in_threads` still uses all threads, since pieces of
    work that each have a thread of their own wait for nothing.
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
    """How many times numbers are added to in a short window, the median of some."""
    counts = []
    for _ in range(_WINDOWS):
        count, end = 0, time.perf_counter() + _WINDOW
        while time.perf_counter() < end:
            numbers.add_(1.0)
            count += 1
        counts.append(count)
    return sorted(counts)[_WINDOWS // 2]


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results in the order of their items, as many at a time as PyTorch has threads.

    Cores that share every operation of a small network wait for each other most of the time;
    cores with a piece each do not. Each piece is computed by one thread alone, so that how it is
    rounded does not depend on how many cores there are.

    Parameters
    ----------
    work : callable
        Of tensors on the CPU.
    items : iterable
        Taken as results are: never more than twice as many ahead as there are threads.
    """
    with _making:
        threads = max([torch.get_num_threads(), *_lowered_from])
        pool = _pool(threads, os.getpid())
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) == 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Of a process's own, for a fork has none of its parent's threads."""
    del process
    before, ready = torch.get_num_threads(), Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # a thread's first call gives it the number of the process
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, initializer=start)
    for _ in range(threads):
        pool.submit(int)  # none is idle until all have started, so each makes a thread
    ready.wait()
    torch.set_num_threads(before)  # what threads begin with is one number for the whole process
    return pool
