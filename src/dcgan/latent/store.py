"""Named directions, and latents of pictures by name, kept in the run they belong to.

D numbers of noise · Z numbers of a latent
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict
from torch import Tensor

from dcgan.errors import ConfigError, RunError, did_you_mean
from dcgan.latent.directions import Direction
from dcgan.runs.run import Run
from dcgan.runs.schema import Number, Stored, Text
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def keep_direction(run: Run, direction: Direction) -> None:
    """Write a direction into the run; one of the same name is replaced.

    Raises
    ------
    ConfigError
        A name that no file can bear.
    """
    refuse_name(direction.name)
    about = {"method": direction.method, "measured": dict(direction.measured)}
    _keep(run.folder.directions, run, direction.name, about, direction.vector_D)


def keep_latent(run: Run, name: str, latent_Z: Tensor, about: Mapping[str, Any]) -> None:
    """Write a picture's latent into the run; one of the same name is replaced.

    Raises
    ------
    ConfigError
        A name that no file can bear, or that is a number on a sheet.
    """
    refuse_name(name)
    if name.isdigit():
        raise ConfigError("name", name, "numbers name samples; begin with a letter")
    _keep(run.folder.latents, run, name, about, latent_Z)


def refuse_name(name: str) -> None:
    """Raise ConfigError for a name that no file, or no ``NAME=NUMBER``, can bear."""
    if not _NAME.fullmatch(name):
        raise ConfigError("name", name, "letters, digits, and any of - _ . after the first")


def stored_names(run: Run) -> list[str]:
    """The directions there are, in alphabetical order."""
    return _names(run.folder.directions)


def stored_images(run: Run) -> list[str]:
    """The pictures whose latents there are, in alphabetical order."""
    return _names(run.folder.latents)


def read_direction(run: Run, name: str) -> Direction:
    """A direction by its name.

    Raises
    ------
    ConfigError
        None of that name.
    RunError
        Its file is damaged, or of another latent or checkpoint.
    """
    path = _path(run, run.folder.directions, name, "direction", "directions")
    with _damage_named(path):
        content = _StoredDirection.read(read_json(path))
        vector_D = _vector(content, run.networks.latent.dim)
        found = Direction(name, vector_D, content.method, content.measured)
        checkpoint = content.checkpoint
    _refuse_another(run, path, checkpoint, "changes something else along it", "find it again")
    return found


def read_latent(run: Run, name: str) -> Tensor:
    """The latent of a picture by the name that it was kept under, (Z,).

    Raises
    ------
    ConfigError
        None of that name.
    RunError
        Its file is damaged, or of another latent or checkpoint.
    """
    path = _path(run, run.folder.latents, name, "picture", "invert")
    with _damage_named(path):
        content = _StoredVector.read(read_json(path))
        latent_Z = _vector(content, run.networks.latent.width)
        checkpoint = content.checkpoint
    _refuse_another(run, path, checkpoint, "draws another picture of it", "invert it again")
    return latent_Z


def _keep(folder: Path, run: Run, name: str, about: Mapping[str, Any], vector: Tensor) -> None:
    content = {"name": name, **about, "checkpoint": run.checkpoint.name, "vector": vector.tolist()}
    write_json(folder / f"{name}.json", content)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))


def _path(run: Run, folder: Path, name: str, kind: str, command: str) -> Path:
    known = _names(folder)
    if name not in known:
        cure = did_you_mean(name, known) if known else f"dcgan {command} finds some"
        raise ConfigError(kind, name, f"{run.path} has no such {kind}; {cure}")
    return folder / f"{name}.json"


def _refuse_another(run: Run, path: Path, checkpoint: str, why: str, otherwise: str) -> None:
    if checkpoint != run.checkpoint.name:
        raise RunError(
            f"{path}: found for checkpoint {checkpoint}, and {run.checkpoint.name} {why};"
            f" take --checkpoint {checkpoint.lstrip('0')}, or {otherwise}"
        )


class _StoredVector(Stored):
    """A named vector, and what people want to know of it."""

    model_config = ConfigDict(extra="ignore")

    checkpoint: Text
    vector: tuple[Number, ...]


class _StoredDirection(_StoredVector):
    """A direction."""

    method: Text
    measured: dict[Text, Number]


def _vector(content: _StoredVector, size: int) -> Tensor:
    vector = torch.tensor(content.vector, dtype=torch.float32)
    if vector.shape != (size,) or not isfinite(float(vector.sum())):
        raise ValueError("of another latent")
    return vector


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(f"{path}: damaged ({error}); find it again") from error
