"""Checkpoints: safetensors and JSON, written as a whole and verified when read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from dcgan.errors import CheckpointError, shown
from dcgan.runs.exported import GENERATOR, MODEL, NETWORKS, is_exported, part_file, state_file
from dcgan.runtime.files import folder_written_whole, move
from dcgan.runtime.reading import read_json, sha256
from dcgan.runtime.run_names import is_count_name
from dcgan.runtime.tensors import load_tensors, save_tensors

FORMAT = 1
"""Version of the layout; increased when older versions of dcgan cannot read the new one."""

Tensors = Mapping[str, Tensor]

_CURE = "Choose another `checkpoint`"

_EMA = "ema.safetensors"
_NEEDED = (_EMA, "state.json", GENERATOR, MODEL, NETWORKS)
"""Files of a checkpoint or an exported model without which no image can be generated."""


def write_checkpoint(
    folder: Path, images_seen: int, parts: Mapping[str, Tensors], state: Mapping[str, Any]
) -> Path:
    """Write one checkpoint; it appears by one atomic rename.

    Its folder is named by the images seen, in nine digits; an existing one is not changed. Each
    part becomes ``NAME.safetensors``, the state ``state.json``. Raises ``DiskFull``.
    """
    final = folder / f"{images_seen:09d}"
    if final.exists():
        return final
    with folder_written_whole(final) as unfinished:
        for name, tensors in parts.items():
            save_tensors(tensors, unfinished / f"{name}.safetensors", shown=final)
        (unfinished / "state.json").write_text(json.dumps({"format": FORMAT, **state}), "utf-8")
        sums = {path.name: sha256(path) for path in sorted(unfinished.iterdir())}
        (unfinished / "manifest.json").write_text(json.dumps(sums, indent=2), "utf-8")
    return final


def list_checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and is_count_name(path.name))


def checkpoint_name(checkpoint: Path) -> str:
    """The images seen in nine digits: the name of a checkpoint's folder.

    The folder of an exported model may have any name.
    """
    if is_exported(checkpoint):
        return f"{read_state(checkpoint)['images_seen']:09d}"
    return checkpoint.name


def verify_checkpoint(checkpoint: Path, *, to_resume: bool = True) -> None:
    """Compare every file with its SHA-256 in the manifest; ``CheckpointError`` if one differs.

    Without ``to_resume``, files that only training needs may be missing; a checkpoint of nothing
    but ``ema.safetensors`` needs no manifest.
    """
    manifest = checkpoint / "manifest.json"
    if not to_resume and {path.name for path in checkpoint.glob("[!.]*")} == {_EMA}:
        return
    sums = _read_json(manifest)
    for name, expected in sums.items():
        path = checkpoint / name
        if Path(name).name != name:
            raise CheckpointError(f"{manifest}: lists {shown(name)}, not a file name. {_CURE}")
        if not path.is_file():
            if not to_resume and name not in _NEEDED:
                continue
            raise CheckpointError(f"{path}: missing. {_CURE}")
        with _unreadable_named(path):
            found = sha256(path)
        if found != expected:
            raise CheckpointError(
                f"{path}: altered or damaged: its SHA-256 differs from the manifest. {_CURE}"
            )
    for path in (state_file(checkpoint), *checkpoint.glob("[!.]*.safetensors")):
        if path.name not in sums:
            raise CheckpointError(f"{path}: not in the manifest. {_CURE}")


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The content of ``state.json``, or ``model.json`` of an exported model.

    Of a checkpoint of nothing but ``ema.safetensors``, the images seen, from its name. Raises
    ``CheckpointError`` if the file is damaged or of a newer format.
    """
    path = state_file(checkpoint)
    if {one.name for one in checkpoint.glob("[!.]*")} == {_EMA} and checkpoint.name.isdecimal():
        return {"images_seen": int(checkpoint.name)}
    state = _read_json(path)
    version = state.get("format", 0)
    if type(version) is int and version > FORMAT:
        raise CheckpointError(
            f"{checkpoint}: format {shown(version)}. This version reads formats up to {FORMAT}."
            " Install a newer dcgan"
        )
    for name in ("images_seen", "format"):
        value = state.get(name, 0 if name == "format" else None)
        if type(value) is not int or not 0 <= value < 2**63:
            raise CheckpointError(f"{path}: damaged ({name} is {shown(value)}). {_CURE}")
    return state


def read_part(checkpoint: Path, name: str) -> dict[str, Tensor]:
    """One safetensors part of a checkpoint, on the CPU; ``CheckpointError`` if it is damaged."""
    path = part_file(checkpoint, name)
    try:
        with _unreadable_named(path):
            return load_tensors(path)
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(f"{path}: damaged ({error}). {_CURE}") from error


def set_aside(checkpoint: Path, why: str) -> Path:
    """Hide a checkpoint that must not be resumed from; ``why`` becomes part of its name."""
    hidden = checkpoint.with_name(f".{checkpoint.name}.{why}")
    shutil.rmtree(hidden, ignore_errors=True)
    move(checkpoint, hidden)
    return hidden


def prune_checkpoints(
    folder: Path,
    keep: int,
    *,
    best: Collection[str] = (),
    sound: int = 0,
    every: int | None = None,
    passing: Collection[str] = (),
) -> None:
    """Delete checkpoints except those to keep, and partly written ones.

    Kept are the newest ``keep``; those named ``best``; the newest of at most ``sound`` images, for
    a run that diverges to return to; and the first after each multiple of ``every`` images. Those
    named ``passing`` are kept only while they are the newest. On Windows, a checkpoint that a
    program reads at this moment is left to the next call.
    """
    for path in folder.glob(".*.part"):
        shutil.rmtree(path, ignore_errors=True)
    found = list_checkpoints(folder)
    lasting = [path.name for path in found if path.name not in passing]
    kept = {path.name for path in found[-1:]} | set(lasting[-keep:]) | set(best)
    kept |= set([name for name in lasting if int(name) <= sound][-1:])
    if every is not None:
        kept |= _first_of_each(every, lasting)
    for path in found:
        if path.name in kept:
            continue
        # hidden first: an interrupted deletion must not leave a partial checkpoint
        doomed = path.with_name(f".{path.name}.part")
        with suppress(PermissionError):  # Windows renames no folder with an open file
            path.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)


def _first_of_each(every: int, names: list[str]) -> set[str]:
    """The first name after each multiple of ``every`` images."""
    first: dict[int, str] = {}
    for name in names:
        first.setdefault(int(name) // every, name)
    first.pop(0, None)
    return set(first.values())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        with _unreadable_named(path):
            return read_json(path)
    except ValueError as error:
        raise CheckpointError(f"{path}: damaged ({error}). {_CURE}") from error


@contextmanager
def _unreadable_named(path: Path) -> Iterator[None]:
    """Name a file that is missing or cannot be read, in contrast to a damaged one."""
    try:
        yield
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: missing. {_CURE}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"{path}: cannot be read ({reason})") from error
