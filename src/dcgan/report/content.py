"""What a report shows, as plain data. Each part may be missing, with one line that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from dcgan.health import Finding, Step
from dcgan.metrics.score import Score
from dcgan.render.lines import Chart


class Picture(NamedTuple):
    """An image with what it shows."""

    image: Image.Image
    caption: str


class Fact(NamedTuple):
    """A number or a text with what it is, such as ``("36,608", "images seen")``."""

    value: str
    label: str


class Pair(NamedTuple):
    """A generated image, the real image nearest to it, and their distance."""

    generated: Image.Image
    real: Image.Image
    distance: float


class Setting(NamedTuple):
    """A setting with its value in this run and its default."""

    key: str
    value: str
    default: str


class Command(NamedTuple):
    """A command line with what it does."""

    line: str
    what: str


@dataclass(frozen=True)
class Samples:
    """Generated images.

    Parameters
    ----------
    best : Picture, optional
        A sheet of the best checkpoint.
    film : sequence of Picture
        Sheets of the same latents, oldest first.
    animation : bytes, optional
        The same as a GIF.
    """

    best: Picture | None = None
    film: Sequence[Picture] = ()
    animation: bytes | None = None


@dataclass(frozen=True)
class Data:
    """What the run was trained on: facts, and a sheet of real images."""

    facts: Sequence[Fact] = ()
    sheet: Picture | None = None


class Shown(NamedTuple):
    """A finding, its numbers, and a chart where these are curves of the log."""

    finding: Finding
    evidence: Sequence[Fact]
    chart: Chart | None


@dataclass(frozen=True)
class Health:
    """Findings, the severity of the worst that still holds, and what to do next."""

    severity: str
    findings: Sequence[Shown]
    step: Step


@dataclass(frozen=True)
class Evaluated:
    """Scores of one checkpoint by ``dcgan evaluate``."""

    about: str
    scores: Sequence[Score]


@dataclass(frozen=True)
class Settings:
    """The configuration: set differently, chosen automatically, and the whole file."""

    changed: Sequence[Setting] = ()
    chosen: Sequence[Setting] = ()
    text: str = ""


@dataclass(frozen=True)
class Repeat:
    """How to repeat the run, and with what it was made."""

    commands: Sequence[Command] = ()
    facts: Sequence[Fact] = ()
    versions: Sequence[Fact] = ()


@dataclass(frozen=True)
class Report:
    """One run.

    Parameters
    ----------
    name : str
        The name of its folder.
    verdict : str
        One or two sentences.
    facts : sequence of Fact
        The numbers that sum it up.
    evaluate : str
        The command that would give ``evaluated``.
    nearest : sequence of Pair
    nearest_about : str
        Which real images were searched.
    missing : mapping of str to str
        Part → one line that says why it is missing.
    """

    name: str
    verdict: str
    health: Health
    facts: Sequence[Fact] = ()
    samples: Samples = Samples()
    data: Data = Data()
    training: Sequence[Chart] = ()
    gradients: Sequence[Chart] = ()
    quality: Sequence[Chart] = ()
    evaluated: Evaluated | None = None
    evaluate: str = ""
    nearest: Sequence[Pair] = ()
    nearest_about: str = ""
    settings: Settings = Settings()
    repeat: Repeat = Repeat()
    missing: Mapping[str, str] = field(default_factory=dict)
