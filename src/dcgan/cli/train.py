"""``dcgan train``: train a DCGAN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from dcgan.cli.options import OptionalData
from dcgan.config import merge
from dcgan.config.fields import Section
from dcgan.config.model import ModelConfig
from dcgan.config.tree import (
    AugmentConfig,
    AverageConfig,
    DataConfig,
    LengthConfig,
    MetricsConfig,
    ObjectiveConfig,
    OptimConfig,
    RecordsConfig,
)

_MAIN, _DATA, _MODEL, _OBJECTIVE, _AUGMENT, _OPTIM, _AVERAGE, _LENGTH, _METRICS, _RECORDS = (
    Group(title, sort_key=rank)
    for rank, title in enumerate(
        (
            "Options",
            "Images",
            "Networks",
            "Objective",
            "Augmentation",
            "Optimizers",
            "Averaging",
            "Length",
            "Metrics",
            "Records",
        )
    )
)


def train(
    data: OptionalData = None,
    /,
    *,
    recipe: Annotated[str | None, Parameter(group=_MAIN)] = None,
    out: Annotated[Path | None, Parameter(group=_MAIN)] = None,
    resume: Annotated[bool, Parameter(group=_MAIN)] = False,
    size: Annotated[str | None, Parameter(group=_MAIN)] = None,
    images: Annotated[int | None, Parameter(group=_MAIN)] = None,
    epochs: Annotated[int | None, Parameter(group=_MAIN)] = None,
    minutes: Annotated[float | None, Parameter(group=_MAIN)] = None,
    batch: Annotated[int | None, Parameter(group=_MAIN)] = None,
    seed: Annotated[int | None, Parameter(group=_MAIN)] = None,
    device: Annotated[str | None, Parameter(group=_MAIN)] = None,
    precision: Annotated[str | None, Parameter(group=_MAIN)] = None,
    threads: Annotated[str | None, Parameter(group=_MAIN)] = None,
    deterministic: Annotated[bool, Parameter(group=_MAIN)] = False,
    data_root: Annotated[Path | None, Parameter(group=_MAIN)] = None,
    as_json: Annotated[bool, Parameter(name="--json", group=_MAIN)] = False,
    data_settings: Annotated[DataConfig | None, Parameter(name="--data", group=_DATA)] = None,
    model: Annotated[ModelConfig | None, Parameter(group=_MODEL)] = None,
    objective: Annotated[ObjectiveConfig | None, Parameter(group=_OBJECTIVE)] = None,
    augment: Annotated[AugmentConfig | None, Parameter(group=_AUGMENT)] = None,
    optim: Annotated[OptimConfig | None, Parameter(group=_OPTIM)] = None,
    average: Annotated[AverageConfig | None, Parameter(group=_AVERAGE)] = None,
    length: Annotated[LengthConfig | None, Parameter(group=_LENGTH)] = None,
    metrics: Annotated[MetricsConfig | None, Parameter(group=_METRICS)] = None,
    records: Annotated[RecordsConfig | None, Parameter(group=_RECORDS)] = None,
) -> None:
    """Train a DCGAN on a dataset of images.

    The same command with the same --out resumes an unfinished run.

    Parameters
    ----------
    data
        Choose the dataset: a folder, .zip, .tar, .npy, .npz or .parquet, a URL of tar shards, or a
        name: digits, shapes, mnist, fashion-mnist, cifar10, celeba, lsun/CATEGORY, hub:OWNER/NAME
        (default: digits).
    recipe
        Choose a recipe by name (dcgan recipes lists them) or a YAML file (default: auto). What the
        recipe sets replaces the defaults printed below.
    out
        Set the run folder (default: a new folder in runs/). The same command with the same --out
        resumes an unfinished run.
    resume
        Resume the run in --out with its own dataset and settings, or without --out the newest run
        of these settings. --images, --epochs or --minutes extend it; they count from its start.
    size
        Set the height and width in pixels: 64, or 157x128.
    images
        Stop after this many real images seen.
    epochs
        Stop after this many passes over the dataset.
    minutes
        Stop after this many minutes of training.
    batch
        Set the number of real images per step.
    seed
        Set the seed of all random numbers (default: 0).
    device
        Choose the device: auto, cpu, cuda, cuda:N or mps (default: auto).
    precision
        Choose the precision of matrix products: auto, fp32 or bf16. auto times a few steps and
        chooses the faster one (default: auto).
    threads
        Set the number of CPU threads: a fixed number, or auto, which chooses the fastest number and
        adapts it. 2,1@12288 repeats a run that changed from 2 to 1 at 12,288 images (default:
        auto).
    deterministic
        Use only deterministic algorithms, so that resume is bit-identical on a GPU too. This is
        slower on a GPU.
    data_root
        Set the folder of datasets chosen by name (default: the environment variable DCGAN_DATA).
    as_json
        Print one JSON object about the run as the last line on stdout.
    """
    from dcgan.config import parse_config, validate_combinations
    from dcgan.runtime.arguments import refuse_nothing_to_resume
    from dcgan.runtime.launch import speaks
    from dcgan.training.planning.arguments import collect_settings

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
    request: dict[str, Any] = {
        "recipe": recipe,
        "out": out,
        "resume": resume,
        "data_root": data_root,
        "settings": settings,
    }
    # refuse what can be known to be wrong before torch is imported, which takes seconds
    if resume and out is not None:
        refuse_nothing_to_resume(out)
    validate_combinations(parse_config(collect_settings(data, shortcuts=shortcuts, **request)))

    from dcgan.cli.flags import screen
    from dcgan.cli.train_report import as_dict, as_text
    from dcgan.training import train as train_run

    run = train_run(data, **request, **shortcuts, reporter=screen())
    if not speaks():
        return
    print(json.dumps(as_dict(run)) if as_json else as_text(run))


def _given(sections: Mapping[str, Section | None]) -> dict[str, Any]:
    """Only what was said on the command line, nested."""
    given: dict[str, Any] = {}
    for name, section in sections.items():
        if section is not None:
            given = merge(given, {name: section.model_dump(mode="json", exclude_unset=True)})
    return given
