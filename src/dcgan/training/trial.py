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

import torch
from torch import Tensor

from dcgan.config import RunConfig, resolved
from dcgan.config.fields import thread_changes
from dcgan.runs.networks import Networks
from dcgan.runtime import rng
from dcgan.runtime.device import (
    autocast,
    has_native_bf16,
    make_deterministic,
    no_tf32,
    stated_bf16,
    synchronise,
)
from dcgan.runtime.torch_settings import settings_restored, threads_set_to
from dcgan.training.build import build_rules, build_state
from dcgan.training.rules import Batch, StepPlan
from dcgan.training.step import update
from dcgan.training.planning.threads import thread_choices
from dcgan.vocabulary import Precision

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

_FEW = 4
"""Images of the first steps, by which others are planned."""

_ROUNDS = 2
"""Times that each kind of step is to be timed with as many images as there is time for; the first
warms up."""

_WAITING = 3.0
"""A forward pass that takes so many times as long with more threads: another process keeps their
cores busy, and a single step could take seconds."""

_FORWARDS = 12
"""What an image of training costs, in forward passes of the generator: three passes of G and nine
of D, which is about as large, a backward pass counting as two."""


@dataclass(frozen=True)
class ComputeMode:
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


@dataclass(frozen=True)
class Comparison:
    """How fast each way is.

    Parameters
    ----------
    speeds : mapping of Way to float
        Images per second, above 0; of those ways that are worth a try.
    has_stepped : bool
        Whether whole steps were timed. If not, the speeds are estimates from a forward pass.
    """

    speeds: Mapping[ComputeMode, float]
    has_stepped: bool


def images_per_second(
    config: RunConfig, networks: Networks, device: torch.device, *, seconds: float = 1.0
) -> float:
    """How many images a run of this configuration trains on per second, on this machine now.

    Times real updates on random images: both players, penalties and averaging included. Loading
    images, sheets, checkpoints and metrics come on top. The run itself is not touched: weights are
    fresh copies, random generators and the number of threads are put back.

    Parameters
    ----------
    config : RunConfig
        Without ``auto`` in sizes, widths, rates and batch. ``precision: auto`` and, on a CPU,
        ``threads: auto`` stand for what trains fastest, as when a run starts.
    networks : Networks
        Of the same configuration, see :func:`dcgan.training.planning.tables.resolve_networks`.
    device : torch.device
    seconds : float, default 1.0
        About how long to time. PyTorch's first step in a process takes some 2 seconds more, which
        training would otherwise take.

    Returns
    -------
    float
        Images per second, above 0.
    """
    modes = _open_ways(config, device)
    return max(compare_speeds(config, networks, device, modes, seconds=seconds).speeds.values())


def _open_ways(config: RunConfig, device: torch.device) -> list[ComputeMode]:
    """The ways that a run of this configuration may take."""
    most = torch.get_num_threads()
    if config.threads != "auto":
        threads: tuple[int, ...] = (thread_changes(config.threads)[0][1],)
    else:
        threads = thread_choices(most) if device.type == "cpu" else (most,)
    precision = config.precision
    precisions = open_precisions(device) if precision == "auto" else (precision,)
    return [ComputeMode(*mode) for mode in product(precisions, threads)]


def open_precisions(device: torch.device) -> tuple[Precision, ...]:
    """What ``precision: auto`` chooses from; emulated bf16 is not worth a try."""
    stated = stated_bf16() if device.type == "cpu" else None
    if stated is not None:
        return ("bf16",) if stated else ("fp32",)
    return ("fp32", "bf16") if has_native_bf16(device) else ("fp32",)


def compare_speeds(
    config: RunConfig,
    networks: Networks,
    device: torch.device,
    modes: Sequence[ComputeMode],
    *,
    seconds: float = 1.0,
) -> Comparison:
    """Images per second of each way, timed in turns so that all meet the same conditions.

    See :func:`images_per_second`. Where every step would take too long, only a forward pass of the
    generator is timed.
    """
    with _nothing_changed(device):
        trial = _Trial(config, networks, device)
        if trial.can_step_within(seconds / len(modes)):
            return Comparison(trial.speeds(modes, seconds), has_stepped=True)
        return Comparison(trial.forward_speeds(modes), has_stepped=False)


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
        self._few = min(self._most, self._whole_packs(_FEW))
        penalties = 1 / self._rules.penalty_interval if self._rules.penalties else 0.0
        generator = 1 / config.optim.discriminator_steps
        kinds = product(
            ((True, penalties), (False, 1 - penalties)), ((True, generator), (False, 1 - generator))
        )
        self._turns = {
            StepPlan(with_penalties=has_penalties, with_generator=has_generator): share * other
            for (has_penalties, share), (has_generator, other) in kinds
            if share * other > 0
        }
        """Each kind of step, and its share of all steps."""

    def can_step_within(self, seconds: float) -> bool:
        """Whether a step of each kind on one image takes less time, by a forward pass."""
        taken = _FORWARDS * self._forward(ComputeMode("fp32", 1))
        return taken * len(self._turns) <= seconds

    def forward_speeds(self, modes: Sequence[ComputeMode]) -> dict[ComputeMode, float]:
        """Estimates of images per second of each way, by a forward pass."""
        return {mode: 1 / (_FORWARDS * self._forward(mode)) for mode in modes}

    def speeds(self, modes: Sequence[ComputeMode], seconds: float) -> dict[ComputeMode, float]:
        """Images per second of each way, but of those whose threads wait most of the time."""
        least = min(modes, key=lambda mode: mode.threads)
        bound = _WAITING * self._forward(least)
        pairs = [
            (mode, step_plan)
            for mode, step_plan in product(modes, self._turns)
            if mode.threads == least.threads or self._forward(mode) <= bound
        ]
        self._round(pairs, self._few)  # PyTorch imports what it needs, finds memory and kernels
        end = time.perf_counter() + seconds
        # a step has costs of its own, so that few images say too little of a batch
        images, rounds = self._few, [self._round(pairs, self._few)]
        while (left := end - time.perf_counter()) >= (taken := sum(rounds[-1].values())):
            larger = min(self._most, 2 * images)
            if larger > images and left >= _ROUNDS * taken * larger / images:
                images, rounds = larger, []
            rounds.append(self._round(pairs, images))
        timed = rounds[1:] or rounds
        found = dict.fromkeys((mode for mode, _ in pairs), 0.0)
        for mode, step_plan in pairs:
            found[mode] += (
                self._turns[step_plan] * sum(one[mode, step_plan] for one in timed) / len(timed)
            )
        return {mode: images / per_step for mode, per_step in found.items()}

    def _forward(self, mode: ComputeMode) -> float:
        """Seconds of a forward pass of the generator for one image."""
        generator = self._state.players.generator.eval()
        latent_BZ = self._rules.latent.numbered(0, 0, 1).to(self._device)
        taken = inf
        precision = autocast(self._device, DTYPES[mode.precision])
        with torch.no_grad(), threads_set_to(mode.threads), no_tf32(), precision:
            for _ in range(2):  # the first also finds memory and kernels
                began = time.perf_counter()
                generator(latent_BZ)
                synchronise(self._device)
                taken = min(taken, time.perf_counter() - began)
        generator.train()
        return taken

    def _round(
        self, pairs: Sequence[tuple[ComputeMode, StepPlan]], images: int
    ) -> dict[tuple[ComputeMode, StepPlan], float]:
        """Seconds of one step of each kind, each way."""
        return {pair: self._time(*pair, images) for pair in pairs}

    def _time(self, mode: ComputeMode, step_plan: StepPlan, images: int) -> float:
        """Seconds of one step."""
        batch, rules = self._batch(images), replace(self._rules, precision=DTYPES[mode.precision])
        state = self._state
        with threads_set_to(mode.threads), no_tf32():
            synchronise(self._device)
            began = time.perf_counter()
            update(state.players, batch, rules, step_plan)
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


@contextmanager
def _nothing_changed(device: torch.device) -> Iterator[None]:
    """Put PyTorch's settings and the global random generators back."""
    tensors, plain = rng.capture(device)
    try:
        with settings_restored():
            yield
    finally:
        rng.restore(device, tensors, plain)
