"""What the page shows of a run: a card for the list, and everything for the run's own page.

Missing or damaged files only make for less to show.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from dcgan.data.loader import epoch_images
from dcgan.errors import DcganError
from dcgan.health import Diagnosis, Finding
from dcgan.health.finding import FROM_START
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.expectation import expectation_of
from dcgan.runs.exported import is_exported
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of
from dcgan.runs.logs import is_count
from dcgan.runs.run import read_networks
from dcgan.runs.scores import read_best, read_scores
from dcgan.runs.settings import section_of, stored_settings
from dcgan.runtime.changes import newest_first, state_of
from dcgan.runtime.reading import read_json
from dcgan.runtime.shell import words_of
from dcgan.studio.answers import plain
from dcgan.studio.curves import log_of
from dcgan.studio.library import OWN
from dcgan.studio.locks import is_locked

State = Literal["training", "ended", "model"]

_SIGNATURE = (
    *("log.jsonl", "scores.jsonl", "events.jsonl", "best.json", "run.json"),
    *("samples", "evaluations"),
)

_NEVER_BEGAN = "Training stopped before its first step."

_DAMAGED = "Files of this run are damaged. Restore them from a copy, or train again."


@dataclass(frozen=True)
class Quality:
    """A score with that of as many real images.

    Attributes
    ----------
    value, real : float
        ``real`` is None if it is not known.
    label : str
        The name of the metric.
    images : int
        Images seen at this score.
    """

    value: float
    real: float | None
    label: str
    images: int


@dataclass(frozen=True)
class Card:
    """A run in a list.

    Attributes
    ----------
    state : {"training", "ended", "model"}
        ``model`` is an exported, imported or built-in model, which was not trained here.
    planned : int, optional
        Images to be seen in all, if the length of the run is in images or epochs.
    minutes : float, optional
        Minutes of training in all, if that is the length of the run.
    severity : {"early", "fine", "warning", "failure"}
        Of the verdict.
    sheet : int, optional
        Images seen at the newest sheet; None without a sheet.
    """

    id: str
    name: str
    state: State
    built_in: bool
    data: str
    size: str
    images: int
    planned: int | None
    minutes: float | None
    seconds: float
    verdict: str
    severity: str
    quality: Quality | None
    sheet: int | None
    changed: float


@dataclass(frozen=True)
class Advice:
    """What to do next, and whether the studio can do it."""

    text: str
    command: str
    can_start: bool


@dataclass(frozen=True)
class Details:
    """All of a run but its curves.

    Attributes
    ----------
    speed : float, optional
        Images per second, lately.
    outlook : str
        What a run that is bounded by time expected at its start, a sentence without its period;
        empty if that is not known.
    judgement : str
        How good the images are, by the newest evaluation: a grade and why; empty without one.
    judged : int, optional
        Images seen at the checkpoint that it is about.
    sheets, checkpoints : list of int
        Images seen at each.
    """

    card: Card
    path: str
    outlook: str
    judgement: str
    judged: int | None
    advice: Advice
    best: str
    findings: list[dict[str, Any]]
    sheets: list[int]
    checkpoints: list[int]
    scores: list[Quality]
    speed: float | None
    labels: list[str]
    has_discriminator: bool
    settings: dict[str, Any] = field(default_factory=dict)


def signature(path: Path) -> tuple[object, ...]:
    """It changes whenever what the page shows of a run may have changed."""
    return (*(state_of(path / name) for name in _SIGNATURE), is_locked(path))


def card_of(run: str, path: Path, *, built_in: bool = False) -> Card:
    """A run in short; of a run whose files are damaged beyond that, little but its name."""
    try:
        return _card(run, RunFolder(path), _diagnosis(RunFolder(path)), built_in=built_in)
    except Exception:  # one run must not hide the others
        return _damaged(run, path, built_in=built_in)


def _card(run: str, folder: RunFolder, diagnosis: Diagnosis, *, built_in: bool) -> Card:
    path, records = folder.path, log_of(folder.path)
    settings = _settings(folder)
    length = section_of(settings, "length")
    provenance = _json(folder.provenance)
    about = _json(path / "model.json") if is_exported(path) else provenance
    sheets = folder.sheets()
    last = records[-1] if records else {}
    seen = max(last.get("images", 0), _count(about.get("images_seen")) or 0, _saved(folder))
    is_model = is_exported(path) or folder.is_imported()
    state: State = "training" if is_locked(path) else "model" if is_model else "ended"
    never_began = state == "ended" and not records and not seen
    return Card(
        id=run,
        name=path.name,
        state=state,
        built_in=built_in,
        data=_data_name(str(section_of(about, "data").get("source") or "unknown")),
        size=_size(folder),
        images=seen,
        planned=_planned(settings, provenance),
        minutes=_number(length.get("minutes")),
        seconds=_number(last.get("seconds")) or 0.0,
        verdict=_NEVER_BEGAN if never_began else diagnosis.verdict,
        severity=_severity(diagnosis),
        quality=_best(folder),
        sheet=int(sheets[-1].stem) if sheets else None,
        changed=_changed(path),
    )


def details_of(run: str, path: Path, *, built_in: bool = False) -> Details:
    """Everything but the curves; of a run whose files are damaged beyond that, little more than
    its card."""
    try:
        return _details(run, RunFolder(path), built_in=built_in)
    except Exception:
        return Details(
            card=card_of(run, path, built_in=built_in),
            path=str(path),
            outlook="",
            judgement="",
            judged=None,
            advice=Advice("", "", can_start=False),
            best="",
            findings=[],
            sheets=[],
            checkpoints=[],
            scores=[],
            speed=None,
            labels=[],
            has_discriminator=False,
        )


def _details(run: str, folder: RunFolder, *, built_in: bool) -> Details:
    path = folder.path
    diagnosis = _diagnosis(folder)
    records = log_of(path)
    step = diagnosis.step
    classes: tuple[str, ...] = ()
    has_discriminator = False
    with suppress(DcganError, OSError):
        networks = read_networks(folder)
        classes, has_discriminator = networks.class_names, bool(networks.discriminator)
    card = _card(run, folder, diagnosis, built_in=built_in)
    evaluation = _evaluation(folder)
    return Details(
        card=card,
        path=str(path),
        outlook=str(expectation_of(folder, card.minutes).get("outlook", "")),
        judgement=str(evaluation.get("judgement", "")),
        judged=_count(evaluation.get("images_seen")),
        advice=Advice(step.advice, step.command, can_start=bool(training_words(step.command))),
        best=diagnosis.best,
        findings=[_in_words(one, diagnosis.images_seen) for one in diagnosis.findings],
        sheets=[int(sheet.stem) for sheet in folder.sheets()],
        checkpoints=[int(one.name) for one in list_checkpoints(folder.checkpoints)],
        scores=_scores(folder),
        speed=_number(records[-1].get("images_per_second")) if records else None,
        labels=list(classes),
        has_discriminator=has_discriminator and not is_exported(path),
        settings=_settings(folder),
    )


def training_words(command: str) -> list[str]:
    """The words after ``dcgan`` of a command that trains; empty for any other."""
    try:
        words = words_of(command)
    except ValueError:  # an open quote
        return []
    return words[1:] if words[:2] == ["dcgan", "train"] else []


def _diagnosis(folder: RunFolder) -> Diagnosis:
    try:
        return diagnosis_of(folder)
    except Exception:
        return Diagnosis(_DAMAGED, "failure")


def _severity(diagnosis: Diagnosis) -> str:
    """How serious a verdict is; the same state has made its sentence."""
    if diagnosis.is_early:
        return "early"
    return "fine" if diagnosis.severity == "note" else diagnosis.severity


def _damaged(run: str, path: Path, *, built_in: bool) -> Card:
    """The card of a run of which nothing can be read."""
    return Card(
        id=run,
        name=path.name,
        state="ended",
        built_in=built_in,
        data="unknown",
        size="",
        images=0,
        planned=None,
        minutes=None,
        seconds=0.0,
        verdict=_DAMAGED,
        severity="failure",
        quality=None,
        sheet=None,
        changed=0.0,
    )


def _in_words(finding: Finding, seen: int) -> dict[str, Any]:
    when = finding.when(seen)
    return {
        "id": finding.id,
        "severity": finding.severity,
        "when": "" if when == FROM_START else when,
        "meaning": finding.meaning,
        "holds": finding.until is None,
    }


def _data_name(source: str) -> str:
    """The name of a dataset; files that were sent to the studio have none of their own."""
    return "uploaded images" if OWN in Path(source).parts else Path(source).name


def _scores(folder: RunFolder) -> list[Quality]:
    with suppress(DcganError, OSError, ValueError):
        return [
            Quality(one.score.value, one.score.baseline, one.score.label, one.images)
            for one in read_scores(folder)
        ]
    return []


def _evaluation(folder: RunFolder) -> dict[str, Any]:
    """The newest of one checkpoint; those of all checkpoints have no judgement."""
    found = map(_json, newest_first(folder.evaluations.glob("*.json")))
    return next((one for one in found if "judgement" in one), {})


def _best(folder: RunFolder) -> Quality | None:
    with suppress(DcganError, OSError, ValueError):
        best = read_best(folder)
        if best is not None:
            return Quality(best.score.value, best.score.baseline, best.score.label, best.images)
    return None


def _size(folder: RunFolder) -> str:
    with suppress(DcganError, OSError):
        _, height, width = read_networks(folder).image_shape
        return f"{height}×{width}"
    return ""


def _planned(settings: Mapping[str, Any], provenance: Mapping[str, Any]) -> int | None:
    length, batch = section_of(settings, "length"), section_of(settings, "optim").get("batch")
    epochs = _number(length.get("epochs"))
    count = _count(section_of(provenance, "data").get("count"))
    if epochs is not None and count is not None:
        shown = epoch_images(count, batch) if is_count(batch) and batch else count
        planned = float(epochs * shown)
        return round(planned) if isfinite(planned) else None
    return _count(length.get("images"))


def _count(value: Any) -> int | None:
    return value if is_count(value) else None


def _number(value: Any) -> float | None:
    return plain(value) if type(value) in {int, float} else None


def _saved(folder: RunFolder) -> int:
    newest = folder.latest_checkpoint()
    return int(newest.name) if newest else 0


def _settings(folder: RunFolder) -> dict[str, Any]:
    with suppress(DcganError):
        found: dict[str, Any] = plain(stored_settings(folder))
        return found
    return {}


def _json(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return read_json(path)
    return {}


def _changed(path: Path) -> float:
    """When a run was last written to, in seconds since the epoch; 0 if nothing is there."""
    states = (state_of(path / name) for name in (*_SIGNATURE, "model.json"))
    return max(0, *(state.modified_ns for state in states)) / 1e9
