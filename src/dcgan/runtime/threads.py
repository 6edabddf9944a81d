"""Many pieces of work at once, one thread to each."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Barrier, Lock
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_making = Lock()
"""While a pool is made, PyTorch's number for new threads is 1, and none must ask for it."""


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
        threads = torch.get_num_threads()
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
    ready = Barrier(threads + 1)

    def start() -> None:
        torch.get_num_threads()  # a thread's first call gives it the number of the process
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, initializer=start)
    for _ in range(threads):
        pool.submit(int)  # none is idle until all have started, so each makes a thread
    ready.wait()
    torch.set_num_threads(threads)  # what threads begin with is one number for the whole process
    return pool
