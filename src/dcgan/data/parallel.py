"""The same work on many pictures, on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

_CHUNK = 256
"""Pictures per task: handing over small ones singly costs more than decoding them."""


def in_threads(function: Callable[[int], Result], indices: Sequence[int]) -> Iterator[Result]:
    """``function`` of every index, in order.

    Threads, since Pillow lets go of Python's lock while it decodes and resizes.
    """

    def do(start: int) -> list[Result]:
        return [function(index) for index in indices[start : start + _CHUNK]]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(do, range(0, len(indices), _CHUNK)):
            yield from results
