"""How fast beside other programs that keep cores busy.

    python benchmarks/throughput.py beside [--loads 0 1 2] [--rounds 1]
        [--threads 2] [--results DIR]

The other programs are Python loops that never rest. Each turn is a process of its own, started
beside them: as PyTorch would have it, with all threads for every operation; with one thread; and as
`dcgan` chooses. A round has all of these and, for comparison, one thread without busy programs, one
after the other. Rounds are added to those in the results; the table is their medians.

The fair share of one program beside k busy ones on c cores is the greater of c - k and c / (k + 1)
cores. It is worth so many times the speed of one thread without busy programs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import dcgan
from dcgan.cli.options import computing_device
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.probe.methods import checked_methods
from dcgan.probe.protocol import probe
from dcgan.probe.sets import load_sets
from dcgan.runs.measuring import evaluate

WAYS = ("all threads", "one thread", "dcgan")
WITHOUT = {"metrics": {"measure": "off"}, "records": {"tensorboard": False, "sheets": 1}}

Rates = dict[str, float]


def _trained(size: int, channels: int, way: str, threads: int, folder: Path) -> float:
    """Images per second of a run, from a second after its first step to its end."""
    shape = (512, channels, size, size)
    asked = {"all threads": threads, "one thread": 1, "dcgan": None}[way]
    run = dcgan.train(
        np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8),
        minutes=0.05,
        out=folder / f"{size}-{way}",
        threads=asked,
        settings={**WITHOUT, "records": {**WITHOUT["records"], "log_every": 32}},
    )
    lines = [line for line in run.folder.log.read() if "seconds" in line]
    since = next((line for line in lines if line["seconds"] > lines[0]["seconds"] + 1), lines[0])
    images, seconds = (lines[-1][key] - since[key] for key in ("images", "seconds"))
    return images / seconds if seconds else 0.0


def _rates(way: str, threads: int, path: Path) -> Rates:
    """What one process reaches with every kind of work, in the order of `dcgan`'s commands."""
    torch.set_num_threads(1 if way == "one thread" else threads)
    found: Rates = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, channels in ((28, 1), (32, 3)):
            key = f"train, {size}×{size}×{channels}"
            found[key] = _trained(size, channels, way, threads, folder)
        if way == "dcgan":
            computing_device("cpu")
        run = dcgan.open_run(path)

        def timed(key: str, count: int, work: Callable[[], object]) -> None:
            began = time.perf_counter()
            work()
            found[key] = count / (time.perf_counter() - began)

        out = folder / "images.npz"
        write_samples(run, 64, out, Choice(seed=1))
        timed("sample", 2048, lambda: write_samples(run, 2048, out, Choice(seed=1)))
        timed("evaluate", 300, lambda: evaluate([run], extractor="random", images=300))
        learn, judge = load_sets(run, "digits", limit=600, seed=0, tell=lambda _: None)
        methods = checked_methods(["discriminator"])
        timed("probe", 600, lambda: probe(run, learn, judge, methods=methods))
    return found


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """So many programs that never rest."""
    programs = [subprocess.Popen([sys.executable, "-c", "while 1: pass"]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def beside(asked: argparse.Namespace) -> dict[str, Any]:
    """Rates of each round, for each load; those of earlier calls are kept."""
    earlier = asked.results / "beside.json"
    rounds: list[dict[str, Any]] = []
    if earlier.is_file():
        rounds = json.loads(earlier.read_text(encoding="utf-8"))["rounds"]
    with tempfile.TemporaryDirectory() as folder:
        path = dcgan.train(
            "digits", size=32, images=64, out=Path(folder) / "run", settings=WITHOUT, threads=1
        ).path

        def fresh(way: str) -> Rates:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                return process.submit(_rates, way, asked.threads, path).result()

        for load in asked.loads * asked.rounds:
            found: dict[str, Any] = {"busy": load, "alone": fresh("one thread")}
            with _busy(load):
                found |= {way: fresh(way) for way in WAYS}
            rounds.append(found)
    return {"rounds": rounds, "table": table(rounds, asked.threads)}


def table(rounds: list[dict[str, Any]], cores: int) -> list[dict[str, Any]]:
    """Medians of rates, and of their ratios to the fair share's worth within a round."""
    rows = []
    for work in rounds[0]["alone"]:
        for load in sorted({one["busy"] for one in rounds}):
            these = [one for one in rounds if one["busy"] == load]
            share = max(cores - load, cores / (load + 1))
            row: dict[str, Any] = {"work": work, "busy": load, "rounds": len(these)}
            row |= {way: round(median(one[way][work] for one in these), 1) for way in WAYS}
            worth = (one["dcgan"][work] / (share * one["alone"][work]) for one in these)
            row["of fair share"] = round(median(worth), 2) if load else None
            rows.append(row)
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    head = ["", "busy programs", *WAYS, "of fair share"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        share = row["of fair share"]
        rates = [f"{row[way]:,.0f}" for way in WAYS]
        lines.append([row["work"], str(row["busy"]), *rates, "" if share is None else f"{share}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
