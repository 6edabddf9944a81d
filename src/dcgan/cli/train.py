"""``dcgan train``: train a DCGAN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from dcgan.cli.options import OptionalData
from dcgan.config import merge
from dcgan.config.fields import Section
from dcgan.config.tree import (
    AugmentConfig,
    AverageConfig,
    DataConfig,
    LengthConfig,
    MetricsConfig,
    ModelConfig,
    ObjectiveConfig,
    OptimConfig,
    RecordsConfig,
)


def train(
    data: OptionalData = None,
    /,
    *,
    recipe: str | None = None,
    out: Path | None = None,
    resume: bool = False,
    size: str | None = None,
    images: int | None = None,
    epochs: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    threads: str | None = None,
    deterministic: bool = False,
    data_root: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    data_settings: Annotated[DataConfig | None, Parameter(name="--data")] = None,
    model: ModelConfig | None = None,
    objective: ObjectiveConfig | None = None,
    augment: AugmentConfig | None = None,
    optim: OptimConfig | None = None,
    average: AverageConfig | None = None,
    length: LengthConfig | None = None,
    metrics: MetricsConfig | None = None,
    records: RecordsConfig | None = None,
) -> None:
    """Train a DCGAN on a dataset of images.

    ``dcgan train --help`` is printed by :mod:`dcgan.cli.train_help`.
    """
    from dcgan.runtime.launch import speaks

    sections = {
        "data": data_settings,
        "model": model,
        "objective": objective,
        "augment": augment,
        "optim": optim,
        "average": average,
        "length": length,
        "metrics": metrics,
        "records": records,
    }
    settings = _given(sections) | ({"deterministic": True} if deterministic else {})
    shortcuts: dict[str, Any] = {
        "size": size,
        "images": images,
        "epochs": epochs,
        "minutes": minutes,
        "batch": batch,
        "seed": seed,
        "device": device,
        "precision": precision,
        "threads": threads,
    }
    _refuse_early(data, recipe, out, resume, data_root, shortcuts, settings)

    from dcgan.cli.flags import screen
    from dcgan.cli.train_report import as_dict, as_text
    from dcgan.training import train as train_run

    run = train_run(
        data,
        recipe=recipe,
        out=out,
        resume=resume,
        data_root=data_root,
        settings=settings,
        reporter=screen(),
        **shortcuts,
    )
    if not speaks():
        return
    print(json.dumps(as_dict(run)) if as_json else as_text(run))


def _refuse_early(
    data: str | None,
    recipe: str | None,
    out: Path | None,
    resume: bool,
    data_root: Path | None,
    shortcuts: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> None:
    """Refuse what can be known to be wrong before torch is imported, which takes seconds."""
    from dcgan.config import parse_config, validate_combinations
    from dcgan.runtime.arguments import refuse_nothing_to_resume
    from dcgan.training.arguments import collect_settings, starting_settings

    if resume and out is not None:
        refuse_nothing_to_resume(out)
    asked = collect_settings(
        recipe=starting_settings(recipe, out=out, resume=resume),
        data=data,
        data_root=data_root,
        shortcuts=shortcuts,
        settings=settings,
    )
    validate_combinations(parse_config(asked))


def _given(sections: Mapping[str, Section | None]) -> dict[str, Any]:
    """Only what was said on the command line, nested."""
    given: dict[str, Any] = {}
    for name, section in sections.items():
        if section is not None:
            given = merge(given, {name: section.model_dump(mode="json", exclude_unset=True)})
    return given
