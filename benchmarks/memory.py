"""Measure the memory for large images: whole batches, parts of them, and recomputed layers.

    python benchmarks/memory.py [--size 512] [--batch 8] [--threads 2] [--device cpu]

Each variant trains the networks of `auto` for three steps in its own process, without batch norm,
which needs the whole batch. The result is the peak memory beyond Python and its libraries. The time
is that of one more step, in turns with the other variants, in this process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import torch

from dcgan.bench.contest import contestants
from dcgan.bench.memory import peak_memory
from dcgan.bench.report import open_config
from dcgan.config import RunConfig, merge, parse_config

ROUNDS = 3


def ways(config: RunConfig, batch: int) -> Iterator[tuple[str, RunConfig]]:
    """Names and configurations that give the same update."""
    for name, settings in {
        "whole": {},
        f"parts of {batch // 4}": {"micro_batch": batch // 4},
        "parts of 1": {"micro_batch": 1},
        "layers recomputed": {"recompute": True},
        "parts of 1, layers recomputed": {"micro_batch": 1, "recompute": True},
    }.items():
        yield name, parse_config(merge(config.model_dump(mode="json"), {"optim": settings}))


def main() -> None:
    """Print a table, and the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="512")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    device = torch.device(asked.device)
    config = open_config("auto", asked.size, asked.batch, device)
    without_norm = {"model": {"generator": {"norm": "none"}}, "augment": {"policy": "none"}}
    config = parse_config(merge(config.model_dump(mode="json"), without_norm))
    rows: list[dict[str, Any]] = []
    entered = {}
    for name, one in ways(config, asked.batch):
        peak = peak_memory(one, "ours, fp32", device, ("fp32",))
        rows.append({"way": name, "MiB": round(peak / 2**20)})
        print(rows[-1], flush=True)
        entered[name] = {c.name: c for c in contestants(one, device, ("fp32",), workers=0)}
    times: dict[str, list[float]] = {name: [] for name in entered}
    for turn in range(ROUNDS + 1):
        for name, own in entered.items():
            began = time.perf_counter()
            own["ours, fp32"].step()
            if turn:
                times[name].append(time.perf_counter() - began)
    print("| variant | MiB | seconds per step |\n|---|---|---|")
    for row in rows:
        row["seconds"] = round(median(times[row["way"]]), 2)
        print(f"| {row['way']} | {row['MiB']:,} | {row['seconds']} |")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
