"""The training loop: steps until the run is done, and the hooks between them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

from dcgan.data.loader import Batches
from dcgan.errors import Diverged
from dcgan.models.blocks import fade_noise
from dcgan.runtime.ranks import Ranks
from dcgan.training.lr_schedule import RateSchedule
from dcgan.training.rules import Batch, Rules, Statistics, StepPlan
from dcgan.training.state import TrainingState
from dcgan.training.step import update

_T = TypeVar("_T")


@dataclass(frozen=True)
class Plan:
    """How long to train, and what changes during the run.

    Parameters
    ----------
    rules : Rules
    images : int, optional
        Stop after so many images seen.
    minutes : float, optional
        Stop after so much time.
    discriminator_steps : int
        D steps per G step.
    rates : RateSchedule, optional
        How the learning rates fall; default: they stay.
    top_k, top_k_ramp : float and int
        Share of the generated images from which G learns, and images seen until it is reached.
    noise_until : (int, int)
        Images seen until the instance noise of G and of D has faded; 0: it stays.
    penalties_fade_from, penalties_fade_to : int and float
        Images seen after which the penalties' weights fall as 1 / images seen, and the share at
        which they stop; 0 images: they stay.
    """

    rules: Rules
    images: int | None = None
    minutes: float | None = None
    discriminator_steps: int = 1
    rates: RateSchedule | None = None
    top_k: float = 1.0
    top_k_ramp: int = 0
    noise_until: tuple[int, int] = (0, 0)
    penalties_fade_from: int = 0
    penalties_fade_to: float = 0.1

    def prepare(self, state: TrainingState) -> None:
        """Set learning rates and noise to the next step's values."""
        players = state.players
        if self.rates is not None:
            self.rates.set(players, self.progress(state), state.images_seen, state.rate_factor)
        networks = (players.generator, players.discriminator)
        for network, until in zip(networks, self.noise_until, strict=True):
            if until:
                fade_noise(network, _noise_left(until, state.images_seen))

    def step_plan(self, state: TrainingState) -> StepPlan:
        """What is due in the next step."""
        number, rules = state.discriminator_steps, self.rules
        return StepPlan(
            with_penalties=bool(rules.penalties) and number % rules.penalty_interval == 0,
            with_generator=(number + 1) % self.discriminator_steps == 0,
            share=self._share(state.images_seen),
            penalty_scale=self._penalty_scale(state.images_seen),
        )

    def moving(self, state: TrainingState) -> dict[str, float]:
        """The settings that change during this run, with their present values.

        ``rate_factor``, by which the schedule and returns after a divergence have multiplied the
        learning rates; ``noise_generator`` and ``noise_discriminator``, the shares of their
        deviation that are left; ``top_k``; ``penalty_scale``; ``augment_probability``.
        """
        players, images = state.players, state.images_seen
        found: dict[str, float] = {}
        rates = self.rates or RateSchedule("constant", (1.0, 1.0))
        if state.rollbacks or not rates.is_constant:
            factor = rates.factor(self.progress(state), images)
            found["rate_factor"] = state.rate_factor * factor
        for name, until in zip(("generator", "discriminator"), self.noise_until, strict=True):
            if until:
                found[f"noise_{name}"] = _noise_left(until, images)
        if self.top_k_ramp and self.top_k < 1:
            found["top_k"] = self._share(images)
        if self.rules.penalties and self.penalties_fade_from:
            found["penalty_scale"] = self._penalty_scale(images)
        if players.augment.is_adaptive:
            found["augment_probability"] = players.augment.probability.item()
        return found

    def _share(self, images_seen: int) -> float:
        ramp = min(1.0, images_seen / self.top_k_ramp) if self.top_k_ramp else 1.0
        return float(self.top_k**ramp)

    def _penalty_scale(self, images_seen: int) -> float:
        if images_seen <= self.penalties_fade_from or self.penalties_fade_from == 0:
            return 1.0
        return max(self.penalties_fade_to, self.penalties_fade_from / images_seen)

    def progress(self, state: TrainingState) -> float:
        """Which share of the run is done, from 0 to 1."""
        if self.images is not None:
            return min(1.0, state.images_seen / self.images)
        return 0.0 if self.minutes is None else min(1.0, state.seconds / (60 * self.minutes))

    def is_done(self, state: TrainingState) -> bool:
        """Whether the run has reached its end."""
        if self.images is not None and state.images_seen >= self.images:
            return True
        return self.minutes is not None and state.seconds >= 60 * self.minutes


def _noise_left(until: int, images_seen: int) -> float:
    """The share of the instance noise that is left: it falls linearly to 0 at ``until`` images."""
    return max(0.0, 1 - images_seen / until)


Hook = Callable[[int, TrainingState, Statistics], None]
"""Called after each step with ``images_seen`` before it, the state and the step's statistics."""


@dataclass
class StopRequest:
    """Whether anything asked to stop; read between steps."""

    signal: signal.Signals | None = None
    """Set by a handler: the run is to be resumed later."""
    reason: str | None = None
    """Set by a hook: the run is done."""

    def agree(self, ranks: Ranks, state: TrainingState, *, diverged: bool = False) -> bool:
        """Whether any process wants to stop; the time is that of the first process."""
        if ranks.size > 1:
            mine = (
                float(self.signal or 0),
                float(self.reason is not None),
                float(diverged),
                state.seconds if ranks.is_first else 0.0,
            )
            number, is_over, has_diverged, state.seconds = ranks.greatest(mine)
            if number and self.signal is None:
                self.signal = signal.Signals(int(number))
            return bool(number or is_over or has_diverged)
        return self.signal is not None or self.reason is not None


def fit(
    state: TrainingState,
    batches: Batches,
    plan: Plan,
    hooks: Sequence[Hook],
    stop: StopRequest,
) -> None:
    """Train from ``state.images_seen`` until the plan is done or a stop is requested.

    Several processes all stop after the same step.
    """
    ranks = state.players.ranks
    if stop.agree(ranks, state) or plan.is_done(state):
        return
    began = time.perf_counter() - state.seconds
    mine = ranks.share(batches.batch)
    for real_BCHW, class_BK in _timed(batches.with_classes(state.images_seen), state):
        plan.prepare(state)
        latent_BZ = plan.rules.latent.sample(batches.batch, state.latents)[mine]
        ranks.reseed(batches.seed, state.images_seen)
        batch = Batch(real_BCHW, latent_BZ, class_BK)
        statistics = update(state.players, batch, plan.rules, plan.step_plan(state))
        before = state.images_seen
        state.images_seen += batches.batch
        state.discriminator_steps += 1
        state.average.update(state.players.generator, state.images_seen, batches.batch)
        state.seconds = time.perf_counter() - began
        try:
            for hook in hooks:
                hook(before, state, statistics)
        except Diverged:
            stop.agree(ranks, state, diverged=True)
            raise
        if stop.agree(ranks, state) or plan.is_done(state):
            return


def _timed(batches: Iterable[_T], state: TrainingState) -> Iterator[_T]:
    """The same batches; the time that each takes to come is added to ``state.waiting``."""
    began = time.perf_counter()
    for batch in batches:
        state.waiting += time.perf_counter() - began
        yield batch
        began = time.perf_counter()


@contextmanager
def stopping_on_signals() -> Iterator[StopRequest]:
    """Turn signals that end a process into a request to stop; a second signal acts as usual.

    These are SIGINT, SIGTERM, SIGHUP of a terminal that closes, and SIGBREAK of Windows, by which
    a program asks another one to end.

    Outside the main thread Python allows no handlers, and signals stay as they are.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    hangup, ctrl_break = (getattr(signal, name, None) for name in ("SIGHUP", "SIGBREAK"))
    watched = [signal.SIGINT, signal.SIGTERM, *filter(None, (hangup, ctrl_break))]
    previous = {number: signal.getsignal(number) for number in watched}
    if hangup and previous[hangup] == signal.SIG_IGN:  # started with nohup
        watched.remove(hangup)
        del previous[hangup]

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        request.signal = signal.Signals(number)
        for one in watched:
            signal.signal(one, previous[one])

    for number in watched:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number in watched:
            signal.signal(number, previous[number])
