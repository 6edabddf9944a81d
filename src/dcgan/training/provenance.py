"""What identifies a run in its folder, and the checkpoint from which it is resumed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from dcgan.config import RunConfig, config_yaml
from dcgan.data import ImageDataset
from dcgan.data.stream import STREAMED
from dcgan.errors import CheckpointError, DataError, RunError
from dcgan.runs.checkpoints import list_checkpoints, set_aside, verify_checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.schema import Natural, Stored, Text
from dcgan.runtime.device import describe_hardware
from dcgan.runtime.files import write_json, write_text
from dcgan.runtime.reading import read_json, sha256
from dcgan.runtime.shell import call
from dcgan.runtime.versions import package_versions
from dcgan.training.context import RunContext
from dcgan.training.planning.classes import in_place_of_classes, unlike_their_classes
from dcgan.training.planning.clusters import store_clusters
from dcgan.training.planning.time_plan import outlook_at
from dcgan.vocabulary import CLUSTERS

FORMAT = 1
"""Version of the run folder's layout."""


class _Data(Stored):
    model_config = ConfigDict(extra="ignore")

    count: Natural
    fingerprint: Text
    source: Text = ""
    split: Text | None = None


class _Provenance(Stored):
    """What is read again of ``run.json``."""

    model_config = ConfigDict(extra="ignore")

    format: Natural = 0
    data: _Data


def newest_whole_checkpoint(run: RunContext) -> Path | None:
    """The newest checkpoint whose files are as they were written; None if there is none yet.

    Raises
    ------
    CheckpointError
        All checkpoints are damaged.
    """
    folder = run.folder
    checkpoints = list_checkpoints(folder.checkpoints)
    for checkpoint in reversed(checkpoints):
        try:
            verify_checkpoint(checkpoint)
        except CheckpointError as error:
            hidden = set_aside(checkpoint, "damaged")
            run.reporter.note(f"skipped, and kept as {hidden.name}: {error}")
            run.event("damaged", path=hidden.name)
            continue
        return checkpoint
    if checkpoints:
        raise CheckpointError(
            f"{folder.checkpoints}: all checkpoints are damaged. Train a new run with another `out`"
        )
    return None


def write_beginning(run: RunContext) -> None:
    """Write what identifies the run."""
    folder = run.folder
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.samples.mkdir(exist_ok=True)
    folder.checkpoints.mkdir(exist_ok=True)
    hardware = describe_hardware(run.device)
    started = folder.config.exists()
    if not started:
        write_json(folder.networks, run.networks.to_json())
        if run.config.model.condition == CLUSTERS:
            store_clusters(run.dataset, folder)
        provenance = _provenance(run.config, run.dataset, hardware)
        write_json(folder.provenance, provenance | {"networks": sha256(folder.networks)})
    # last: a folder with a configuration has all of the above
    write_text(folder.config, config_yaml(run.config))
    run.event("resumed" if started else "started", command=sys.argv, hardware=hardware)
    classes = run.config.model.condition
    unlike = unlike_their_classes(run.dataset, classes) if classes and not started else None
    if unlike:
        instead = in_place_of_classes(len(run.dataset))
        run.event("unlike-classes", said=unlike, instead=instead)
        cure = "To learn clusters of similar images instead" if instead else "To ignore them"
        run.reporter.note(
            f"{unlike} {cure}, stop and start a new run with"
            f" `model.condition={instead or 'none'}`, in another `out` if you chose one"
        )
    minutes = run.config.length.minutes
    if run.expected is not None and minutes is not None:
        run.event(
            "expectation",
            minutes=minutes,
            expected=run.expected.images_in(minutes),
            outlook=outlook_at(run.expected, minutes),
        )


def _provenance(config: RunConfig, dataset: ImageDataset, hardware: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": now(),
        "versions": package_versions(),
        "data": {
            "source": config.data.source,
            "split": config.data.split,
            "count": len(dataset),
            "skipped": len(dataset.skipped),
            "fingerprint": dataset.fingerprint,
        },
        "command": sys.argv,
        "hardware": hardware,
    }


def refuse_other_dataset(folder: RunFolder, config: RunConfig, dataset: ImageDataset) -> None:
    """Raise ``DataError`` if a folder holds a run that was started on other images."""
    if not folder.config.exists():
        return
    try:
        provenance = _Provenance.read(read_json(folder.provenance))
    except OSError as error:
        raise RunError(f"{folder.provenance}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(
            f"{folder.provenance}: damaged ({error}). Restore it, or choose another `out`"
        ) from error
    if provenance.format > FORMAT:
        raise RunError(f"{folder.path}: made by a newer version of dcgan. Install that version")
    begun_with, fingerprint = provenance.data.count, provenance.data.fingerprint
    source = provenance.data.source or config.data.source
    comparable = fingerprint.startswith(STREAMED) == dataset.fingerprint.startswith(STREAMED)
    same = fingerprint == dataset.fingerprint if comparable else begun_with == len(dataset)
    if same:
        return
    if source != config.data.source:
        raise DataError(
            f"{folder.path}: holds a run on another dataset: {source} there, {config.data.source}"
            f" here. To resume that run: {call('train', out=folder.path, resume=True)}. For"
            " a new run, choose another `out`"
        )
    earlier = (
        ". An earlier version started it, which used every split and images next to class folders:"
        " `data.split=all` and `data.labels=none` use them, too"
    )
    raise DataError(
        f"{folder.path}: was started on {begun_with:,} images, and {source} now holds"
        f" {len(dataset):,} that are not the same. Restore them, or choose another `out`"
        + ("" if provenance.data.split is not None else earlier)
    )
