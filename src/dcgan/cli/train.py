"""``dcgan train``: train a DCGAN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

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

if TYPE_CHECKING:
    from dcgan.runs import Run

_MAIN, _DATA, _MODEL, _OBJECTIVE, _AUGMENT, _OPTIM, _AVERAGE, _LENGTH, _METRICS, _RECORDS = (
    Group(title, sort_key=rank)
    for rank, title in enumerate(
        (
            "Options",
            "Pictures",
            "Networks",
            "Objective",
            "Augmentation",
            "Optimisers",
            "Averaging",
            "Length",
            "Measuring",
            "Records",
        )
    )
)


def train(
    data: OptionalData = None,
    /,
    *,
    recipe: Annotated[str, Parameter(group=_MAIN)] = "auto",
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
    """Train a DCGAN on a collection of pictures.

    Running the same command with the same --out again goes on with an unfinished run.

    Parameters
    ----------
    data
        A folder, .zip, .tar, .npy, .npz or .parquet, an address of shards, or a name: digits,
        shapes, mnist, fashion-mnist, cifar10, celeba, lsun/CATEGORY, hub:OWNER/NAME
        (default: digits).
    recipe
        A recipe ('dcgan recipes' lists them) or a YAML file.
    out
        The run folder (default: a new one below runs/).
    resume
        Go on with an earlier run of this configuration; it may now be longer.
    size
        Height and width: 64, or 157x128.
    images
        Train until so many images have been seen.
    epochs
        Train for so many passes over the data.
    minutes
        Train for so long.
    batch
        Images per step.
    seed
        Seed of everything random.
    device
        auto, cpu, cuda, cuda:N or mps.
    precision
        auto, fp32 or bf16.
    threads
        Threads that compute on a CPU: auto, or a number, which then never changes. A run whose
        number changed is repeated by its record, such as 2,1@12288.
    deterministic
        Only deterministic algorithms: exact resume on a GPU too, and slower there.
    data_root
        Where named data sets lie (default: the variable DCGAN_DATA).
    as_json
        Make the last line on stdout one JSON object about the run.
    """
    from dcgan.runs.checkpoints import list_checkpoints
    from dcgan.runs.scores import read_best
    from dcgan.runtime.launch import speaks
    from dcgan.runtime.progress import TerminalReporter
    from dcgan.training import train as train_run

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
    run = train_run(
        data,
        recipe=recipe,
        out=out,
        resume=resume,
        size=size,
        images=images,
        epochs=epochs,
        minutes=minutes,
        batch=batch,
        seed=seed,
        device=device,
        precision=precision,
        threads=threads,
        data_root=data_root,
        settings=_given(sections) | ({"deterministic": True} if deterministic else {}),
        reporter=TerminalReporter(),
    )
    if not speaks():
        return
    folder = run.folder
    seen = int(list_checkpoints(folder.checkpoints)[-1].name)  # the checkpoint opened is the best
    if not as_json:
        print(f"sample sheet   {folder.sheets()[-1]}")
        print(f"training GIF   {folder.animation}")
        print(f"loss curves    {folder.curves}")
        print(f"gradients      {folder.gradients}")
        if folder.quality.is_file():
            print(f"quality        {folder.quality}")
        print(f"run folder     {folder.path}")
        print(f"best           {_best_line(run)}")
        again = f"--recipe {folder.config} --out {folder.path} --resume"
        print("next:")
        print(f"  dcgan sample {folder.path} -n 100 --seed 1 --out samples.png")
        print(f"  dcgan evaluate {folder.path}")
        print(f"  dcgan train {again} --images {2 * seen}")
        print("  dcgan train PICTURES --minutes 10      # a folder or zip of your own pictures")
        return
    records_seen = folder.log.read()
    seconds = records_seen[-1]["seconds"] if records_seen else 0.0
    best = read_best(folder)
    print(
        json.dumps(
            {
                "run": str(folder.path),
                "images": seen,
                "images_per_second": round(seen / seconds, 1) if seconds else None,
                "best": run.checkpoint.name,
                "scores": best.score.to_json() if best else None,
            }
        )
    )


def _best_line(run: Run) -> str:
    """Which checkpoint commands take by default, and by what it was found."""
    from dcgan.runs.scores import read_best

    best = read_best(run.folder)
    if best is None:
        return f"{run.checkpoint.name}, the last: nothing was measured while it trained"
    score = best.score
    return (
        f"{best.checkpoint}: {score.name} {score.value:.3g}, real {score.floor:.2g},"
        f" {score.generated:,} images each"
    )


def _given(sections: Mapping[str, Section | None]) -> dict[str, Any]:
    """Only what was said on the command line, nested."""
    given: dict[str, Any] = {}
    for name, section in sections.items():
        if section is not None:
            given = merge(given, {name: section.model_dump(mode="json", exclude_unset=True)})
    return given
