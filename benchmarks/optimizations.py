"""Time each optimization of the training step, and check that losses change only by rounding.

    python benchmarks/optimizations.py [RECIPE ...] [--rounds 5] [--steps 20] [--threads 2]
        [--results DIR]

The complete step takes turns with the same step without one optimization, and with the step of the
plain loop. All train the same networks, from the same weights, on the same batches and latents. The
ratio is the processor time divided by that of the complete step in the same round. Losses are
compared over the first steps only: after some dozens, networks that differ by rounding diverge.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from dcgan.bench.contest import random_images
from dcgan.bench.plain import PlainLoop, use_plain_convolutions
from dcgan.bench.report import open_config
from dcgan.config import RunConfig
from dcgan.data import load_dataset, open_items
from dcgan.layer_tables import resolve_networks
from dcgan.runtime.rng import seed_everything
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.rules import Batch
from dcgan.training.state import TrainingState
from dcgan.training.step import update

HERE = Path(__file__).parent
RECIPES = ("small-mnist", str(HERE / "example64.yaml"))
CPU = torch.device("cpu")
WARM_UP = 3

Losses = tuple[float, float]
"""D's and G's, each before its own update."""


def _products(state: TrainingState) -> None:
    for network in (state.players.generator, state.players.discriminator):
        use_plain_convolutions(network)


def _layout(state: TrainingState) -> None:
    for network in (state.players.generator, state.players.discriminator):
        for parameter in network.parameters():
            parameter.data = parameter.data.contiguous()


def _fused(state: TrainingState) -> None:
    for optimizer in (state.players.generator_optimizer, state.players.discriminator_optimizer):
        for group in optimizer.param_groups:
            group["fused"] = None


@torch.no_grad()
def _rounded(state: TrainingState) -> None:
    """Every weight to its neighbor among the numbers of fp32: what rounding alone comes to."""
    for network in (state.players.generator, state.players.discriminator):
        for parameter in network.parameters():
            parameter.copy_(torch.nextafter(parameter, torch.full_like(parameter, torch.inf)))


def _nothing(state: TrainingState) -> None:
    del state


WITHOUT: dict[str, Callable[[TrainingState], None]] = {
    "all of it": _nothing,
    "single windows as matrix products": _products,
    "channels last": _layout,
    "fused Adam": _fused,
    "D frozen in G's step": _nothing,
    "the last bit of its weights": _rounded,
}


def our_steps(config: RunConfig, less: str) -> Iterator[Losses]:
    """Steps without one optimization."""
    networks = resolve_networks(config)
    shape = networks.image_shape
    dataset = load_dataset(open_items(random_images(shape)), shape[1:], shape[0])
    seed_everything(config.seed)
    state = build_state(config, networks, CPU)
    WITHOUT[less](state)
    batches = build_batches(config, networks, dataset, CPU)
    plan = build_plan(config, batches, networks.latent, CPU)
    thawed = less == "D frozen in G's step"
    for real_BCHW, _ in batches.with_classes(0):
        latent_BZ = networks.latent.sample(batches.batch, state.latents)
        with _never_frozen() if thawed else nullcontext():
            found = update(
                state.players, Batch(real_BCHW, latent_BZ), plan.rules, plan.step_plan(state)
            )
        yield float(found["loss_d"]), float(found["loss_g"])


def _never_frozen() -> AbstractContextManager[object]:
    return patch("dcgan.training.step.frozen", nullcontext)


def plain_steps(config: RunConfig) -> Iterator[Losses]:
    """The plain loop's steps from the same weights, on the same batches and latents."""
    networks = resolve_networks(config)
    shape = networks.image_shape
    pixels = random_images(shape)
    dataset = load_dataset(open_items(pixels), shape[1:], shape[0])
    seed_everything(config.seed)
    state = build_state(config, networks, CPU)
    batches = build_batches(config, networks, dataset, CPU)
    loop = PlainLoop(config, pixels[: batches.batch], workers=0)
    for theirs, ours in (
        (loop.generator, state.players.generator),
        (loop.discriminator, state.players.discriminator),
    ):
        theirs.load_state_dict(
            {name: value.contiguous() for name, value in ours.state_dict().items()}
        )
    for real_BCHW, _ in batches.with_classes(0):
        yield loop.step(real_BCHW, networks.latent.sample(batches.batch, state.latents))


def contest(config: RunConfig, rounds: int, steps: int, seconds: float) -> list[dict[str, Any]]:
    """A row for each: quartiles of the time ratio, and the greatest difference of losses."""
    entered: dict[str, Iterator[Losses]] = {name: our_steps(config, name) for name in WITHOUT}
    entered["the plain step"] = plain_steps(config)
    losses = {name: [next(one) for _ in range(steps)] for name, one in entered.items()}
    whole = next(iter(WITHOUT))
    steps_per_turn = max(1, round(seconds / _time(entered[whole], WARM_UP) * WARM_UP))
    times: dict[str, list[float]] = {name: [] for name in entered}
    for _ in range(rounds):
        for name, one in entered.items():
            times[name].append(_time(one, steps_per_turn))
    rows = []
    for name, taken in times.items():
        ratios = [own / first for own, first in zip(taken, times[whole], strict=True)]
        apart = np.abs(np.subtract(losses[name], losses[whole]))
        rows.append(
            {
                "without": name,
                "ratio": [round(value, 3) for value in quantiles(ratios, n=4)]
                if rounds > 1
                else ratios,
                "milliseconds": round(1e3 * median(taken) / steps_per_turn, 2),
                "losses_apart": {"first": float(apart[0].max()), "most": float(apart.max())},
            }
        )
    return rows


def _time(steps: Iterator[Losses], count: int) -> float:
    began = time.process_time()
    for _ in range(count):
        next(steps)
    return time.process_time() - began


def markdown(rows: Sequence[Mapping[str, Any]], steps: int) -> str:
    """A table."""
    lines = [
        f"| without | time of a step | difference of losses: first step | {steps} steps |",
        "|---|---|---|---|",
    ]
    for found in rows:
        low, middle, high = found["ratio"]
        apart = found["losses_apart"]
        lines.append(
            f"| {found['without']} | {middle:.2f} ({low:.2f} to {high:.2f}) |"
            f" {apart['first']:.0e} | {apart['most']:.0e} |"
        )
    lines[2] = lines[2].replace("| all of it |", "| nothing |")
    return "\n".join(lines)


def main() -> None:
    """Measure, keep as JSON, print as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=list(RECIPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "throughput")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.results.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "date": f"{date.today()}",
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {asked.threads} threads",
    }
    for recipe in asked.recipes:
        config = open_config(recipe, None, None, CPU)
        rows = contest(config, asked.rounds, asked.steps, asked.seconds)
        found[Path(recipe).stem] = rows
        print(f"\n{Path(recipe).stem}\n\n{markdown(rows, asked.steps)}", flush=True)
    path = asked.results / "optimizations.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
