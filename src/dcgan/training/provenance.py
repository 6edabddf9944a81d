"""What a run folder holds before the first step: what identifies the run, and where it goes on."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import ConfigDict

from dcgan.config import RunConfig
from dcgan.data import ImageDataset
from dcgan.data.stream import STREAMED
from dcgan.errors import CheckpointError, DataError, RunError
from dcgan.runs.checkpoints import list_checkpoints, set_aside, verify_checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.networks import Networks
from dcgan.runs.schema import Natural, Stored, Text
from dcgan.runtime.device import describe_hardware
from dcgan.runtime.files import write_json, write_text
from dcgan.runtime.reading import read_json, sha256
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.shell import command

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


def newest_whole_checkpoint(folder: RunFolder, reporter: Reporter) -> Path | None:
    """The newest checkpoint whose files are all as they were written.

    Raises
    ------
    CheckpointError
        There are checkpoints, and every one is damaged.
    """
    found = list_checkpoints(folder.checkpoints)
    for checkpoint in reversed(found):
        try:
            verify_checkpoint(checkpoint)
        except CheckpointError as error:
            hidden = set_aside(checkpoint, "damaged")
            reporter.note(f"passed over, and kept as {hidden.name}: {error}")
            folder.events.append({"time": now(), "event": "damaged", "path": hidden.name})
            continue
        return checkpoint
    if found:
        raise CheckpointError(f"{folder.checkpoints}: every checkpoint is damaged; train anew")
    return None


def write_beginning(
    folder: RunFolder,
    config: RunConfig,
    networks: Networks,
    dataset: ImageDataset,
    device: torch.device,
) -> None:
    """Write what identifies the run, or check it against what is there.

    Raises
    ------
    DataError
        The run was begun on other pictures.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.samples.mkdir(exist_ok=True)
    folder.checkpoints.mkdir(exist_ok=True)
    started = folder.config.exists()
    if started:
        _refuse_other_dataset(folder, config, dataset)
    else:
        write_json(folder.networks, networks.to_json())
        provenance = _provenance(config, dataset, device)
        write_json(folder.provenance, provenance | {"networks": sha256(folder.networks)})
    # last: a folder with a configuration has all of the above
    write_text(folder.config, config_yaml(config))
    folder.events.append(
        {"time": now(), "event": "resumed" if started else "started", "command": sys.argv}
        | {"hardware": describe_hardware(device)}
    )


def config_yaml(config: RunConfig) -> str:
    """A configuration as the YAML that a run folder keeps and ``--recipe FILE`` reads."""
    return yaml.safe_dump(
        config.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=100
    )


def _provenance(config: RunConfig, dataset: ImageDataset, device: torch.device) -> dict[str, Any]:
    packages = ("dcgan", "torch", "numpy", "pillow", "safetensors")
    return {
        "format": FORMAT,
        "created": now(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
        "data": {
            "source": config.data.source,
            "split": config.data.split,
            "count": len(dataset),
            "skipped": len(dataset.skipped),
            "fingerprint": dataset.fingerprint,
        },
        "command": sys.argv,
        "hardware": describe_hardware(device),
    }


def _refuse_other_dataset(folder: RunFolder, config: RunConfig, dataset: ImageDataset) -> None:
    try:
        provenance = _Provenance.read(read_json(folder.provenance))
    except OSError as error:
        raise RunError(f"{folder.provenance}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(
            f"{folder.provenance}: damaged ({error}); restore it or take another --out"
        ) from error
    if provenance.format > FORMAT:
        raise RunError(f"{folder.path}: made by a newer dcgan; install that")
    begun_with, fingerprint = provenance.data.count, provenance.data.fingerprint
    source = provenance.data.source or config.data.source
    comparable = fingerprint.startswith(STREAMED) == dataset.fingerprint.startswith(STREAMED)
    same = fingerprint == dataset.fingerprint if comparable else begun_with == len(dataset)
    if same:
        return
    if source != config.data.source:
        raise DataError(
            f"{folder.path}: holds a run on another dataset: {source} there, {config.data.source}"
            f" here. To resume that run: {command('train', '--out', folder.path, '--resume')}. For"
            " a new run, give another --out"
        )
    earlier = (
        ". An earlier version began it, which used every split and images beside class folders:"
        " --data.split all --data.labels none uses them, too"
    )
    raise DataError(
        f"{folder.path}: was begun on {begun_with:,} images, and {source} now holds"
        f" {len(dataset):,} that are not the same. Restore them, or give another --out"
        + ("" if provenance.data.split is not None else earlier)
    )
