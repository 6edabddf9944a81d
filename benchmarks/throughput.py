"""Time training, sampling and the start, compared with the standard PyTorch DCGAN example.

    python benchmarks/throughput.py [training] [sampling] [start] [beside]
        [--rounds 5] [--threads 2] [--device cpu] [--loads 0 1 2] [--data-root DIR] [--results DIR]

Training is `dcgan bench` on two recipes. Sampling generates 32x32 color images with one generator,
in turns with a plain loop and with our code, and measures the memory of each. Start is the time
from the command to its first output, and to the first training step. Beside: see `beside.py`.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import beside
import numpy as np
import torch

import dcgan
from dcgan.bench.plain import use_plain_convolutions
from dcgan.bench.report import measure
from dcgan.bench.table import markdown
from dcgan.latent.choice import Choice
from dcgan.latent.sample import write_samples
from dcgan.runs.run import Run

HERE = Path(__file__).parent
RECIPES = ("small-mnist", str(HERE / "example64.yaml"))


def training(asked: argparse.Namespace) -> dict[str, Any]:
    """The table of `dcgan bench` for each recipe."""
    found = {}
    for recipe in RECIPES:
        name = Path(recipe).stem
        found[name] = measure(recipe, rounds=asked.rounds, device=asked.device)
        found[name]["about"] = found[name]["about"].replace(recipe, name)
    return found


def _run_to_draw_with(folder: Path) -> Run:
    """As wide a generator as `auto` takes for 32x32 color on a CPU; its weights do not matter."""
    return dcgan.train(
        np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8),
        images=64,
        out=folder / "run",
        settings={"metrics": {"metric": "off"}, "records": {"tensorboard": False, "sheets": 1}},
    )


def plain_sampling(run: Run, count: int, out: Path) -> None:
    """Batches of noise, images gathered in a list, one array in the end."""
    generator = run.generator
    use_plain_convolutions(generator)
    for parameter in generator.parameters():
        parameter.data = parameter.data.contiguous()
    found = []
    with torch.no_grad():
        for start in range(0, count, 64):
            noise = torch.randn(min(64, count - start), run.networks.latent.dim)
            images = (generator(noise) * 0.5 + 0.5).mul(255).add(0.5).clamp(0, 255)
            found.append(images.to(torch.uint8).cpu().numpy())
    np.savez(out, images=np.concatenate(found))


def our_sampling(run: Run, count: int, out: Path) -> None:
    """`dcgan sample RUN -n COUNT --out FILE.npz`."""
    write_samples(run, count, out, Choice(seed=1))


SAMPLING: dict[str, Callable[[Run, int, Path], None]] = {
    "plain loop": plain_sampling,
    "dcgan sample": our_sampling,
}


def _timed(name: str, path: Path, count: int, threads: int) -> tuple[float, float]:
    """Images per second, and megabytes at the highest point beyond those at the start."""
    torch.set_num_threads(threads)
    run = dcgan.open_run(path)
    SAMPLING[name](run, 256, path.parent / "warm.npz")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    SAMPLING[name](run, count, path.parent / "images.npz")
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return count / seconds, grown / 1024


def sampling(asked: argparse.Namespace) -> dict[str, Any]:
    """Both in turns, each turn in a process of its own; the last round draws all of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = _run_to_draw_with(Path(folder)).path
        rates: dict[str, list[float]] = {name: [] for name in SAMPLING}
        memory: dict[str, float] = {}
        for turn in range(asked.rounds):
            count = asked.images if turn == asked.rounds - 1 else min(8192, asked.images)
            for name in SAMPLING:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                    future = process.submit(_timed, name, path, count, asked.threads)
                    rate, memory[name] = future.result()
                rates[name].append(rate)
    plain, ours = rates.values()
    return {
        "images": asked.images,
        "images_per_second": {name: round(median(values), 1) for name, values in rates.items()},
        "ratio": round(median(a / b for a, b in zip(ours, plain, strict=True)), 2),
        "megabytes": {name: round(grown) for name, grown in memory.items()},
    }


def start(asked: argparse.Namespace) -> dict[str, float]:
    """Seconds, the median of some starts."""
    command = [sys.executable, "-m", "dcgan"]

    def help_seconds() -> float:
        began = time.perf_counter()
        subprocess.run([*command, "--help"], check=True, capture_output=True)
        return time.perf_counter() - began

    def step_seconds() -> float:
        """Until the first line of the log of a run that writes one at each step."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            words = ["train", "mnist", "--recipe", "small-mnist", "--out", str(out)]
            words += ["--data-root", asked.data_root, "--records.log-every", "64"]
            began = time.perf_counter()
            with subprocess.Popen([*command, *words], stderr=subprocess.DEVNULL) as process:
                log = out / "log.jsonl"
                while not (log.is_file() and log.stat().st_size):
                    time.sleep(0.01)
                seconds = time.perf_counter() - began
                process.kill()
            return seconds

    help_seconds(), step_seconds()  # images are decoded once and cached
    return {
        "dcgan --help": round(median(help_seconds() for _ in range(asked.rounds)), 2),
        "dcgan train, first step": round(median(step_seconds() for _ in range(asked.rounds)), 2),
    }


PARTS = {"training": training, "sampling": sampling, "start": start, "beside": beside.beside}


def main() -> None:
    """Measure what is asked for, keep it as JSON, print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--loads", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--data-root", default=".")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "throughput")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.results.mkdir(parents=True, exist_ok=True)
    for name in asked.parts:
        found = PARTS[name](asked)
        stamp = {"date": f"{date.today()}", "torch": torch.__version__}
        stamp["machine"] = f"{platform.machine()}, {asked.threads} threads"
        path = asked.results / f"{name}.json"
        path.write_text(json.dumps({**stamp, **found}, indent=1) + "\n", encoding="utf-8")
        if name == "training":
            for one in found.values():
                print(f"\n{one['about']}\n\n{markdown(one['results'])}", flush=True)
        elif name == "beside":
            print(beside.markdown(found["table"]), flush=True)
        else:
            print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    main()
