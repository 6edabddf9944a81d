"""The peak memory of a contestant, measured in a separate process."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from dcgan.bench.contest import WARM_UP, contestants
from dcgan.config import RunConfig
from dcgan.runtime.memory import kilobytes


def peak_memory(
    config: RunConfig, name: str, device: torch.device, precisions: tuple[str, ...]
) -> int | None:
    """Peak bytes of training: of GPU memory, else of the process beyond Python and its libraries.

    None for a CPU under Windows, where Python does not tell. ``name`` is that of a contestant; see
    :func:`dcgan.bench.contest.contestants`.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(
            _peak, config, name, device, precisions, torch.get_num_threads()
        ).result()


def _peak(
    config: RunConfig,
    name: str,
    device: torch.device,
    precisions: tuple[str, ...],
    threads: int,
) -> int | None:
    torch.set_num_threads(threads)
    before = _highest()
    entered = {one.name: one for one in contestants(config, device, precisions, workers=0)}
    for _ in range(WARM_UP):
        entered[name].step()
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    highest = _highest()
    return None if before is None or highest is None else highest - before


def _highest() -> int | None:
    """Peak bytes of this process; None if they are not known."""
    peak = kilobytes(Path("/proc/self/status"), "VmHWM")
    if peak is not None:  # on Linux, getrusage starts with the parent's peak
        return peak * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
