"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from dcgan.runtime.arguments import refuse_no_data, refuse_no_run

if TYPE_CHECKING:
    import torch

    from dcgan.data import ImageDataset
    from dcgan.latent.choice import Choice
    from dcgan.runs.run import Run
    from dcgan.runtime.ranks import Ranks


def _refuse_no_run(_: object, value: Path) -> None:
    refuse_no_run(value)


def _refuse_no_data(_: object, value: str | None) -> None:
    if value is not None:
        refuse_no_data(value)


ExistingRun = Annotated[Path, Parameter(validator=_refuse_no_run)]
"""A run folder. What does not exist is refused while words are read, before torch is imported."""

ExistingData = Annotated[str, Parameter(validator=_refuse_no_data)]
OptionalData = Annotated[str | None, Parameter(validator=_refuse_no_data)]
"""A dataset that exists if it is a path, checked as early."""


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """Which latents, and which generator draws them.

    Parameters
    ----------
    seed
        The i-th latent of a seed is always the same.
    label
        Only images of this class, of a run that was trained on labels.
    code
        Fix a code of a run that has some: 1=3 is category 3 of the first, 2=-0.5 a number.
    move
        Move along a named direction of the run, by so many deviations: smile=2 (see directions).
    truncation
        Draw latents from the middle of the distribution, up to so many deviations, such as 2: fewer
        kinds of images, better ones; below 1.5 they fall apart.
    checkpoint
        best, last, or a number of images seen.
    device
        auto, cpu, cuda or mps.
    """

    seed: int = 0
    label: str | None = None
    code: tuple[str, ...] = ()
    move: tuple[str, ...] = ()
    truncation: float | None = None
    checkpoint: str = "best"
    device: str = "auto"

    def open(self, run: Path, ranks: Ranks | None = None) -> tuple[Run, Choice]:
        """The run and what its latents have in common."""
        from dcgan.errors import ConfigError
        from dcgan.latent.choice import Choice
        from dcgan.runs import open_run
        from dcgan.runtime.ranks import Ranks

        if not 0 <= self.seed < 2**63:
            raise ConfigError("seed", self.seed, "from 0 to 2^63 - 1")
        device = computing_device(self.device)
        opened = open_run(run, checkpoint=self.checkpoint, device=device, ranks=ranks or Ranks())
        codes = {_number(name, "code"): value for name, value in _pairs(self.code, "code")}
        moves = dict(_pairs(self.move, "move"))
        return opened, Choice(self.seed, self.label, codes, self.truncation, moves)


@Parameter(name="*")
@dataclass(frozen=True)
class Film:
    """How pictures in sequence are shown.

    Parameters
    ----------
    fps
        Frames per second of a film.
    side
        Pixels of its longer side, or of each image on a sheet (default: enlarged by a whole factor
        to about 256, on a sheet 64).
    smooth
        Enlarge smoothly; without, each pixel stays a square.
    once
        Play once; without, for ever.
    """

    fps: float = 20.0
    side: int | None = None
    smooth: Annotated[bool, Parameter(negative=())] = False
    once: Annotated[bool, Parameter(negative=())] = False


def computing_device(wanted: str) -> torch.device:
    """The device to compute on; on a CPU, with no more threads than other programs leave cores."""
    from dcgan.runtime.device import choose_device
    from dcgan.runtime.threads import leave_busy_cores

    device = choose_device(wanted)
    if device.type == "cpu":
        leave_busy_cores()
    return device


def open_run_dataset(run: Run, data: str | None, data_root: Path | None) -> ImageDataset:
    """The pictures that a run was trained on, or others seen the same way, with progress shown."""
    from dcgan.runs.dataset import open_dataset
    from dcgan.runtime.progress import TerminalReporter
    from dcgan.runtime.reporting import Reporter

    reporter = TerminalReporter() if run.ranks.is_first else Reporter()
    try:
        return open_dataset(
            run.folder,
            run.networks,
            data,
            data_root=data_root,
            note=reporter.note,
            progress=reporter.decoding,
        )
    finally:
        reporter.end()


def _pairs(words: tuple[str, ...], key: str) -> list[tuple[str, float]]:
    """``("1=3", "2=-0.5")`` → ``[("1", 3.0), ("2", -0.5)]``."""
    from dcgan.errors import ConfigError

    found: list[tuple[str, float]] = []
    for word in words:
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(key, word, f"write {_PAIRS[key]}") from None
        if not isfinite(number):
            raise ConfigError(key, word, "no number to go by")
        if name in dict(found):
            raise ConfigError(key, word, f"{name} is given twice")
        found.append((name, number))
    return found


def _number(word: str, key: str) -> int:
    from dcgan.errors import ConfigError

    try:
        return int(word)
    except ValueError:
        raise ConfigError(key, word, f"write {_PAIRS[key]}") from None


_PAIRS = {"code": "NUMBER=VALUE, such as 1=3", "move": "NAME=AMOUNT, such as smile=2"}
