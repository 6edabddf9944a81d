"""The limits of a machine, and the operations and bytes of a computation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from dcgan.runtime.device import synchronise

_SIDE = {"cpu": 2048, "cuda": 8192, "mps": 4096}
"""Largest side of the matrices; larger ones reach no higher rate."""

_FIRST_SIDE, _LONG = 256, 0.2

_COPIED = {"cpu": 2**26, "cuda": 2**28, "mps": 2**27}
"""Numbers that are copied, more than any cache holds."""

_TURNS = 5


@dataclass(frozen=True)
class Work:
    """The cost of one call: additions and multiplications in matrix products and convolutions, and
    bytes that all operations read and write, without fusion and caches (an upper bound)."""

    flops: int
    bytes: int


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's is untyped
    """Adds up the cost of every operation.

    torch's FlopCounterMode uses module hooks, which do not work with second derivatives.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = self.bytes = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            leaves = tree_leaves((args, kwargs, out))
            self.bytes += sum(leaf.nbytes for leaf in leaves if isinstance(leaf, Tensor))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


def work_of(call: Callable[[], object]) -> Work:
    """Count the work of a call, including backward passes."""
    with _Counting() as counted:
        call()
    return Work(counted.flops, counted.bytes)


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of a large matrix product, the best of five.

    Sides double up to 2,048 on a CPU and 8,192 on a GPU while a product takes less than 0.2
    seconds; with an emulated precision, larger ones would take minutes.
    """
    side, rate = _FIRST_SIDE, 0.0
    while True:
        left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        seconds = _fastest(partial(torch.matmul, left, right), device)
        rate = max(rate, 2 * side**3 / seconds)
        if side >= _SIDE[device.type] or seconds > _LONG:
            return rate
        side *= 2


def copy_rate(device: torch.device) -> float:
    """Bytes per second, read and written, of a copy larger than any cache."""
    source = torch.zeros(_COPIED[device.type], device=device)
    target = torch.empty_like(source)
    return (
        2 * source.numel() * source.element_size() / _fastest(lambda: target.copy_(source), device)
    )


def _fastest(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of some calls, after a first one that is not counted."""
    found = []
    for _ in range(_TURNS + 1):
        synchronise(device)
        began = time.perf_counter()
        call()
        synchronise(device)
        found.append(time.perf_counter() - began)
    return min(found[1:])
