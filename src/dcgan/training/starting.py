"""Where a run begins: a new folder, or one that holds the same run unfinished."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import torch
import yaml
from filelock import FileLock, Timeout

from dcgan.config import RunConfig, parse_config, read_yaml, resolved
from dcgan.data import Pictures
from dcgan.data.stream import STREAMED
from dcgan.errors import CheckpointError, ConfigError, DataError, RunConflict, RunError
from dcgan.runs.checkpoints import list_checkpoints, set_aside, verify_checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import now
from dcgan.runs.networks import Networks
from dcgan.runtime.device import describe_hardware
from dcgan.runtime.files import write_json, write_text
from dcgan.training.auto import fill_auto
from dcgan.training.reporting import Reporter
from dcgan.training.settings import differences

FORMAT = 1
"""Version of the run folder's layout."""

_NOT_THE_RUN = (
    "data.cache",
    "data.cache_gb",
    "data.memory_gb",
    "data.root",
    "data.source",
    "device",
    "metrics",
    "optim.micro_batch",
    "optim.recompute",
    "recipe",
    "records",
)
"""Settings that may differ between two starts of one run: they do not touch its weights, or, as for
where the pictures lie, are checked by the pictures' fingerprint."""

_DEFAULT_PARENT = Path("runs")


def choose_folder(
    config: RunConfig, *, out: str | Path | None, resume: bool
) -> tuple[RunFolder | None, RunConfig | None]:
    """The run's folder (none: a new one is to be made), and its stored configuration.

    Parameters
    ----------
    config : RunConfig
        What was asked for; may still hold ``auto``.
    out : path, optional
        Without it, a new folder below ``runs/``; with ``resume``, the newest one there that
        holds this configuration.

    Raises
    ------
    RunError
        ``out`` holds something else, or there is nothing to resume.
    """
    if out is not None:
        folder = RunFolder(Path(out))
        stored = _stored_config(folder)
        if stored is None and folder.path.exists() and _is_in_use(folder.path):
            raise RunError(
                f"{folder.path}: holds other files and no run; take another --out or empty it"
            )
        if stored is None and resume:
            raise RunError(f"{folder.path}: no run to resume there; leave --resume away")
        return folder, stored
    if resume:
        return _newest_matching(config)
    return None, None


def refuse_conflict(
    config: RunConfig, stored: RunConfig, folder: RunFolder, *, longer: bool
) -> None:
    """Refuse to go on with a run of another configuration.

    Parameters
    ----------
    longer : bool
        Whether its length may differ: a resumed run may be trained further than first planned.

    Raises
    ------
    RunConflict
        Names the keys that differ.
    """
    ignore = (*_NOT_THE_RUN, "length") if longer else _NOT_THE_RUN
    found = differences(config, stored, ignore=ignore)
    if found:
        listed = "; ".join(f"{key}: {values}" for key, values in found.items())
        raise RunConflict(
            f"{folder.path}: holds a run of another configuration ({listed}); take another --out"
        )


def refuse_uneven(config: RunConfig, processes: int) -> None:
    """Refuse a batch that so many processes cannot share equally, and go through in equal parts.

    Raises
    ------
    ConfigError
    """
    batch, pack = resolved(config.optim.batch), config.model.discriminator.pack
    if batch % (processes * pack):
        packs = f" in packs of {pack}" if pack > 1 else ""
        raise ConfigError(
            "optim.batch",
            batch,
            f"{processes} processes have no equal shares of it{packs}; take a multiple of"
            f" {processes * pack}",
        )
    micro = config.optim.micro_batch
    if micro != "auto" and (batch // processes % micro or micro % pack):
        packs = f", themselves whole packs of {pack}" if pack > 1 else ""
        raise ConfigError(
            "optim.micro_batch",
            micro,
            f"must divide the {batch // processes} images of a batch{packs}",
        )


@contextmanager
def claimed(
    folder: RunFolder | None, config: RunConfig, stored: RunConfig | None
) -> Iterator[RunFolder]:
    """Make the folder where there is none, and keep other processes from training in it.

    The lock falls with the process. A folder in which no run was begun is not left behind.

    Raises
    ------
    RunError
        Another process is training in the folder, or has begun a run there since we looked.
    """
    if folder is None:
        folder = RunFolder(_make_fresh_folder(config))
    made = not folder.path.exists()
    folder.path.mkdir(parents=True, exist_ok=True)
    path = folder.path / ".lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RunError(
            f"{folder.path}: another process is training in it; wait, or take another --out"
        ) from error
    try:
        if _stored_config(folder) != stored:
            raise RunError(f"{folder.path}: another process has begun a run in it; try again")
        yield folder
    finally:
        lock.release()
        if not folder.config.exists() and not _is_in_use(folder.path):
            path.unlink(missing_ok=True)
            if made or stored is None:
                with suppress(OSError):
                    folder.path.rmdir()


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
            hidden = set_aside(checkpoint)
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
    pictures: Pictures,
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
        _refuse_other_pictures(folder, pictures)
    else:
        write_json(folder.networks, networks.to_json())
        write_json(folder.provenance, _provenance(config, pictures, device))
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


def _stored_config(folder: RunFolder) -> RunConfig | None:
    if not folder.config.is_file():
        return None
    try:
        return parse_config(read_yaml(folder.config))
    except ConfigError as error:
        raise RunError(f"{folder.config}: {error}; take another --out") from error


def _is_in_use(path: Path) -> bool:
    """Whether a path holds anything that a run killed in its first second would not."""
    if not path.is_dir():
        return True
    ours = {"cache", "samples", "checkpoints", "networks.json", "run.json"}
    return any(
        entry.name not in ours and not entry.name.startswith(".") for entry in path.iterdir()
    )


def _newest_matching(config: RunConfig) -> tuple[RunFolder, RunConfig]:
    candidates = sorted(
        _DEFAULT_PARENT.glob("*/config.yaml"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in candidates:
        folder = RunFolder(path.parent)
        try:
            stored = parse_config(read_yaml(path))
        except ConfigError:
            continue  # somebody else's, or of another version
        # where nothing else tells two runs apart, the pictures do
        same_data = stored.data.source == config.data.source
        filled = fill_auto(config, stored)
        if same_data and not differences(filled, stored, ignore=(*_NOT_THE_RUN, "length")):
            return folder, stored
    raise RunError(
        f"nothing to resume: no run of this configuration in {_DEFAULT_PARENT}/; give its folder"
        " with --out, or leave --resume away"
    )


def _make_fresh_folder(config: RunConfig) -> Path:
    """A new folder below ``runs/``; two processes that ask at once get two."""
    name = f"{Path(config.data.source.replace(':', '-')).stem}-{Path(config.recipe).stem}"
    for number in count(1):
        path = _DEFAULT_PARENT / (name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):
            path.mkdir(parents=True)
            return path
    raise AssertionError


def _provenance(config: RunConfig, pictures: Pictures, device: torch.device) -> dict[str, Any]:
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
            "count": len(pictures),
            "skipped": len(pictures.skipped),
            "fingerprint": pictures.fingerprint,
        },
        "command": sys.argv,
        "hardware": describe_hardware(device),
    }


def _refuse_other_pictures(folder: RunFolder, pictures: Pictures) -> None:
    try:
        provenance = json.loads(folder.provenance.read_text(encoding="utf-8"))
        begun_with, fingerprint = provenance["data"]["count"], provenance["data"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder.provenance}: damaged ({error}); restore it or take another --out"
        ) from error
    if provenance.get("format", 0) > FORMAT:
        raise RunError(f"{folder.path}: made by a newer dcgan; install that")
    comparable = fingerprint.startswith(STREAMED) == pictures.fingerprint.startswith(STREAMED)
    same = fingerprint == pictures.fingerprint if comparable else begun_with == len(pictures)
    if not same:
        raise DataError(
            f"{folder.path}: was begun on {begun_with} pictures, and the data now holds"
            f" {len(pictures)} that are not the same; restore them or take another --out"
        )
