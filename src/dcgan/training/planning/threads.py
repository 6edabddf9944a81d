"""How many threads compute a run; chosen again when the load of the machine changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import torch

from dcgan.config.fields import thread_changes
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runtime.device import processor_name
from dcgan.runtime.load import free_cores, usage
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.torch_settings import set_threads

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
    changes : tuple of (int, int)
        The record: from how many images seen on which number computes, the first from 0 on.
    most : int
        All that PyTorch would use here.
    chosen : {"timed", "asked", "given"}
        By timing steps, and it may be chosen again; by the user, and only what is recorded
        changes; or by whoever started the process, where no choice is made: on GPUs, and where
        several processes train.
    speeds : mapping of int to float
        Images per second by number of threads, each measured with cores free for all of them.
    machine : str
        Where they were measured.
    """

    changes: tuple[tuple[int, int], ...] = field(
        default_factory=lambda: ((0, torch.get_num_threads()),)
    )
    most: int = field(default_factory=torch.get_num_threads)
    chosen: Literal["timed", "asked", "given"] = "given"
    speeds: Mapping[int, float] = field(default_factory=dict)
    machine: str = field(default_factory=processor_name)

    @property
    def number(self) -> int:
        """After the last change."""
        return self.changes[-1][1]

    @property
    def record(self) -> str:
        """The changes as the setting ``threads`` takes them, to repeat the run."""
        (_, first), *later = self.changes
        return ",".join([f"{first}", *(f"{number}@{images}" for images, number in later)])

    def at(self, images: int) -> int:
        """The number that computes the step after so many images."""
        return [number for start, number in self.changes if start <= images][-1]

    def changed(self, images: int, number: int) -> Self:
        """The same, with another number after so many images."""
        earlier = tuple(change for change in self.changes if change[0] < images)
        if earlier and earlier[-1][1] == number:
            return replace(self, changes=earlier)
        return replace(self, changes=(*earlier, (images, number)))

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        speeds = {str(number): round(speed, 2) for number, speed in self.speeds.items()}
        found = {"record": self.record, "most": self.most, "chosen": self.chosen}
        return found | {"speeds": speeds, "machine": self.machine}

    def resumed(self, stored: Mapping[str, Any] | None, images: int) -> Self:
        """This start's threads, going on after so many images with what a checkpoint holds.

        A number that is asked for now comes before the checkpoint's, and that before what is
        chosen; there are no more than there are here. Speeds of another machine are forgotten.
        """
        if stored is None or self.chosen == "given" or stored["chosen"] == "given":
            return self
        before = thread_changes(stored["record"])
        if self.chosen == "asked":
            if len(self.changes) > 1:
                return self
            return replace(self, changes=before).changed(images, self.number)
        here = replace(self, changes=before, chosen=stored["chosen"])
        if here.chosen == "timed":
            here = here.changed(images, min(here.number, self.most))
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
    """Times the steps of a run, and changes the number of threads where a checkpoint is saved.

    It comes first among the hooks, and :class:`StepStart` last: what lies between is not timed.
    There are no further steps, and no device is waited for.
    """

    def __init__(self, folder: RunFolder, reporter: Reporter, number: int) -> None:
        self._folder = folder
        self._reporter = reporter
        self._number = number
        self._step_began: float | None = None  # the first step also warms up
        self._begin()

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del statistics
        if self._step_began is not None:
            self._images += state.images_seen - before
            self._seconds += time.perf_counter() - self._step_began

    def can_choose(self, state: TrainingState) -> bool:
        """Whether the number may change, and enough steps are timed to choose it again."""
        return state.threads.chosen == "timed" and self._seconds >= _SECONDS

    def choose(self, state: TrainingState) -> bool:
        """Choose again, and tell whether the number changes; then a checkpoint has to be saved."""
        speed, free = self._images / self._seconds, free_cores(self._since, usage())
        self._begin()
        threads = state.threads.observed(speed, free)
        state.threads = threads.changed(state.images_seen, threads.faster(speed, free))
        return state.threads.number != threads.number

    def begin_step(self, state: TrainingState) -> None:
        """Let the next step be computed by the number that is due, and time it."""
        number, before = state.threads.at(state.images_seen), self._number
        if number != before:
            self._number = number
            set_threads(number)
            self._tell(state, before, number)
        self._step_began = time.perf_counter()

    def _tell(self, state: TrainingState, before: int, number: int) -> None:
        images = state.images_seen
        self._folder.events.append(
            {"time": now(), "event": "threads", "images": images, "from": before, "to": number}
            | {"record": state.threads.record}
        )
        why = "as asked for"
        if state.threads.chosen == "timed":
            why = "other programs keep cores busy" if number < before else "cores are free again"
        self._reporter.note(
            f"{number} instead of {before} threads from {images:,} images on: {why}"
        )

    def _begin(self) -> None:
        self._images, self._seconds, self._since = 0, 0.0, usage()


class StepStart:
    """Tells a :class:`ThreadsHook` that all is done between two steps; there threads change."""

    def __init__(self, timing: ThreadsHook) -> None:
        self._timing = timing

    def after_step(self, before: int, state: TrainingState, statistics: Statistics) -> None:
        del before, statistics
        self._timing.begin_step(state)
