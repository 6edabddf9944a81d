"""PyTorch's process-wide settings, changed for a while and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import torch

_Setting = TypeVar("_Setting")


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


@contextmanager
def no_tf32() -> Iterator[None]:
    """Compute a GPU's fp32 convolutions without TF32, whose ten bits are too few for second
    derivatives and comparisons."""
    cudnn: Any = torch.backends.cudnn
    kinds = [cudnn.conv, cudnn.rnn] if hasattr(cudnn, "conv") else []
    with _whole_fp32(kinds, lambda: cudnn.allow_tf32, partial(setattr, cudnn, "allow_tf32"), False):
        yield


@contextmanager
def whole_products() -> Iterator[None]:
    """Compute fp32 matrix products without TF32, and without bf16 on a CPU."""
    backends: Any = torch.backends
    kinds = (
        [backends.cuda.matmul, backends.mkldnn.matmul] if hasattr(backends.mkldnn, "matmul") else []
    )
    read, write = torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    with _whole_fp32(kinds, read, write, "highest"):
        yield


@contextmanager
def _whole_fp32(
    kinds: Sequence[Any],
    read: Callable[[], _Setting],
    write: Callable[[_Setting], None],
    whole: _Setting,
) -> Iterator[None]:
    """Set a precision to ``whole`` within the block.

    From PyTorch 2.9 on, each of several ``kinds`` of operations has its own. The setting for all,
    of earlier versions, then cannot be read if they differ, and is not enough where TF32 is allowed
    for all operations.
    """
    precisions = [kind.fp32_precision for kind in kinds]
    before = []
    with suppress(RuntimeError):
        before.append(read())
        write(whole)
    for kind in kinds:
        kind.fp32_precision = "ieee"
    try:
        yield
    finally:
        for setting in before:
            write(setting)
        for kind, precision in zip(kinds, precisions, strict=True):
            kind.fp32_precision = "none"  # that of all operations, which it may have been
            if kind.fp32_precision != precision:
                kind.fp32_precision = precision
