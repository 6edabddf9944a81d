"""PyTorch's contestants of `peers.py`: `dcgan`, the standard example, and the example compiled.

python peers_torch.py {dcgan,plain,compiled}
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peers_turns import random_images, take_turns

from dcgan.bench.plain import PlainLoop
from dcgan.config import RunConfig, parse_config
from dcgan.data import load_dataset, open_items
from dcgan.layer_tables import resolve_networks
from dcgan.training.build import build_batches, build_plan, build_state
from dcgan.training.rules import Batch
from dcgan.training.step import update

Built = tuple[Callable[[], float], int]


def ours(config: RunConfig, task: dict[str, Any]) -> Built:
    """`dcgan train` without its hooks."""
    networks, device = resolve_networks(config), torch.device("cpu")
    channels, height, width = networks.image_shape
    dataset = load_dataset(open_items(random_images(task)), (height, width), channels)
    state = build_state(config, networks, device)
    batches = build_batches(config, networks, dataset, device)
    plan = build_plan(config, batches, networks.latent, device)
    endless = batches.with_classes(0)

    def step() -> float:
        real_BCHW, _ = next(endless)
        plan.prepare(state)
        batch = Batch(real_BCHW, networks.latent.sample(batches.batch, state.latents))
        found = update(state.players, batch, plan.rules, plan.step_plan(state))
        state.images_seen += batches.batch
        state.discriminator_steps += 1
        state.average.update(state.players.generator, state.images_seen, batches.batch)
        return float(found["loss_d"])

    return step, _count(state.players.generator, state.players.discriminator)


def plain(config: RunConfig, task: dict[str, Any], *, is_compiled: bool = False) -> Built:
    """The standard example, with its DataLoader in this process."""
    loop = PlainLoop(config, random_images(task).transpose(0, 3, 1, 2), workers=0)
    weights = _count(loop.generator, loop.discriminator)
    if is_compiled:
        loop.generator.compile()
        loop.discriminator.compile()
    losses: list[float] = []
    plain_step = loop.step

    def remember(*batch: torch.Tensor) -> tuple[float, float]:
        found = plain_step(*batch)
        losses[:] = found
        return found

    loop.step = remember  # type: ignore[method-assign]
    steps = loop.steps()

    def step() -> float:
        next(steps)
        return losses[0]

    return step, weights


def _count(*networks: torch.nn.Module) -> int:
    return sum(weight.numel() for network in networks for weight in network.parameters())


def build(task: dict[str, Any]) -> Built:
    """The step of the contestant that the command line names, and its number of weights."""
    torch.set_num_threads(task["threads"])
    config = parse_config(task["config"])
    name = sys.argv[1]
    return (
        ours(config, task) if name == "dcgan" else plain(config, task, is_compiled=name != "plain")
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    take_turns(build)
