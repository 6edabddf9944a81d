"""Time training and other commands while other programs keep cores busy.

    python benchmarks/throughput.py beside [--loads 0 1 2] [--rounds 1] [--seconds 0.7]
        [--threads 2] [--results DIR]

The other programs are endless Python loops. While they run, training steps and the commands that
use a run are timed in a separate process: with one thread, with all threads for every operation as
is PyTorch's default (steps only: the commands would take minutes), and with the number that `dcgan`
chooses. A round begins with one thread without busy programs, for comparison. New rounds are added
to the stored results; the table shows the medians of all rounds.

With k busy programs on c cores, the fair share of one more program is the greater of c - k and
c / (k + 1) cores: that many times the speed of one thread without busy programs.
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
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch

import dcgan
from dcgan.bench.contest import Step, contestants
from dcgan.bench.report import open_config
from dcgan.cli.options import computing_device
from dcgan.evaluation.evaluate_runs import evaluate
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.layer_tables import resolve_networks
from dcgan.probe.features import LayerFeatures, extract
from dcgan.probe.sets import load_sets
from dcgan.probe.svm import fits
from dcgan.training.planning.speed_choice import resolve_speed
from dcgan.training.trial import compare_speeds

CPU = torch.device("cpu")
ONE, ALL, CHOSEN = "one thread", "all threads", "dcgan"
TRAINED = {"train, 28×28×1": ("small-mnist", None), "train, 32×32×3": ("auto", "32")}
WITHOUT = {"metrics": {"metric": "off"}, "records": {"tensorboard": False, "sheets": 1}}

Rates = dict[str, float]


def _rate(work: Step, images: int, seconds: float) -> float:
    """Images per second of work that is repeated for about so long, and done once before."""
    work()
    began, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - began < seconds:
        work()
        count += images
    return count / (time.perf_counter() - began)


def _training(way: str, threads: int, seconds: float) -> Rates:
    """Steps with fresh batches, as in a run."""
    found = {}
    for key, (recipe, size) in TRAINED.items():
        config = open_config(recipe, size, 32, CPU)
        torch.set_num_threads(1 if way == ONE else threads)
        if way == CHOSEN:
            chosen = resolve_speed(config, resolve_networks(config), CPU, compare_speeds)[1]
            torch.set_num_threads(chosen.at(0))
        ours = next(one for one in contestants(config, CPU, ["fp32"], 0) if "ours" in one.name)
        found[key] = _rate(ours.step, 32, seconds)
    return found


def _commands(way: str, threads: int, seconds: float, path: Path) -> Rates:
    """What follows when a command has imported what it needs."""
    torch.set_num_threads(1 if way == ONE else threads)
    if way == CHOSEN:
        computing_device("cpu")
    run = dcgan.open_run(path)
    learn, _ = load_sets(run, "digits", limit=600, seed=0)
    networks = run.networks
    features = LayerFeatures(run.discriminator, networks.discriminator, networks.scale)

    def probe() -> None:
        """A part of it: the features of some images, and one fit of many."""
        found = extract(features, learn.dataset, learn.index)
        next(fits(found, learn.label, len(learn.names), [1.0]))

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "images.npz"
        works: dict[str, tuple[Callable[[], object], int]] = {
            "sample": (partial(write_samples, run, 1024, out, Choice(seed=1)), 1024),
            "evaluate": (partial(evaluate, [run], extractor="random", images=300, brief=True), 300),
            "probe, one fit": (probe, len(learn.index)),
        }
        return {key: _rate(work, images, seconds) for key, (work, images) in works.items()}


def _rates(ways: tuple[str, ...], threads: int, seconds: float, path: Path) -> dict[str, Rates]:
    """Of each way, in one process."""
    found = {way: _training(way, threads, seconds) for way in ways}
    for way in (ONE, CHOSEN):  # the last, as it lowers the number of threads for good
        if way in ways:
            found[way] |= _commands(way, threads, seconds, path)
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

        def fresh(*ways: str) -> dict[str, Rates]:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                return process.submit(_rates, ways, asked.threads, asked.seconds, path).result()

        for load in asked.loads * asked.rounds:
            alone = fresh(ONE)[ONE]
            with _busy(load):
                rounds.append({"busy": load, "alone": alone, **fresh(ONE, ALL, CHOSEN)})
    return {"rounds": rounds, "table": table(rounds, asked.threads)}


def table(rounds: list[dict[str, Any]], cores: int) -> list[dict[str, Any]]:
    """Medians of rates, and of their ratios to the fair share's worth within a round."""
    rows = []
    for work in rounds[0]["alone"]:
        for load in sorted({one["busy"] for one in rounds}):
            these = [one for one in rounds if one["busy"] == load]
            share = max(cores - load, cores / (load + 1))
            row: dict[str, Any] = {"work": work, "busy": load, "rounds": len(these)}
            for way in (ALL, ONE, CHOSEN):
                rates = [one[way][work] for one in these if work in one[way]]
                row[way] = round(median(rates), 1) if rates else None
            worth = (one[CHOSEN][work] / (share * one["alone"][work]) for one in these)
            row["of fair share"] = round(median(worth), 2) if load else None
            rows.append(row)
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown."""
    head = ["", "busy programs", ALL, ONE, CHOSEN, "of fair share"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        share = row["of fair share"]
        rates = [f"{row[way]:,.0f}" if row[way] else "" for way in (ALL, ONE, CHOSEN)]
        lines.append([row["work"], str(row["busy"]), *rates, f"{share:.2f}" if share else ""])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
