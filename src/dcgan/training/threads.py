"""How many threads compute a run; chosen again at checkpoints when the machine's load changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import torch

from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runtime.device import processor_name
from dcgan.runtime.load import free_cores, usage
from dcgan.runtime.torch_settings import set_threads
from dcgan.training.reporting import Reporter

if TYPE_CHECKING:
    from dcgan.training.rules import Statistics
    from dcgan.training.state import TrainingState

_SECONDS = 10.0
"""Seconds of steps that show a load to be more than a moment's."""

_GAIN = 1.25
"""How many times as fast another number must be expected to be."""

_FREE = 0.9
"""Cores that must be free for each thread, so that threads run as on an idle machine."""


def thread_choices(most: int) -> tuple[int, ...]:
    """Numbers of threads worth a try: one, half and all.

    >>> thread_choices(16), thread_choices(2), thread_choices(1)
    ((1, 8, 16), (1, 2), (1,))
    """
    return tuple(sorted({1, max(1, most // 2), most}))


@dataclass(frozen=True)
class Threads:
    """The number of threads that compute a run.

    Parameters
    ----------
    number : int
        In use.
    most : int
        All that PyTorch would use here.
    chosen : {"timed", "asked", "given"}
        By timing steps, and it may be chosen again; by the user, and it stays; or by whoever
        started the process, where no choice is made: on GPUs, and where several processes train.
    speeds : mapping of int to float
        Images per second by number of threads, each measured with cores free for all of them.
    machine : str
        Where they were measured.
    """

    number: int = field(default_factory=torch.get_num_threads)
    most: int = field(default_factory=torch.get_num_threads)
    chosen: Literal["timed", "asked", "given"] = "given"
    speeds: Mapping[int, float] = field(default_factory=dict)
    machine: str = field(default_factory=processor_name)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        speeds = {str(number): round(speed, 2) for number, speed in self.speeds.items()}
        found = {"number": self.number, "most": self.most, "chosen": self.chosen}
        return found | {"speeds": speeds, "machine": self.machine}

    def resumed(self, stored: Mapping[str, Any] | None) -> Self:
        """This start's threads, with what a checkpoint holds where nobody asks for other ones.

        No more than there are here; speeds of another machine are forgotten.
        """
        if stored is None or self.chosen != "timed" or stored["chosen"] == "given":
            return self
        number = min(int(stored["number"]), self.most)
        here = replace(self, number=number, chosen=stored["chosen"])
        if (stored["machine"], stored["most"]) != (self.machine, self.most):
            return here
        speeds = {int(number): float(speed) for number, speed in stored["speeds"].items()}
        return replace(here, speeds=speeds)

    def observed(self, speed: float, free: float | None) -> Self:
        """The same, with a speed of the present number noted where its threads had free cores."""
        if free is not None and free < _FREE * self.number:
            return self
        return replace(self, speeds={**self.speeds, self.number: speed})

    def faster(self, speed: float, free: float | None) -> int:
        """The number that is expected to be fastest from here on; the present one if in doubt.

        Fewer threads than now get their share of the free cores. More are tried only where the
        system says that cores for all of them are free; a number never measured so is then taken
        to gain in proportion.

        Parameters
        ----------
        speed : float
            Images per second at present.
        free : float, optional
            Cores that other programs leave, as of :func:`dcgan.runtime.load.free_cores`.
        """
        expected = {self.number: _GAIN * speed}
        for number in thread_choices(self.most):
            if number < self.number and number in self.speeds:
                share = 1.0 if free is None else min(1.0, free / number)
                expected[number] = share * self.speeds[number]
            elif number > self.number and free is not None and free >= _FREE * number:
                in_proportion = speed * number / self.number
                expected[number] = self.speeds.get(number, in_proportion)
        return max(expected, key=lambda number: (expected[number], number == self.number))


class ThreadsHook:
    """Times the steps of a run, and changes the number of threads when a checkpoint is saved.

    It comes first among the hooks, and :class:`StepStart` last: what lies between is not timed.
    There are no further steps, and no device is waited for.
    """

    def __init__(self, folder: RunFolder, reporter: Reporter) -> None:
        self._folder = folder
        self._reporter = reporter
        self._step_began: float | None = None  # the first step also warms up
        self._begin()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._step_began is not None:
            self._images += state.images_seen - before
            self._seconds += time.perf_counter() - self._step_began

    def note_start(self) -> None:
        """The next step begins."""
        self._step_began = time.perf_counter()

    def choose(self, state: TrainingState) -> None:
        """Choose again, before a checkpoint; it goes into the state that is saved."""
        threads = state.threads
        if threads.chosen != "timed" or self._seconds < _SECONDS:
            return
        speed, free = self._images / self._seconds, free_cores(self._since, usage())
        threads = threads.observed(speed, free)
        self._speed = speed
        state.threads = replace(threads, number=threads.faster(speed, free))
        self._begin()

    def change(self, state: TrainingState, before: int) -> None:
        """Compute with the chosen number, after the checkpoint; say so where it is another one."""
        number, images = state.threads.number, state.images_seen
        if number == before:
            return
        set_threads(number)
        self._folder.events.append(
            {"time": now(), "event": "threads", "images": images, "from": before, "to": number}
        )
        why = "other programs keep cores busy" if number < before else "cores are free again"
        self._reporter.note(
            f"{number} instead of {before} threads from {images:,} images on: {why}"
        )

    def _begin(self) -> None:
        self._images, self._seconds, self._since = 0, 0.0, usage()


class StepStart:
    """Tells a :class:`ThreadsHook` when all that happens between two steps is done."""

    def __init__(self, timing: ThreadsHook) -> None:
        self._timing = timing

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del before, state, statistics
        self._timing.note_start()
