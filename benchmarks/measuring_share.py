"""Measure the share of training time that scoring takes.

Each run is trained until it was scored three times. The share is the time of one scoring, without
the real images of the first one, divided by the training time between two scorings of a long run.

    python benchmarks/measuring_share.py [--data-root DIR] [--emoji PATH] [NAME ...]
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml

import dcgan
from dcgan.config import resolved
from dcgan.runs.scores import read_scores

_NARROW = {"model": {"generator": {"width": 16}, "discriminator": {"width": 16}}}
_TINY = {"model": {"generator": {"width": 4}, "discriminator": {"width": 4}}}


def cases(emoji: str) -> Mapping[str, dict[str, Any]]:
    """Arguments of ``dcgan.train`` by name."""
    return {
        "digits, auto at 32x32": {"data": "digits", "size": 32},
        "digits, 4 filters at 16x16": {"data": "digits", "size": 16, "settings": _TINY},
        "MNIST, auto": {"data": "mnist"},
        "MNIST, small-mnist": {"data": "mnist", "recipe": "small-mnist"},
        "MNIST, mlp-mnist": {"data": "mnist", "recipe": "mlp-mnist"},
        "CIFAR-10, auto": {"data": "cifar10"},
        "emoji, auto at 64x64": {"data": emoji, "size": 64},
        "emoji, 16 filters at 64x64": {"data": emoji, "size": 64, "settings": _NARROW},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--emoji", default="emoji-64.zip")
    asked = parser.parse_args()
    today = datetime.now(UTC).date()
    print(f"{today} · {platform.machine()}, {torch.get_num_threads()} threads, {torch.__version__}")
    print("\n| run | interval in images | time of a scoring | training time between | share |")
    print("|---|---|---|---|---|", flush=True)
    for name, arguments in cases(asked.emoji).items():
        if not asked.names or any(wanted in name for wanted in asked.names):
            print(row(name, arguments | {"data_root": asked.data_root}), flush=True)


def row(name: str, arguments: dict[str, Any]) -> str:
    """Train, and say what measuring cost."""
    data = arguments.pop("data")
    with tempfile.TemporaryDirectory() as folder:
        first = dcgan.train(data, images=64, out=Path(folder) / "first", **arguments)
        config = yaml.safe_load(first.folder.config.read_text(encoding="utf-8"))
        every = int(config["metrics"]["every"])
        batch = int(resolved(config["optim"]["batch"]))
        images = every // 2 + batch
        run = dcgan.train(data, images=images, out=Path(folder) / "run", **arguments)
        scores = read_scores(run.folder)
        spent = sum(one.cost for one in scores)
        measuring = median(one.cost for one in scores[1:])
        training = (run.log()[-1]["seconds"] - spent) * every / images
    share = measuring / (measuring + training)
    return f"| {name} | {every:,} | {measuring:.2f} s | {training:.1f} s | {share:.1%} |"


if __name__ == "__main__":
    main()
