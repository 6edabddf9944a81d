"""How many threads a run uses, chosen again when the load of the machine changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import torch

from dcgan.config.fields import thread_changes
from dcgan.runtime.device import processor_name

_GAIN = 1.25
"""Another number must be expected to be this many times as fast."""

_FREE = 0.9
"""Free cores per thread with which threads run as on an idle machine."""


def thread_choices(most: int) -> tuple[int, ...]:
    """Numbers of threads worth trying: one, half and all.

    >>> thread_choices(16), thread_choices(2), thread_choices(1)
    ((1, 8, 16), (1, 2), (1,))
    """
    return tuple(sorted({1, max(1, most // 2), most}))


@dataclass(frozen=True)
class Threads:
    """The number of threads of a run.

    Parameters
    ----------
    changes : tuple of (int, int)
        The record: (images seen, number of threads from there on), the first from 0 on.
    most : int
        PyTorch's default number on this machine.
    chosen : {"timed", "asked", "given"}
        ``timed``: by timing steps; it may be chosen again. ``asked``: by the user; only what is
        recorded changes. ``given``: by whoever started the process, as on GPUs and with several
        processes; it stays.
    speeds : mapping of int to float
        Images per second by number of threads, measured with free cores for all of them.
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
        """The number after the last change."""
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
        """These threads, continued after so many images with what a checkpoint holds.

        A number that the user set now counts most, then the checkpoint's, then one that is chosen
        now; at most as many as this machine has. Speeds of another machine are forgotten.
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
        """The same, with the speed of the present number, if its threads had free cores."""
        if free is not None and free < _FREE * self.number:
            return self
        return replace(self, speeds={**self.speeds, self.number: speed})

    def faster(self, speed: float, free: float | None) -> int:
        """The number that is expected to be fastest from here on; if in doubt, the present one.

        Fewer threads get their share of the free cores. More are tried only if the system reports
        free cores for all of them; without a measured speed, they are expected to be faster in
        proportion.

        Parameters
        ----------
        speed : float
            Images per second at present.
        free : float, optional
            Cores that other programs leave, see :func:`dcgan.runtime.load.free_cores`.
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
