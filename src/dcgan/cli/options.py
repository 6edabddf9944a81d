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
"""A run folder. A missing one is refused while arguments are parsed, before torch is imported."""

ExistingData = Annotated[str, Parameter(validator=_refuse_no_data)]
OptionalData = Annotated[str | None, Parameter(validator=_refuse_no_data)]
"""A dataset that exists if it is a path, checked as early."""


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """The latents, and the generator that makes images of them.

    Parameters
    ----------
    seed
        Set the seed of the latents. The same seed gives the same latents.
    label
        Generate only this class. The run must be trained on labels (--model.condition).
    code
        Fix an InfoGAN code of the run: 1=3 sets code 1 to category 3, 2=-0.5 sets the
        continuous code 2 to -0.5.
    move
        Move along a stored direction, by a number of standard deviations: smile=2 (see dcgan
        directions).
    truncation
        Limit the numbers of each latent to this many standard deviations, such as 2. This trades
        variety for quality; below 1.5 images get worse (default: off).
    checkpoint
        Choose the checkpoint: best, last, or a number of images seen.
    device
        Choose the device: auto, cpu, cuda or mps.
    """

    seed: int = 0
    label: str | None = None
    code: tuple[str, ...] = ()
    move: tuple[str, ...] = ()
    truncation: float | None = None
    checkpoint: str = "best"
    device: str = "auto"

    def open(self, run: Path, ranks: Ranks | None = None) -> tuple[Run, Choice]:
        """The run and the choices that all of its latents share."""
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
    """How a sequence of images is shown.

    Parameters
    ----------
    fps
        Set the frames per second of an animation.
    side
        Set the longer side in pixels, of an animation or of each image on a sheet (default:
        enlarge by a whole factor to about 256, on a sheet to about 64).
    smooth
        Enlarge smoothly. Without it, each pixel stays a square.
    once
        Play an animation once. Without it, the animation loops.
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
    """Open the training images of a run, or others fitted the same way, and show progress."""
    from dcgan.cli.flags import screen
    from dcgan.runs.dataset import open_dataset

    with screen(is_first=run.ranks.is_first) as reporter:
        return open_dataset(
            run.folder,
            run.networks,
            data,
            data_root=data_root,
            reporter=reporter,
        )


def _pairs(words: tuple[str, ...], key: str) -> list[tuple[str, float]]:
    """``("1=3", "2=-0.5")`` → ``[("1", 3.0), ("2", -0.5)]``."""
    from dcgan.errors import ConfigError

    found: list[tuple[str, float]] = []
    for word in words:
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(key, word, f"use {_PAIRS[key]}") from None
        if not isfinite(number):
            raise ConfigError(key, word, "not a finite number")
        if name in dict(found):
            raise ConfigError(key, word, f"{name} is set twice. Set it once")
        found.append((name, number))
    return found


def _number(word: str, key: str) -> int:
    from dcgan.errors import ConfigError

    try:
        return int(word)
    except ValueError:
        raise ConfigError(key, word, f"use {_PAIRS[key]}") from None


_PAIRS = {"code": "NUMBER=VALUE, such as 1=3", "move": "NAME=AMOUNT, such as smile=2"}
