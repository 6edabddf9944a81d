"""What a contestant needs at most, measured where nothing else runs: in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from dcgan.bench.contest import WARM_UP, contestants
from dcgan.config import RunConfig

_STATUS = Path("/proc/self/status")


def peak_memory(
    config: RunConfig, name: str, device: torch.device, precisions: tuple[str, ...]
) -> int:
    """Bytes that training takes at its highest point: of a GPU's memory, else of the process's.

    Of the process only what comes on top of Python with its libraries.

    Parameters
    ----------
    config, device, precisions
        As for :func:`dcgan.bench.contest.contestants`; no DataLoader processes are counted.
    name : str
        Of the contestant.
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
) -> int:
    torch.set_num_threads(threads)
    before = _highest()
    entered = {one.name: one for one in contestants(config, device, precisions, workers=0)}
    for _ in range(WARM_UP):
        entered[name].step()
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _highest() - before


def _highest() -> int:
    """Bytes of memory that this process has held at most."""
    if _STATUS.is_file():  # what getrusage says there begins with the parent's
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
