"""PyTorch's settings for the whole process, changed for a while and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def settings_restored() -> Iterator[None]:
    """Whatever is set within, the caller's process has its own settings again afterwards.

    Covers the number of threads and everything that ``make_deterministic`` sets.
    """
    threads = torch.get_num_threads()
    deterministic = torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        yield
    finally:
        set_threads(threads)
        # not by use_deterministic_algorithms: it imports PyTorch's compiler, which takes seconds
        torch.set_deterministic_debug_mode(deterministic)
        torch.backends.cudnn.benchmark = benchmark
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]


@contextmanager
def threads_set_to(threads: int) -> Iterator[None]:
    """PyTorch's operations use so many threads within."""
    before = torch.get_num_threads()
    set_threads(threads)
    try:
        yield
    finally:
        set_threads(before)


def set_threads(threads: int) -> None:
    """Let PyTorch's operations use so many threads from now on."""
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)
