"""How fast a run trains on this machine: times a few real steps of throw-away networks.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from math import inf

import torch
from torch import Tensor

from dcgan.config import RunConfig, resolved
from dcgan.runs.networks import Networks
from dcgan.runtime import rng
from dcgan.runtime.device import DTYPES, autocast, make_deterministic, synchronize
from dcgan.runtime.memory import is_out_of_memory
from dcgan.runtime.torch_settings import no_tf32, settings_restored, threads_set_to
from dcgan.training.build import build_rules, build_state
from dcgan.training.planning.speed_choice import ComputeMode, SpeedComparison, open_modes
from dcgan.training.rules import Batch, StepPlan
from dcgan.training.step import update

_SECONDS = 0.7
"""About how long to compare modes when a run starts."""

_FEW = 4
"""Images of the first steps, which show how many more there is time for."""

_ROUNDS = 2
"""How often each kind of step is timed with the most images; the first time warms up."""

_WAITING = 3.0
"""If a forward pass takes so many times as long with more threads, another process keeps their
cores busy, and a single step could take seconds."""

_FORWARDS = 12
"""Cost of training on one image, in forward passes of the generator: three passes of G and nine of
D, which is about as large; a backward pass counts as two."""


def images_per_second(
    config: RunConfig, networks: Networks, device: torch.device, *, seconds: float = 1.0
) -> float:
    """How many images per second a run of this configuration trains on, on this machine now.

    Times real steps on random images, with penalties and averaging. Loading images, sheets,
    checkpoints and metrics come on top. Weights are fresh copies; random generators and the number
    of threads are restored.

    Parameters
    ----------
    config : RunConfig
        Without ``auto`` in sizes, widths, rates and batch. ``precision: auto`` and, on a CPU,
        ``threads: auto`` mean what trains fastest, as at the start of a run.
    networks : Networks
        Of the same configuration, see :func:`dcgan.layer_tables.resolve_networks`.
    device : torch.device
    seconds : float, default 1.0
        About how long to time. PyTorch's first step in a process takes about 2 seconds more, which
        training then saves.

    Returns
    -------
    float
        Images per second, above 0.
    """
    modes = open_modes(config, device)
    return max(compare_speeds(config, networks, device, modes, seconds=seconds).speeds.values())


def compare_speeds(
    config: RunConfig,
    networks: Networks,
    device: torch.device,
    modes: Sequence[ComputeMode],
    *,
    seconds: float = _SECONDS,
) -> SpeedComparison:
    """Images per second of each mode, timed in turns so that all meet the same conditions.

    See :func:`images_per_second`. If every step would take too long, only a forward pass of the
    generator is timed.
    """
    with _nothing_changed(device):
        trial = _Trial(config, networks, device)
        if trial.can_step_within(seconds / len(modes)):
            return SpeedComparison(trial.speeds(modes, seconds), has_stepped=True)
        return SpeedComparison(trial.forward_speeds(modes), has_stepped=False)


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
        """Estimates of images per second of each mode, from a forward pass."""
        return {mode: 1 / (_FORWARDS * self._forward(mode)) for mode in modes}

    def speeds(self, modes: Sequence[ComputeMode], seconds: float) -> dict[ComputeMode, float]:
        """Images per second of each mode, except those whose threads wait most of the time."""
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
            grows = larger > images and left >= _ROUNDS * taken * larger / images
            try:
                timings = self._round(pairs, larger if grows else images)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                break  # training finds out in how many parts its batch fits
            images, rounds = (larger, [timings]) if grows else (images, [*rounds, timings])
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
                synchronize(self._device)
                taken = min(taken, time.perf_counter() - began)
        generator.train()
        return taken

    def _round(
        self, pairs: Sequence[tuple[ComputeMode, StepPlan]], images: int
    ) -> dict[tuple[ComputeMode, StepPlan], float]:
        """Seconds of one step of each kind in each mode."""
        return {pair: self._time(*pair, images) for pair in pairs}

    def _time(self, mode: ComputeMode, step_plan: StepPlan, images: int) -> float:
        """Seconds of one step."""
        batch, rules = self._batch(images), replace(self._rules, precision=DTYPES[mode.precision])
        state = self._state
        with threads_set_to(mode.threads), no_tf32():
            synchronize(self._device)
            began = time.perf_counter()
            update(state.players, batch, rules, step_plan)
            state.average.update(state.players.generator, images, images)
            synchronize(self._device)
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
    """Restore PyTorch's settings and the global random generators at the end."""
    tensors, plain = rng.capture(device)
    try:
        with settings_restored():
            yield
    finally:
        rng.restore(device, tensors, plain)
