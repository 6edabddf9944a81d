"""Compare our training steps with those of PyTorch, TensorFlow/Keras and JAX, on the same networks.

    python benchmarks/peers.py [RECIPE ...] [--rounds 9] [--seconds 3] [--threads 2]
        [--environment DIR] [--only NAME ...] [--results DIR]

Each contestant is a process of its own, which trains for some seconds in each round while the
others wait. All have the same networks, batch size, Adam and images (random ones, in memory), fp32,
and as many threads. TensorFlow and JAX are installed into environments of their own below DIR, on
the first call; a contestant that cannot be installed, or fails, is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch

from dcgan.bench.contest import IMAGES, PIXELS
from dcgan.bench.report import open_config
from dcgan.config import resolved
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.device import describe_hardware

HERE = Path(__file__).parent
RECIPES = ("small-mnist", str(HERE / "example64.yaml"))
PACKAGES = {"keras": ["tensorflow-cpu>=2.20"], "jax": ["jax>=0.5", "optax>=0.2.4"]}
TITLES = {
    "dcgan": "`dcgan train`",
    "plain": "the standard PyTorch example",
    "compiled": "the same with `torch.compile`",
    "keras": "TensorFlow's tutorial (Keras, `tf.function`)",
    "jax": "JAX with `jit` and Optax",
}


@dataclass
class Contestant:
    """A process that trains when it is told to."""

    name: str
    process: subprocess.Popen[str]
    about: dict[str, Any] = field(default_factory=dict)
    seconds_to_first_step: float = 0.0
    rates: list[float] = field(default_factory=list)
    core_rates: list[float] = field(default_factory=list)
    peak_memory: int = 0

    def answer(self) -> dict[str, Any] | None:
        """Its next line; None if it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    def tell(self, what: Any) -> None:
        """Send it one line."""
        assert self.process.stdin is not None
        print(json.dumps(what), file=self.process.stdin, flush=True)

    def turn(self, seconds: float) -> None:
        """Let it train."""
        self.tell(seconds)
        found = self.answer()
        if found is None:
            sys.exit(f"{self.name} ended in the middle of the contest")
        self.rates.append(found["rate"])
        self.core_rates.append(found["core_rate"])
        self.peak_memory = found["peak_memory"]


def started(name: str, environment: Path) -> Contestant:
    """A contestant's process, in its environment."""
    if name in PACKAGES:
        words = [str(installed(environment / name, PACKAGES[name])), f"peers_{name}.py"]
    else:
        words = [sys.executable, "peers_torch.py", name]
    process = subprocess.Popen(
        words, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    return Contestant(name, process)


def installed(folder: Path, packages: list[str]) -> Path:
    """The Python of an environment that has the packages."""
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "done").touch()
    return python


def contest(recipe: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Images per second of all contestants, by round."""
    config = open_config(recipe, None, None, torch.device("cpu"))
    networks = resolve_networks(config)
    channels, height, width = networks.image_shape
    optim = config.optim
    task = {
        "networks": networks.to_json(),
        "config": config.model_dump(mode="json"),
        "batch": resolved(optim.batch),
        "images": min(IMAGES, PIXELS // (channels * height * width)),
        "threads": asked.threads,
        **{
            player: (resolved(settings.lr), settings.betas)
            for player, settings in (
                ("generator", optim.generator),
                ("discriminator", optim.discriminator),
            )
        },
    }
    entered, left_out = list[Contestant](), list[str]()
    for name in asked.only:  # one after the other: to compile takes all cores
        try:
            one = started(name, asked.environment)
            began = time.perf_counter()
            one.tell(task)
            about = one.answer()
        except (OSError, subprocess.SubprocessError) as error:
            about = None
            print(f"{name}: {error}", file=sys.stderr)
        if about is None:
            left_out.append(name)
            continue
        one.seconds_to_first_step = round(time.perf_counter() - began, 2)
        one.about = about
        entered.append(one)
        print(f"{name}: {about}", file=sys.stderr)
    weights = {one.name: one.about["weights"] for one in entered}
    if len(set(weights.values())) > 1:
        sys.exit(f"the networks differ: {weights}")
    for number in range(asked.rounds + 1):
        turns = entered[number % len(entered) :] + entered[: number % len(entered)]
        for one in turns:
            one.turn(asked.seconds)
    for one in entered:
        one.process.terminate()
    return {
        "recipe": Path(recipe).stem,
        "batch": task["batch"],
        "image_shape": networks.image_shape,
        "weights": next(iter(weights.values()), 0),
        "left_out": left_out,
        "results": [
            {
                **one.about,
                **{"name": one.name, "seconds_to_first_step": one.seconds_to_first_step},
                # the first warms up
                **{"rates": one.rates[1:], "core_rates": one.core_rates[1:]},
                "peak_memory": one.peak_memory,
            }
            for one in entered
        ],
    }


def table(found: dict[str, Any]) -> str:
    """The results as Markdown; ratios are those of the rounds."""
    by_name = {one["name"]: one for one in found["results"]}
    channels, height, width = found["image_shape"]
    lines = [
        f"`{found['recipe']}`, {height}×{width}×{channels}, batch {found['batch']},"
        f" {found['weights']:,} weights:",
        "",
        "| | images/s | `dcgan` is faster by | images per second of processor time |"
        " seconds to the first step | peak MiB |",
        "|---|---|---|---|---|---|",
    ]
    ours = by_name["dcgan"]["rates"]
    for name, one in sorted(by_name.items(), key=lambda item: -median(item[1]["rates"])):
        ratio = ""
        if name != "dcgan":
            low, middle, high = quantiles(
                [mine / theirs for mine, theirs in zip(ours, one["rates"], strict=True)]
            )
            ratio = f"**{middle:.2f}** ({low:.2f} to {high:.2f})"
        lines.append(
            f"| {TITLES[name]} | {median(one['rates']):,.0f} | {ratio}"
            f" | {median(one['core_rates']):,.0f}"
            f" | {one['seconds_to_first_step']:.1f} | {one['peak_memory'] / 2**20:,.0f} |"
        )
    lines += [f"\nLeft out: {', '.join(found['left_out'])}."] if found["left_out"] else []
    return "\n".join(lines)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", default=RECIPES)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--environment", type=Path, default=cache_folder() / "peers")
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--results", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    asked.environment = asked.environment.resolve()
    found = {
        "date": f"{date.today()}",
        "hardware": describe_hardware(torch.device("cpu")),
        "platform": platform.platform(),
        "threads": asked.threads,
        "torch": version("torch"),
        "contests": [contest(recipe, asked) for recipe in asked.recipes],
    }
    asked.results.mkdir(parents=True, exist_ok=True)
    (asked.results / "peers.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for one in found["contests"]:
        print(table(one), end="\n\n")


if __name__ == "__main__":
    main()
