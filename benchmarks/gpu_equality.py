"""The parts of `gpu.sh` about equality: with the CPU, of graphs, and of resumed runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_capture import graphed
from gpu_setup import CPU, Asked, Found, config_of, save_images
from torch import Tensor, nn

import dcgan
from dcgan.bench.contest import (
    WARM_UP,
    Change,
    Update,
    tf32_set_to,
)
from dcgan.config import RunConfig, resolved
from dcgan.layer_tables import resolve_networks
from dcgan.runs.checkpoints import read_part
from dcgan.runtime.device import choose_device, make_deterministic
from dcgan.training.build import build_rules, build_state
from dcgan.training.rules import Batch, StepPlan
from dcgan.training.step import update


def step_equality(asked: Asked) -> Iterator[Found]:
    """Losses and gradients of one step, compared with those of the CPU."""
    device, rows = choose_device(asked.device), []
    for recipe in ("paper", "wide-mnist", "auto"):
        config = config_of(recipe, asked, batch=16, settings=SLOW)
        here, there = _one_step(_Trial(config, device)), _one_step(_Trial(config, CPU))
        rounded = _one_step(_Trial(config, CPU, nudged=True))
        rows += [
            compared(f"{recipe}: {name}", here[name], values, rounded[name])
            for name, values in there.items()
        ]
        yield {"about": ABOUT_EQUALITY, "rows": rows}


def captured_equality(asked: Asked) -> Iterator[Found]:
    """Losses and changes of weights after some replays, compared with those of the same steps."""
    make_deterministic()
    device, rows = choose_device(asked.device), []
    for precision in ("fp32", "bf16"):
        config = config_of("paper", asked, batch=16, settings={"precision": precision, **SLOW})
        replays = _some_steps(_Trial(config, device), graphed)
        steps = _some_steps(_Trial(config, device))
        rounded = _some_steps(_Trial(config, device, nudged=True))
        rows += [
            compared(f"{precision}: {name}", replays[name], values, rounded[name])
            for name, values in steps.items()
        ]
        yield {"about": ABOUT_EQUALITY, "rows": rows}


SLOW = {"optim": {player: {"lr": 1e-6} for player in ("generator", "discriminator")}}
"""Rates at which rounding does not grow from step to step. Where a gradient is nearly 0, a step of
Adam has the full length in a direction that rounding decides."""

LEAST, TIMES, MOST = 1e-5, 10, 0.5
ABOUT_EQUALITY = (
    "Differences are norms of the difference, divided by the norm of the value, of the tensor where"
    f" this is largest. Equal means at most {MOST:g}, and at most the larger of {LEAST:g} and"
    f" {TIMES} times the difference by rounding, which is that of the same steps with every weight"
    " changed to the next fp32 number, up or down at random."
)

Tensors = dict[str, Tensor]


def compared(name: str, ours: Tensors, theirs: Tensors, rounded: Tensors) -> dict[str, Any]:
    """One row: ours and theirs, and theirs after the smallest change of all weights."""
    difference, rounding = relative_difference(ours, theirs), relative_difference(rounded, theirs)
    return {
        "": name,
        "difference": difference,
        "difference by rounding": rounding,
        "equal": difference <= min(MOST, max(LEAST, TIMES * rounding)),
    }


def relative_difference(ours: Tensors, theirs: Tensors) -> float:
    """The norm of the difference, divided by the norm of theirs; the largest of all tensors."""
    assert ours.keys() == theirs.keys()
    return max(
        float((ours[name] - theirs[name]).norm() / theirs[name].norm().clamp_min(1e-30))
        for name in ours
    )


class _Trial:
    """Fresh players of a configuration, and batches that are the same on every device."""

    def __init__(self, config: RunConfig, device: torch.device, *, nudged: bool = False) -> None:
        torch.manual_seed(0)
        networks = resolve_networks(config)
        self.device = device
        self.players = build_state(config, networks, device).players
        self._rules = build_rules(config, networks.latent, device)
        self._shape = (resolved(config.optim.batch), *networks.image_shape)
        self._plan = StepPlan(with_penalties=bool(self._rules.penalties))
        if nudged:
            _nudge(self._weights())
        self._start = [weight.detach().clone() for weight in self._weights()]

    def batch(self, number: int) -> Batch:
        """Random images and latents of a number."""
        real_BCHW = torch.rand(self._shape, generator=torch.Generator().manual_seed(number))
        latent_BZ = self._rules.latent.numbered(number, 0, len(real_BCHW))
        return Batch((2 * real_BCHW - 1).to(self.device), latent_BZ.to(self.device))

    def update(self, batch: Batch) -> Tensors:
        """One update of both players."""
        return update(self.players, batch, self._rules, self._plan)

    def gradients(self, network: nn.Module) -> Tensors:
        """Of the last step, on the CPU."""
        found = {name: weight.grad for name, weight in network.named_parameters()}
        return {name: gradient.cpu() for name, gradient in found.items() if gradient is not None}

    def changes(self) -> Tensors:
        """How far all weights have moved, on the CPU."""
        pairs = zip(self._weights(), self._start, strict=True)
        return {
            f"{number}": (now.detach() - start).cpu() for number, (now, start) in enumerate(pairs)
        }

    def _weights(self) -> list[nn.Parameter]:
        players = self.players
        return [*players.generator.parameters(), *players.discriminator.parameters()]


@torch.no_grad()
def _nudge(weights: Sequence[Tensor]) -> None:
    """Change every weight to the next fp32 number, up or down at random."""
    random = torch.Generator().manual_seed(1)
    for weight in weights:
        is_up = torch.rand(weight.shape, generator=random).to(weight.device) < 0.5
        weight.copy_(weight.nextafter(torch.where(is_up, torch.inf, -torch.inf)))


def _one_step(trial: _Trial) -> dict[str, Tensors]:
    with tf32_set_to(False):
        losses = _losses(trial.update(trial.batch(0)))
    return {
        "losses": losses,
        "gradients of D": trial.gradients(trial.players.discriminator),
        "gradients of G": trial.gradients(trial.players.generator),
    }


def _some_steps(trial: _Trial, change: Change | None = None) -> dict[str, Tensors]:
    """Three steps with new batches, after ``WARM_UP`` steps with one batch, as a capture makes."""
    losses: Tensors = {}
    with tf32_set_to(False):
        one_update: Update = trial.update
        if change is not None:
            one_update = change(trial.players, trial.update, trial.batch(0))
        else:
            for _ in range(WARM_UP):
                trial.update(trial.batch(0))
        for number in range(1, 4):
            found = _losses(one_update(trial.batch(number)))
            losses |= {f"{name} {number}": value for name, value in found.items()}
    return {"losses": losses, "changes of weights": trial.changes()}


def _losses(statistics: Tensors) -> Tensors:
    return {name: statistics[name].cpu() for name in ("loss_d", "loss_g")}


def resume_equality(asked: Asked) -> Iterator[Found]:
    """Whether a resumed run has the checkpoint of one that was not interrupted, bit for bit."""
    images, rows = 64 if asked.quick else 2048, []
    pixels = np.random.default_rng(0).integers(0, 256, (images, 3, 32, 32), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_images(pixels, folder / "images")
        paths = {"images on the device": pixels, "loader": folder / "images"}
        for precision in ("fp32",) if asked.quick else ("fp32", "bf16"):
            for number, (path, data) in enumerate(paths.items()):
                out = folder / f"{precision}{number}"
                unequal = _unequal_after_resume(data, out, asked, precision)
                found = ", ".join(unequal[:3]) + f" ({len(unequal)} in all)" * bool(unequal)
                row = {"": f"{path}, {precision}", "bit-identical": not unequal}
                rows.append({**row, "unequal": found or None})
                yield {"rows": rows}


def _unequal_after_resume(data: object, out: Path, asked: Asked, precision: str) -> list[str]:
    """Names of tensors that differ between a whole run and one in two parts."""
    settings: dict[str, Any] = {
        "deterministic": True,
        "metrics": {"metric": "off"},
        "records": {"tensorboard": False, "sheets": 1},
        "data": {"cache": "off", "duplicates": "keep"},
        "augment": {"policy": "color+translation+cutout", "probability": 0.5},
    }
    if isinstance(data, Path):
        settings["data"]["memory_gb"] = 0.0  # decoded when they are shown
    if asked.quick:
        settings["model"] = {"generator": {"width": 4}, "discriminator": {"width": 4}}
    batch = 8 if asked.quick else 64
    train = partial(
        dcgan.train,
        data,
        batch=batch,
        device=asked.device,
        precision=precision,
        threads=1,
        settings=settings,
        progress=False,
    )
    steps = 4 if asked.quick else 48
    whole = train(out=out / "whole", images=steps * batch)
    train(out=out / "parts", images=steps // 2 * batch)
    parts = train(out=out / "parts", images=steps * batch, resume=True)
    return unequal_tensors(whole.checkpoint, parts.checkpoint)


def unequal_tensors(one: Path, other: Path) -> list[str]:
    """Names of the tensors of two checkpoints that are not bit-identical."""
    found = []
    for part in sorted(path.stem for path in one.glob("*.safetensors")):
        ours, theirs = read_part(one, part), read_part(other, part)
        found += [
            f"{part}: {name}"
            for name in sorted(ours.keys() | theirs.keys())
            if name not in ours or name not in theirs or not torch.equal(ours[name], theirs[name])
        ]
    return found
