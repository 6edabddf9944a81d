"""Which folder a run uses: a new one, or one with the same run unfinished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dcgan.config import RunConfig, forget_unused, parse_config, read_yaml
from dcgan.errors import ConfigError, RunConflict, RunError
from dcgan.runs.folder import RunFolder
from dcgan.runs.settings import differences
from dcgan.runtime.arguments import RUNS, refuse_exported, refuse_nothing_to_resume
from dcgan.runtime.changes import newest_first
from dcgan.runtime.files import StrPath, expanded, with_ending
from dcgan.runtime.run_names import is_exported
from dcgan.runtime.shell import DATA, RUN, call
from dcgan.training.planning.auto import fill_auto

_NOT_THE_RUN = (
    "data.cache",
    "data.cache_gb",
    "data.labels",
    "data.memory_gb",
    "data.root",
    "data.source",
    "data.split",
    "device",
    "metrics",
    "on_failure",
    "optim.micro_batch",
    "optim.recompute",
    "recipe",
    "records",
    "threads",
)
"""Settings that may differ between two starts of one run: they change its weights only by rounding,
or only what follows a failure; of the place of the images, fingerprint and classes are compared."""

_NOT_IN_NAMES = r'[<>:"/\\|?*]+'
"""What Windows allows in no name."""

_MOMENT = 1.0
"""Seconds to wait for the lock of a folder: who only looks whether it is taken holds it briefly."""


def choose_folder(
    config: RunConfig, *, out: StrPath | None, resume: bool
) -> tuple[RunFolder | None, RunConfig | None]:
    """The run's folder (None: a new one is needed), and its stored configuration.

    Parameters
    ----------
    config : RunConfig
        May still hold ``auto``.
    out : path, optional
        Default: a new folder below ``runs/``; with ``resume``, the newest one there with this
        configuration.

    Raises
    ------
    RunError
        ``out`` holds something else, or there is nothing to resume.
    """
    if out is not None:
        folder = RunFolder(expanded(out))
        _refuse_imported(folder)
        refuse_exported(folder.path)
        stored = _stored_config(folder)
        if stored is None and folder.path.exists() and _is_in_use(folder.path):
            if folder.networks.is_file() or folder.checkpoints.is_dir():
                raise RunError(
                    f"{folder.path}: holds a run without its {folder.config.name}, so it cannot"
                    " be resumed. Restore that file, or choose another `out`"
                )
            if not folder.path.is_dir():
                raise RunError(f"{folder.path}: a file, not a folder. Choose another `out`")
            raise RunError(
                f"{folder.path}: holds other files and no run. Choose another `out`, or empty it"
            )
        if stored is None and resume:
            refuse_nothing_to_resume(folder.path)
        return folder, stored
    if resume:
        return _newest_matching(config)
    return None, None


def _refuse_imported(folder: RunFolder) -> None:
    """Refuse to resume training from a model without optimizers and training images."""
    if folder.is_imported():
        again = call("train", DATA, recipe=folder.config, out=with_ending(folder.path, "-trained"))
        raise RunError(
            f"{folder.path}: holds an imported model, whose training cannot be resumed. To train a"
            f" new model with its layers: {again}"
        )


def refuse_conflict(
    config: RunConfig, stored: RunConfig, folder: RunFolder, *, longer: bool
) -> None:
    """Refuse to resume a run of another configuration.

    Parameters
    ----------
    longer : bool
        Whether its length may differ: a resumed run may be trained longer than first planned.

    Raises
    ------
    RunConflict
        Names the keys that differ.
    """
    found = _conflicts(stored, config, *(["length"] if longer else []))
    if not found:
        return
    listed = "; ".join(
        f"{key}: {_shown(there)} there, {_shown(here)} here" for key, (there, here) in found.items()
    )
    if config.data.source != stored.data.source:
        listed = f"dataset: {stored.data.source} there, {config.data.source} here; {listed}"
    only_length = all(key.startswith("length.") for key in found)
    length = config.length.model_dump(exclude_none=True) if only_length else {}
    resumed = f"To resume {'it with this length' if length else 'that run'}"
    raise RunConflict(
        f"{folder.path}: holds a run of another {'length' if length else 'configuration'}"
        f" ({listed}). {resumed}: {call('train', out=folder.path, resume=True, **length)}. For a"
        " new run, choose another `out`"
    )


def _conflicts(stored: RunConfig, config: RunConfig, *ignore: str) -> dict[str, tuple[Any, ...]]:
    """Settings that differ and make it another run."""
    settings = [one.model_dump(mode="json") for one in (stored, config)]
    return differences(settings, ignore=(*_NOT_THE_RUN, *ignore))


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


@contextmanager
def claimed(
    folder: RunFolder | None, config: RunConfig, stored: RunConfig | None
) -> Iterator[RunFolder]:
    """Make the folder if there is none, and keep other processes from training in it.

    The lock ends with the process. A folder in which no run was started is deleted.

    Raises
    ------
    RunError
        Another process is training in the folder, or has just started a run there.
    """
    if folder is None:
        folder = RunFolder(_make_fresh_folder(config))
    made = not folder.path.exists()
    folder.path.mkdir(parents=True, exist_ok=True)
    path = folder.path / ".lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_MOMENT)
    except Timeout as error:
        raise RunError(
            f"{folder.path}: another process is training in it. Wait, or choose another `out`"
        ) from error
    try:
        if _stored_config(folder) != stored:
            raise RunError(f"{folder.path}: another process has started a run in it. Try again")
        yield folder
    finally:
        lock.release()
        if not folder.config.exists() and not _is_in_use(folder.path):
            with suppress(OSError):  # Windows deletes no file that another process looks at
                path.unlink(missing_ok=True)
                if made or stored is None:
                    folder.path.rmdir()


def _stored_config(folder: RunFolder) -> RunConfig | None:
    if not folder.config.is_file():
        return None
    try:
        return _read_config(folder.config)
    except ConfigError as error:
        raise RunError(f"{folder.config}: {error}. Choose another `out`") from error


def _read_config(path: Path) -> RunConfig:
    """A stored configuration, without the unused settings that earlier versions kept."""
    return parse_config(forget_unused(read_yaml(path), {}))


def _is_in_use(path: Path) -> bool:
    """Whether a path holds more than a run that was killed in its first second."""
    if not path.is_dir():
        return True
    folder = RunFolder(path)
    ours = {
        one.name
        for one in (
            folder.cache,
            folder.samples,
            folder.checkpoints,
            folder.networks,
            folder.clusters,
            folder.provenance,
        )
    }
    return any(
        entry.name not in ours and not entry.name.startswith(".") for entry in path.iterdir()
    )


def _newest_matching(config: RunConfig) -> tuple[RunFolder, RunConfig]:
    found = [path for path in RUNS.glob("*/config.yaml") if not is_exported(path.parent)]
    candidates = newest_first(found)
    for path in candidates:
        folder = RunFolder(path.parent)
        try:
            stored = _read_config(path)
        except ConfigError:
            continue  # somebody else's, or of another version
        same_data = stored.data.source == config.data.source
        filled = fill_auto(config, stored)
        if same_data and not _conflicts(stored, filled, "length"):
            return folder, stored
    newest = RunFolder(candidates[0].parent).path if candidates else None
    is_default = config.data.source == type(config.data)().source
    default = " (the dataset if none is given)" if is_default else ""
    raise RunError(
        f"nothing to resume: {RUNS}/ holds no run of {config.data.source}{default} with these"
        " settings. "
        + (
            f"To resume the newest run there: {call('train', out=newest, resume=True)}"
            if newest
            else f"To resume a run elsewhere: {call('train', out=RUN, resume=True)}"
        )
        + ". To start a new run, leave out `resume`"
    )


def _make_fresh_folder(config: RunConfig) -> Path:
    """A new folder below ``runs/``; two processes that ask at once get two."""
    source = Path(config.data.source.replace(":", "-")).stem  # may be a pattern or an address
    source = re.sub(_NOT_IN_NAMES, "-", source).strip("-") or "images"
    name = f"{source}-{Path(config.recipe).stem}"
    for number in count(1):
        path = RUNS / (name if number == 1 else f"{name}-{number}")
        with suppress(FileExistsError):
            path.mkdir(parents=True)
            return path
    raise AssertionError
