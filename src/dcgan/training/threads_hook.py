"""Times steps and changes the number of threads during a run."""

from __future__ import annotations

import time

from dcgan.runtime.load import free_cores, usage
from dcgan.runtime.torch_settings import set_threads
from dcgan.training.context import RunContext
from dcgan.training.rules import Statistics
from dcgan.training.state import TrainingState

_SECONDS = 10.0
"""Seconds of steps after which a load counts as lasting."""


class ThreadsHook:
    """Times the steps of a run, and changes the number of threads when a checkpoint is saved.

    ``after_step`` is the first of the hooks, ``begin_step`` the last: those between are not timed.
    """

    def __init__(self, run: RunContext, number: int) -> None:
        self._run = run
        self._number = number
        self._step_began: float | None = None  # the first step also warms up
        self._begin()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._step_began is not None:
            self._images += state.images_seen - before
            self._seconds += time.perf_counter() - self._step_began

    def can_choose(self, state: TrainingState) -> bool:
        """Whether the number may change, and enough steps have been timed to choose it again."""
        return state.threads.chosen == "timed" and self._seconds >= _SECONDS

    def choose(self, state: TrainingState) -> bool:
        """Choose again; returns whether the number changes, which needs a checkpoint."""
        speed, free = self._images / self._seconds, free_cores(self._since, usage())
        self._begin()
        threads = state.threads.observed(speed, free)
        state.threads = threads.changed(state.images_seen, threads.faster(speed, free))
        return state.threads.number != threads.number

    def begin_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        """Set the number of threads that is due, and start timing the next step."""
        del before, statistics
        number, earlier = state.threads.at(state.images_seen), self._number
        if number != earlier:
            self._number = number
            set_threads(number)
            self._tell(state, earlier, number)
        self._step_began = time.perf_counter()

    def _tell(self, state: TrainingState, before: int, number: int) -> None:
        images = state.images_seen
        numbers = {"from": before, "to": number, "record": state.threads.record}
        self._run.event("threads", images=images, **numbers)
        why = "as `threads` says"
        if state.threads.chosen == "timed":
            why = "other programs keep cores busy" if number < before else "cores are free again"
        self._run.reporter.note(
            f"{number} instead of {before} threads from {images:,} images on: {why}"
        )

    def _begin(self) -> None:
        self._images, self._seconds, self._since = 0, 0.0, usage()
