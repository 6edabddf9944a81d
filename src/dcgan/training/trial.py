"""How fast a run trains on this machine: a few real updates of throw-away networks, timed.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from math import inf
from typing import Literal

import torch
from torch import Tensor

from dcgan.config import RunConfig, resolved
from dcgan.runs.networks import Networks
from dcgan.runtime import random
from dcgan.runtime.device import autocast, make_deterministic, synchronise, whole_fp32
from dcgan.runtime.torch_settings import settings_restored, threads_set_to
from dcgan.training.build import build_rules, build_state
from dcgan.training.rules import Batch, Turn
from dcgan.training.step import update

Precision = Literal["fp32", "bf16"]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

_FEW = 4
"""Images of the first, untimed step of each way."""

_ROUNDS = 3
"""Times that each kind of step is to be timed, where the seconds allow it; the first warms up."""

_FORWARDS = 12
"""What an image of training costs, in forward passes of the generator: three passes of G and nine
of D, which is about as large, a backward pass counting as two."""


@dataclass(frozen=True)
class Way:
    """A way to compute the same steps.

    Parameters
    ----------
    precision : {"fp32", "bf16"}
        Of matrix products.
    threads : int
        Of PyTorch's operations on a CPU; has no effect on other devices.
    """

    precision: Precision
    threads: int


def images_per_second(
    config: RunConfig, networks: Networks, device: torch.device, *, seconds: float = 0.4
) -> float:
    """How many images a run of this configuration trains on per second, on this machine now.

    Times real updates on random images: both players, penalties and averaging included. Loading
    images, sheets, checkpoints and metrics come on top. The run itself is not touched: weights are
    fresh copies, random generators and the number of threads are put back.

    Parameters
    ----------
    config : RunConfig
        Without ``auto`` in sizes, widths, rates and batch. ``precision: auto`` stands for what the
        hardware has natively, ``threads: auto`` for what PyTorch uses now.
    networks : Networks
        Of the same configuration, see :func:`dcgan.training.tables.resolve_networks`.
    device : torch.device
    seconds : float, default 0.4
        About how long to time. PyTorch's first step in a process takes some 2 seconds more, which
        training would otherwise take.

    Returns
    -------
    float
        Images per second, above 0.
    """
    precision: Precision = (
        "bf16"
        if build_rules(config, networks.latent, device).precision is torch.bfloat16
        else "fp32"
    )
    way = Way(precision, torch.get_num_threads())
    with _nothing_changed(device):
        trial = _Trial(config, networks, device)
        estimate = trial.estimate(seconds)
        return estimate or trial.speeds([way], seconds)[way]


def compare_speeds(
    config: RunConfig,
    networks: Networks,
    device: torch.device,
    ways: Sequence[Way],
    *,
    seconds: float = 1.0,
) -> Mapping[Way, float]:
    """Images per second of each way, timed in turns so that all meet the same conditions.

    See :func:`images_per_second`. Networks whose every step would take too long are not timed:
    nothing is returned for them.
    """
    with _nothing_changed(device):
        trial = _Trial(config, networks, device)
        return {} if trial.estimate(seconds / len(ways)) else trial.speeds(ways, seconds)


class _Trial:
    """Both players of a configuration with fresh weights, and random images for them."""

    def __init__(self, config: RunConfig, networks: Networks, device: torch.device) -> None:
        if config.deterministic:
            make_deterministic()  # as the run will be
        self._device = device
        self._state = build_state(config, networks, device)
        self._rules = build_rules(config, networks.latent, device)
        self._shape = networks.image_shape
        self._pack = config.model.discriminator.pack
        micro = config.optim.micro_batch
        self._most = resolved(config.optim.batch) if micro == "auto" else micro
        penalties = 1 / self._rules.penalty_interval if self._rules.penalties else 0.0
        generator = 1 / config.optim.discriminator_steps
        kinds = product(
            ((True, penalties), (False, 1 - penalties)), ((True, generator), (False, 1 - generator))
        )
        self._turns = {
            Turn(with_penalties=has_penalties, with_generator=has_generator): share * other
            for (has_penalties, share), (has_generator, other) in kinds
            if share * other > 0
        }
        """Each kind of step, and its share of all steps."""

    def estimate(self, seconds: float) -> float | None:
        """Images per second by a forward pass alone; none where steps can be timed in so long."""
        generator = self._state.players.generator.eval()
        latent_BZ = self._rules.latent.numbered(0, 0, 1).to(self._device)
        taken = inf
        with torch.no_grad(), whole_fp32(), autocast(self._device, self._rules.precision):
            for _ in range(2):  # the first also finds memory and kernels
                began = time.perf_counter()
                generator(latent_BZ)
                synchronise(self._device)
                taken = min(taken, time.perf_counter() - began)
        generator.train()
        few = min(self._most, self._whole_packs(_FEW))
        is_long = _FORWARDS * taken * few * len(self._turns) > seconds
        return 1 / (_FORWARDS * taken) if is_long else None

    def speeds(self, ways: Sequence[Way], seconds: float) -> dict[Way, float]:
        """Images per second of each way."""
        few = min(self._most, self._whole_packs(_FEW))
        for way, turn in product(ways, self._turns):
            self._time(way, turn, few)  # finds memory and kernels, and imports what it needs
        each = {pair: self._time(*pair, few) for pair in product(ways, self._turns)}
        images = self._whole_packs(int(few * seconds / (_ROUNDS * sum(each.values()))))
        images = max(few, min(self._most, images))
        timed: dict[tuple[Way, Turn], list[float]] = {pair: [] for pair in each}
        began, rounds = time.perf_counter(), 0
        while rounds == 0 or (time.perf_counter() - began) * (1 + 1 / rounds) < seconds:
            for pair, times in timed.items():
                times.append(self._time(*pair, images))
            rounds += 1
        found = {}
        for way in ways:
            per_step = sum(
                share * _mean(timed[way, turn][1:] or timed[way, turn])
                for turn, share in self._turns.items()
            )
            found[way] = images / per_step
        return found

    def _time(self, way: Way, turn: Turn, images: int) -> float:
        """Seconds of one step."""
        batch, rules = self._batch(images), replace(self._rules, precision=DTYPES[way.precision])
        state = self._state
        with threads_set_to(way.threads), whole_fp32():
            synchronise(self._device)
            began = time.perf_counter()
            update(state.players, batch, rules, turn)
            state.average.update(state.players.generator, images, images)
            synchronise(self._device)
            return time.perf_counter() - began

    def _batch(self, images: int) -> Batch:
        latent_BZ = self._rules.latent.numbered(0, 0, images).to(self._device)
        classes = self._rules.latent.classes
        class_BK: Tensor | None = latent_BZ[:, self._rules.latent.class_slice] if classes else None
        real_BCHW = 2 * torch.rand(images, *self._shape, device=self._device) - 1
        return Batch(real_BCHW, latent_BZ, class_BK)

    def _whole_packs(self, images: int) -> int:
        return max(1, images // self._pack) * self._pack


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


@contextmanager
def _nothing_changed(device: torch.device) -> Iterator[None]:
    """Put PyTorch's settings and the global random generators back."""
    tensors, plain = random.capture(device)
    try:
        with settings_restored():
            yield
    finally:
        random.restore(device, tensors, plain)
