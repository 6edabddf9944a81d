"""Measure how training scales with processes on this machine, and calculate it for many GPUs.

    python benchmarks/scaling.py [--processes 1 2] [--batch 32] [--width 16]
        [--batch-norm all] [--rounds 5]

Measured: torchrun starts processes of one thread each on this machine; all variants take turns in
each round. The batch is divided between the processes (strong scaling), or grows with them (weak).
Efficiency is the speed divided by the number of processes and by the speed of one.

Calculated: a step takes the time of its operations at a share of the GPU's rate, but at least the
time to launch them. Then gradients are summed, one piece per network, without any overlap.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from math import log2
from pathlib import Path
from statistics import median
from typing import Any

import torch

from dcgan.bench.contest import random_images
from dcgan.config import RunConfig, parse_config
from dcgan.data import load_dataset, open_items
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.ranks import Ranks, joined
from dcgan.runtime.work import work_of
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.loop import StopRequest, fit

STEPS = 8


def configuration(batch: int, *, width: int, batch_norm: str = "all") -> RunConfig:
    """64x64 color, as in the paper, without batch norm in D and with R1 as in `auto`."""
    settings: dict[str, Any] = {
        "data": {"size": 64, "channels": 3},
        "model": {
            "generator": {"width": width, "init": "dcgan"},
            "discriminator": {"width": width, "init": "he"},
        },
        "objective": {"r1": 1.0, "penalty_interval": 8},
        "optim": {"batch": batch, "batch_norm": batch_norm},
        "average": {"half_life": 50_000},
        "length": {"images": 10**9},
        "precision": "fp32",
    }
    return parse_config(settings)


@dataclass
class Timed:
    """Steps of one process, and how long it waited for gradients."""

    seconds: float
    waited: float


def train_for(steps: int, config: RunConfig, ranks: Ranks) -> Timed:
    """Some steps, from the start, the first of which warm up."""
    networks = resolve_networks(config)
    channels, *size = networks.image_shape
    images = open_items(random_images(networks.image_shape))
    dataset = load_dataset(images, (size[0], size[1]), channels)
    device = torch.device("cpu")
    waits: list[float] = []

    class Watching(Ranks):
        def average_(self, tensors: Any) -> None:
            began = time.perf_counter()
            super().average_(tensors)
            waits.append(time.perf_counter() - began)

    watched = Watching(ranks.rank, ranks.size)
    state = build_state(config, networks, device, watched)
    batches = build_batches(config, networks, dataset, device, watched)
    plan = build_plan(config, batches, networks.latent, device)
    fit(state, batches, replace(plan, images=2 * batches.batch), (), StopRequest())
    waits.clear()
    began = time.perf_counter()
    until = state.images_seen + steps * batches.batch
    fit(state, batches, replace(plan, images=until), (), StopRequest())
    return Timed(time.perf_counter() - began, sum(waits))


def worker(batch: int, width: int, batch_norm: str, out: Path) -> None:
    """What each process of torchrun does."""
    torch.set_num_threads(1)
    with joined() as ranks:
        found = train_for(STEPS, configuration(batch, width=width, batch_norm=batch_norm), ranks)
        if ranks.is_first:
            out.write_text(json.dumps([found.seconds, found.waited]))


def measured(processes: int, batch: int, width: int, batch_norm: str) -> tuple[float, float]:
    """Images per second of so many processes, and the share of a step that exchange takes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        subprocess.run(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", str(processes), __file__, "--worker", str(out)),
                *("--batch", str(batch), "--width", str(width), "--batch-norm", batch_norm),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds, waited = json.loads(out.read_text())
    return STEPS * batch / seconds, waited / seconds


@dataclass(frozen=True)
class Machine:
    """Assumptions of the calculation about a GPU and its links; nothing here is measured.

    Parameters
    ----------
    rate : float
        Operations per second that convolutions of this size reach.
    launch : float
        Seconds in which the host launches one step's kernels: no step is shorter.
    bandwidths : (float, float)
        Bytes per second of one GPU's link within a machine of eight, and between machines.
    latencies : (float, float)
        Seconds that one hop takes there.
    control : float
        Seconds of the exchange on the CPU after every step.
    """

    rate: float = 150e12
    launch: float = 4e-3
    bandwidths: tuple[float, float] = (300e9, 40e9)
    latencies: tuple[float, float] = (5e-6, 15e-6)
    control: float = 1e-4


def exchange(machine: Machine, gpus: int, size: float) -> float:
    """Seconds of a sum over P GPUs: 2 (P - 1) / P of the bytes over each link, and up a tree and
    down again, 2 log₂ P hops."""
    if gpus == 1:
        return 0.0
    link = 0 if gpus <= 8 else 1
    moved = 2 * (gpus - 1) / gpus * size / machine.bandwidths[link]
    return moved + 2 * log2(gpus) * machine.latencies[link]


def on_paper(machine: Machine, gpus: int, share: float, flops: float, sizes: list[float]) -> float:
    """Images per second of so many GPUs with so many images each.

    Parameters
    ----------
    flops : float
        Of one image's part of a step.
    sizes : list of float
        Bytes of each exchange.
    """
    step = max(machine.launch, share * flops / machine.rate)
    step += sum(exchange(machine, gpus, size) for size in sizes)
    step += machine.control if gpus > 1 else 0.0
    return gpus * share / step


def paper_tables(width: int = 64) -> str:
    """Calculated speed of 8, 64 and 512 GPUs, as Markdown."""
    config = configuration(16, width=width)
    networks, ranks = resolve_networks(config), Ranks()
    device = torch.device("cpu")
    dataset = load_dataset(open_items(random_images(networks.image_shape)[:64]), (64, 64), 3)
    state = build_state(config, networks, device)
    batches = build_batches(config, networks, dataset, device, ranks)
    plan = build_plan(config, batches, networks.latent, device)
    # as many steps as there are from one with penalties to the next
    images = 16 * plan.rules.penalty_interval
    steps = work_of(lambda: fit(state, batches, replace(plan, images=images), (), StopRequest()))
    flops = steps.flops / images
    players = (state.players.generator, state.players.discriminator)
    sizes = [4.0 * sum(weight.numel() for weight in one.parameters()) for one in players]
    norms = [one for one in state.players.generator.modules() if hasattr(one, "running_mean")]
    small = [4.0 * norm.num_features for norm in norms for _ in range(4)]
    lines = [
        f"{flops / 1e9:.2f} GFLOP per image, {sizes[0] / 1e6:.1f} + {sizes[1] / 1e6:.1f} MB of"
        f" gradients, {len(small)} small sums for batch norm.",
        "",
        "| GPUs | 128 images each: images/s | efficiency | 2,048 in all: images/s | efficiency |",
        "|---|---|---|---|---|",
    ]
    machine = Machine()
    alone = {share: on_paper(machine, 1, share, flops, []) for share in (128.0, 2048.0)}
    for gpus in (1, 8, 64, 512):
        cells = []
        for share, base in ((128.0, alone[128.0]), (2048.0 / gpus, alone[2048.0])):
            found = on_paper(machine, gpus, share, flops, sizes + small)
            cells += [f"{found:,.0f}", f"{found / gpus / base:.0%}"]
        lines.append(f"| {gpus} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch-norm", default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", type=Path)
    asked = parser.parse_args()
    if asked.worker:
        worker(asked.batch, asked.width, asked.batch_norm, asked.worker)
        return
    print(paper_tables(), flush=True)
    kinds = [(1, asked.batch, "all")]
    for processes in asked.processes:
        if processes > 1:
            kinds += [
                (processes, asked.batch, "all"),
                (processes, processes * asked.batch, "all"),
                (processes, processes * asked.batch, "own"),
            ]
    found: dict[Any, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(asked.rounds):
        for kind in kinds:
            processes, batch, batch_norm = kind
            found[kind].append(measured(processes, batch, asked.width, batch_norm))
    base = median(rate for rate, _ in found[kinds[0]])
    print("\n| processes | batch | batch norm over | images/s | efficiency | waiting |")
    print("|---|---|---|---|---|---|")
    for (processes, batch, batch_norm), values in found.items():
        rate, share = (median(column) for column in zip(*values, strict=True))
        print(
            f"| {processes} | {batch} | {batch_norm} | {rate:.1f} | {rate / processes / base:.0%}"
            f" | {share:.0%} |"
        )


if __name__ == "__main__":
    main()
