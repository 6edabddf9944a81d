"""Compare ways to use two cores: threads of one process, and two processes that exchange gradients.

    python benchmarks/shared_memory.py [--rounds 5] [--steps 200] [--data-root DIR]

Networks are those of `auto` without labels and of `small-mnist`, for MNIST. Two processes exchange
by gloo, as in the package, or through memory that both map: each writes its numbers, counts up, and
waits in a loop until the other has done so, too. This is the fastest exchange that Python allows.
Images per second, medians of rounds in which all variants take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from scaling import train_for
from time_to_quality import Contestant, Task, configuration
from torch import Tensor, distributed

from dcgan.config import RunConfig
from dcgan.runtime.ranks import joined

NETWORKS = {
    "auto": Contestant("auto", settings={"model": {"condition": "none"}}),
    "small-mnist": Contestant("small-mnist"),
}

VARIANTS = {
    "one process, one thread": (1, 1, "all", "gloo"),
    "one process, two threads": (1, 2, "all", "gloo"),
    "two processes, gloo, batch norm over all": (2, 1, "all", "gloo"),
    "two processes, shared memory, batch norm over all": (2, 1, "all", "shared"),
    "two processes, shared memory, batch norm over each one's own": (2, 1, "own", "shared"),
}
"""Processes, threads of each, images of batch norm, exchange."""

_CAPACITY = 2**22
"""Numbers of the largest exchange."""


class SharedSum:
    """The sum of a tensor over all processes, through files that all of them map.

    Two slots take turns: a process that writes the first one again has seen that the others have
    counted the second, so they have read the first.
    """

    def __init__(self, rank: int, size: int, folder: Path) -> None:
        self._rank, self._size, self._done = rank, size, 0
        shape = (2, size, _CAPACITY)
        numbers = np.memmap(folder / "numbers", np.float32, "r+", shape=shape)
        self._numbers = torch.from_numpy(numbers)
        self._counts = np.memmap(folder / "counts", np.int64, "r+", shape=(size,))

    def __call__(self, tensor: Tensor) -> None:
        slot, count = self._numbers[self._done % 2, :, : tensor.numel()], self._done + 1
        slot[self._rank] = tensor.reshape(-1)
        self._counts[self._rank] = count
        while self._counts.min() < count:
            pass
        tensor.copy_(slot.sum(dim=0).view_as(tensor))
        self._done = count

    @staticmethod
    def prepare(size: int, folder: Path) -> None:
        """The files, filled with zeros."""
        for name, length in (("numbers", 4 * 2 * size * _CAPACITY), ("counts", 8 * size)):
            with (folder / name).open("wb") as file:
                file.truncate(length)


def asked_for(name: str, root: str | None, batch_norm: str) -> RunConfig:
    """The configuration of one of the networks."""
    contestant = NETWORKS[name]
    settings = {**contestant.settings, "optim": {"batch_norm": batch_norm}, "precision": "fp32"}
    task = Task("mnist", root, 0, 0, 0)
    return configuration(Contestant(contestant.recipe, settings=settings), task)


def worker(config: RunConfig, threads: int, exchange: str, steps: int, folder: Path) -> None:
    """What each process of torchrun does."""
    torch.set_num_threads(threads)
    with joined() as ranks:
        by_gloo: Callable[..., Any] = distributed.all_reduce
        shared = SharedSum(ranks.rank, ranks.size, folder) if exchange == "shared" else None

        def all_reduce(tensor: Tensor, *others: Any, **named: Any) -> Any:
            if shared is None or others or named or tensor.dtype != torch.float32:
                return by_gloo(tensor, *others, **named)
            return shared(tensor)

        with patch.object(distributed, "all_reduce", all_reduce):
            found = train_for(steps, config, ranks)
        if ranks.is_first:
            rate = steps * config.optim.batch / found.seconds  # type: ignore[operator]
            (folder / "found.json").write_text(json.dumps(rate))


def measured(name: str, variant: str, steps: int, root: str | None) -> float:
    """Images per second."""
    processes = VARIANTS[variant][0]
    with tempfile.TemporaryDirectory() as folder:
        SharedSum.prepare(processes, Path(folder))
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), __file__, "--worker", folder),
            *("--networks", name, "--variant", variant, "--steps", str(steps)),
            *(("--data-root", root) if root else ()),
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rate: float = json.loads((Path(folder) / "found.json").read_text())
    return rate


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--worker", type=Path)
    parser.add_argument("--networks", choices=NETWORKS)
    parser.add_argument("--variant", choices=VARIANTS)
    asked = parser.parse_args()
    if asked.worker:
        _, threads, batch_norm, exchange = VARIANTS[asked.variant]
        config = asked_for(asked.networks, asked.data_root, batch_norm)
        worker(config, threads, exchange, asked.steps, asked.worker)
        return
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(asked.rounds):
        for name in NETWORKS:
            for variant in VARIANTS:
                rate = measured(name, variant, asked.steps, asked.data_root)
                found.setdefault((name, variant), []).append(rate)
    print(f"| | {' | '.join(f'`{name}`' for name in NETWORKS)} |")
    print(f"|---|{'---|' * len(NETWORKS)}")
    for variant in VARIANTS:
        cells = []
        for name in NETWORKS:
            base = median(found[name, next(iter(VARIANTS))])
            rates = found[name, variant]
            cells.append(f"{median(rates):,.0f} ({median(rates) / base:.2f})")
        print(f"| {variant} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
