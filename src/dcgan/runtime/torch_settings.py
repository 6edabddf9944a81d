"""PyTorch's process-wide settings, changed for a while and restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def settings_restored() -> Iterator[None]:
    """Restore the number of threads and all settings of ``make_deterministic`` at the end."""
    threads = torch.get_num_threads()
    deterministic = torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        yield
    finally:
        set_threads(threads)
        # use_deterministic_algorithms would import PyTorch's compiler, which takes seconds
        torch.set_deterministic_debug_mode(deterministic)
        torch.backends.cudnn.benchmark = benchmark
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]


@contextmanager
def threads_set_to(threads: int) -> Iterator[None]:
    """Let PyTorch's operations use this many threads within the block."""
    before = torch.get_num_threads()
    set_threads(threads)
    try:
        yield
    finally:
        set_threads(before)


def set_threads(threads: int) -> None:
    """Let PyTorch's operations use this many threads."""
    if threads != torch.get_num_threads():
        torch.set_num_threads(threads)
