"""The limits of a machine: operations and bytes per second."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch

from dcgan.runtime.device import synchronize

_SIDE = {"cpu": 2048, "cuda": 8192, "mps": 4096}
"""Largest side of the matrices; larger ones reach no higher rate."""

_FIRST_SIDE, _LONG = 256, 0.2

_COPIED = {"cpu": 2**26, "cuda": 2**28, "mps": 2**27}
"""Numbers that are copied, more than any cache holds."""

_TURNS = 5


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
        synchronize(device)
        began = time.perf_counter()
        call()
        synchronize(device)
        found.append(time.perf_counter() - began)
    return min(found[1:])
