"""From a run folder, whole or damaged, to the content of its report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from dcgan.data import ImageDataset
from dcgan.errors import CheckpointError, DcganError
from dcgan.health import Diagnosis
from dcgan.metrics.score import Score
from dcgan.report.charts import (
    evidence_chart,
    gradient_charts,
    name_of,
    quality_chart,
    training_charts,
)
from dcgan.report.content import (
    Data,
    Evaluated,
    Fact,
    Health,
    Pair,
    Repeat,
    Report,
    Samples,
    Settings,
    Shown,
)
from dcgan.report.facts import (
    commands_of,
    dataset_facts,
    repeat_facts,
    settings_of,
    summary,
    version_facts,
)
from dcgan.report.pictures import from_sheets, nearest_pairs, real_sheet, sampled
from dcgan.runs.checkpoints import checkpoint_name
from dcgan.runs.exported import is_exported, origin_file
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of
from dcgan.runs.logs import of_training
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run, read_networks
from dcgan.runs.scores import Measured, read_best, read_scores
from dcgan.runs.settings import stored_settings
from dcgan.runtime.changes import newest_first
from dcgan.runtime.reading import read_json
from dcgan.runtime.shell import command
from dcgan.runtime.wording import digits


@dataclass
class Material:
    """What a report is made from besides the files of the run folder.

    Parameters
    ----------
    run : Run or str
        The run at its best checkpoint, to generate samples; or why there are none.
    dataset : ImageDataset or str
        The training images; or why they are not shown.
    """

    run: Run | str
    dataset: ImageDataset | str
    missing: dict[str, str] = field(default_factory=dict)


def gather(folder: RunFolder, material: Material) -> Report:
    """The content of the report; what is missing is said in ``missing``, by part."""
    missing = material.missing
    records = of_training(folder.log.read())
    stored = _provenance(folder, missing)
    settings = _settings(folder, missing)
    best = _best(folder, missing)
    networks = _networks(folder)
    shape = None if networks is None else networks.image_shape
    seen = max(records[-1]["images"] if records else 0, _newest(folder))
    diagnosis = diagnosis_of(folder)
    nearest, about = _nearest(material)
    training = training_charts(records)
    if not training:
        missing["training"] = _missing_log(folder)
    elif folder.log.damaged():
        missing["training"] = f"{folder.log.path.name} has damaged lines, which are left out."
    return Report(
        name=folder.path.resolve().name,
        verdict=diagnosis.verdict,
        facts=summary(seen, records, best, stored),
        samples=_samples(folder, material, shape, best),
        data=Data(dataset_facts(stored, settings, networks), _real(material)),
        training=training,
        gradients=gradient_charts(records),
        quality=_quality(folder, missing),
        evaluated=_evaluated(folder),
        evaluate=command("evaluate", folder.path, *(["IMAGES"] if folder.is_imported() else [])),
        health=_health(diagnosis, [*records, *_signs(folder)]),
        nearest=nearest,
        nearest_about=about,
        settings=settings_of(settings, _text(folder)) if settings else Settings(),
        repeat=Repeat(
            commands_of(folder, stored, settings, seen),
            repeat_facts(stored, settings),
            version_facts(stored),
        ),
        missing=missing,
    )


def _newest(folder: RunFolder) -> int:
    """Images seen at the newest checkpoint, or by an exported model; 0 without any."""
    newest = folder.path if is_exported(folder.path) else folder.latest_checkpoint()
    try:
        return int(checkpoint_name(newest)) if newest else 0
    except CheckpointError:
        return 0


def _provenance(folder: RunFolder, missing: dict[str, str]) -> dict[str, Any]:
    path = origin_file(folder.path)
    try:
        return read_json(path)
    except FileNotFoundError:
        missing["repeat"] = f"{path.name} is missing: it holds command and versions."
    except (OSError, ValueError) as error:
        missing["repeat"] = f"{path.name} cannot be read ({error})."
    return {}


def _settings(folder: RunFolder, missing: dict[str, str]) -> dict[str, Any]:
    try:
        return stored_settings(folder)
    except DcganError:
        state = "damaged" if folder.config.exists() else "missing"
        missing["settings"] = f"{folder.config.name} is {state}."
        return {}


def _text(folder: RunFolder) -> str:
    return folder.config.read_text(encoding="utf-8", errors="backslashreplace")


def _best(folder: RunFolder, missing: dict[str, str]) -> Measured | None:
    try:
        return read_best(folder)
    except DcganError:
        missing["quality"] = f"{folder.best.name} is damaged: the best checkpoint is unknown."
        return None


def _networks(folder: RunFolder) -> Networks | None:
    try:
        return read_networks(folder)
    except DcganError:
        return None


def _samples(
    folder: RunFolder, material: Material, shape: tuple[int, int, int] | None, best: Measured | None
) -> Samples:
    at_best = best.images if best else None
    found = from_sheets(folder, shape, at_best)
    missing = material.missing
    if not found.film:
        missing["film"] = f"There are no sheets in {folder.samples.name}/."
    if isinstance(material.run, str):
        missing["samples"] = material.run
        return found
    try:
        return replace(found, best=sampled(material.run, at_best))
    except DcganError as error:
        missing["samples"] = f"The checkpoint cannot be used: {error}."
        return found


def _real(material: Material) -> Any:
    if isinstance(material.dataset, str):
        material.missing["data"] = material.dataset
        return None
    try:
        return real_sheet(material.dataset)
    except (DcganError, OSError) as error:
        material.missing["data"] = f"The training images cannot be read: {error}."
        return None


def _nearest(material: Material) -> tuple[list[Pair], str]:
    run, dataset = material.run, material.dataset
    if isinstance(run, str) or isinstance(dataset, str):
        return [], ""
    try:
        return nearest_pairs(run, dataset)
    except (DcganError, OSError) as error:
        material.missing["nearest"] = f"They cannot be found: {error}."
        return [], ""


def _quality(folder: RunFolder, missing: dict[str, str]) -> list[Any]:
    entries = read_scores(folder)
    if not entries:
        missing.setdefault("quality", "There are no scores of training.")
        return []
    latest = entries[-1].score.protocol
    scores = {one.images: one.score for one in entries if one.score.protocol == latest}
    return [quality_chart(scores)]


def _evaluated(folder: RunFolder) -> Evaluated | None:
    """The latest result of ``dcgan evaluate`` for one checkpoint."""
    files = [path for path in folder.evaluations.glob("*.json") if path.name[:1].isdigit()]
    for path in newest_first(files):
        try:
            found = read_json(path)
            scores = [Score.from_json(one) for one in found["scores"]]
            about = f"{found['judgement']} Checkpoint of {found['images_seen']:,} images seen."
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return Evaluated(about, scores)
    return None


def _signs(folder: RunFolder) -> list[dict[str, Any]]:
    """The vital signs at each score, like lines of the log."""
    return [{**one.signs, "images": one.images} for one in read_scores(folder)]


def _health(diagnosis: Diagnosis, records: list[dict[str, Any]]) -> Health:
    findings = [
        Shown(
            one,
            [Fact(digits(value, 4), name_of(key)) for key, value in one.evidence.items()],
            evidence_chart(one, records),
        )
        for one in diagnosis.findings
    ]
    return Health(diagnosis.severity, findings, diagnosis.step)


def _missing_log(folder: RunFolder) -> str:
    name = folder.log.path.name
    if folder.is_imported():
        return "The model was imported: it was not trained here."
    if is_exported(folder.path):
        return "An exported model has no log of its training."
    return f"{name} has no line of training." if folder.log.path.exists() else f"{name} is missing."
