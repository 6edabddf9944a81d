"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from dcgan.runtime.arguments import (
    refuse_no_data,
    refuse_no_device,
    refuse_no_run,
    refuse_other_files,
    refuse_run_as_data,
    refuse_seed,
)
from dcgan.runtime.built_in import run_path
from dcgan.runtime.run_names import refuse_no_checkpoint, refuse_no_direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from cyclopts import Token

    from dcgan.data import ImageDataset
    from dcgan.latent.choice import Choice
    from dcgan.runs.run import Run
    from dcgan.runtime.ranks import Ranks


def _refuse_no_run(_: object, value: Path) -> None:
    refuse_no_run(value)


def _refuse_no_data(_: object, value: str | None) -> None:
    if value is not None:
        refuse_no_data(value)
        refuse_other_files(value)
        refuse_run_as_data(value)


def _run_folder(_: object, tokens: Sequence[Token]) -> Path:
    """The folder of a run, of a built-in model, or of a model of the hub, which is downloaded."""
    text = tokens[0].value
    if not text.startswith("hub:"):
        return run_path(text)
    from dcgan.exchange.open import from_hub

    return from_hub(text)


ExistingRun = Annotated[
    Path,
    Parameter(
        validator=_refuse_no_run,
        converter=_run_folder,
        n_tokens=1,
        help="Choose the run folder, which dcgan train wrote, a built-in model (dcgan models lists"
        " them), or an exported model: its folder, or hub:OWNER/NAME.",
    ),
]
ExistingData = Annotated[str, Parameter(validator=_refuse_no_data)]
OptionalData = Annotated[str | None, Parameter(validator=_refuse_no_data)]
"""Runs and datasets. Missing ones are refused during parsing, before torch is imported."""

SIZE = Parameter(metavar="N|HxW")
"""A size: 64, or height times width."""

DataRoot = Annotated[
    Path | None,
    Parameter(
        help="Set the folder of datasets chosen by name (default: the environment variable"
        " DCGAN_DATA)."
    ),
]
Checkpoint = Annotated[
    str, Parameter(help="Choose the checkpoint: best, last, or a number of images seen.")
]
Device = Annotated[str, Parameter(help="Choose the device: auto, cpu, cuda or mps.")]
Seed = Annotated[
    int, Parameter(help="Set the seed of the latents. The same seed gives the same latents.")
]
Json = Annotated[
    bool,
    Parameter(
        name="--json", negative=(), help="Print the result as JSON, the last line on stdout."
    ),
]

Switch = Annotated[bool, Parameter(negative=())]
"""A switch without a --no-KEY twin."""


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """The latents, and the generator that makes images of them.

    Parameters
    ----------
    label
        Generate only this class. The run must be trained on labels (--model.condition).
    code
        Fix an InfoGAN code of the run: 1=3 sets code 1 to category 3 (the first is 0), 2=-0.5
        sets the continuous code 2 to -0.5.
    move
        Move along a stored direction, by a number of standard deviations: smile=2 (see dcgan
        directions).
    truncation
        Limit the numbers of each latent to this many standard deviations, such as 2. This trades
        variety for quality; below 1.5 images get worse (default: off).
    """

    seed: Seed = 0
    label: str | None = None
    code: tuple[str, ...] = ()
    move: tuple[str, ...] = ()
    truncation: float | None = None
    checkpoint: Checkpoint = "best"
    device: Device = "auto"

    def refuse_wrong(self, run: Path) -> None:
        """Refuse values that no run or this run cannot have, before torch is imported."""
        refuse_seed(self.seed)
        refuse_place(run, self.checkpoint, self.device)
        for name, _ in _pairs(self.code, "code"):
            _number(name, "code")
        for name, by in _pairs(self.move, "move"):
            refuse_no_direction(run, name, key="move", typed=f"{name}={by:g}")

    def open(self, run: Path, ranks: Ranks | None = None) -> tuple[Run, Choice]:
        """The run and the choices that all of its latents share."""
        from dcgan.latent.choice import Choice
        from dcgan.runs import open_run
        from dcgan.runtime.ranks import Ranks

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
    smooth: Switch = False
    once: Switch = False


@Parameter(name="*")
@dataclass(frozen=True)
class RealImages:
    """Real images to compare with, and to learn labels from.

    Parameters
    ----------
    neighbors
        Show the nearest real image below each image of a sheet (smallest pixel difference).
    data
        Choose the dataset of the real images and labels (default: the run's training data).
    """

    neighbors: Switch = False
    data: OptionalData = None
    data_root: DataRoot = None

    def open(self, run: Run) -> ImageDataset:
        """The dataset, fitted like the run's training images; shows progress."""
        from dcgan.cli.flags import screen
        from dcgan.runs.dataset import open_dataset

        with screen(is_first=run.ranks.is_first) as reporter:
            return open_dataset(
                run.folder, run.networks, self.data, data_root=self.data_root, reporter=reporter
            )

    def open_if_shown(self, run: Run) -> ImageDataset | None:
        """The dataset if ``neighbors`` is set."""
        return self.open(run) if self.neighbors else None


def refuse_place(run: Path, checkpoint: str, device: str) -> None:
    """Refuse a missing checkpoint, or a word that is no device, before torch is imported."""
    refuse_no_device(device)
    refuse_no_checkpoint(run, checkpoint)


def computing_device(wanted: str) -> torch.device:
    """The device to compute on; on a CPU, with no more threads than other programs leave cores."""
    from dcgan.runtime.device import choose_device
    from dcgan.runtime.threads import leave_busy_cores

    device = choose_device(wanted)
    if device.type == "cpu":
        leave_busy_cores()
    return device


def _pairs(words: tuple[str, ...], key: str) -> list[tuple[str, float]]:
    """``("1=3", "2=-0.5")`` → ``[("1", 3.0), ("2", -0.5)]``."""
    from dcgan.errors import ConfigError

    pairs: dict[str, float] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(key, word, f"use {_PAIRS[key]}") from None
        if not isfinite(number):
            raise ConfigError(key, word, "the number must be finite")
        if name in pairs:
            raise ConfigError(key, word, f"{name} is set twice. Set it once")
        pairs[name] = number
    return list(pairs.items())


def _number(word: str, key: str) -> int:
    from dcgan.errors import ConfigError

    try:
        return int(word)
    except ValueError:
        raise ConfigError(key, word, f"use {_PAIRS[key]}") from None


_PAIRS = {"code": "NUMBER=VALUE, such as 1=3", "move": "NAME=AMOUNT, such as smile=2"}
