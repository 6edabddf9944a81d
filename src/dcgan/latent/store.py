"""Directions and latents of images, stored by name in the run they belong to.

D numbers of noise · Z numbers of a latent
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import category

import torch
from pydantic import ConfigDict
from torch import Tensor

from dcgan.errors import ConfigError, RunError, did_you_mean
from dcgan.latent.directions import Direction
from dcgan.runs.run import Run
from dcgan.runs.schema import Number, Stored, Text
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json
from dcgan.runtime.run_names import is_portable_name

_SIGNS = "-_."
"""What else a name may hold after its first character."""


def keep_direction(run: Run, direction: Direction) -> None:
    """Write a direction into the run; replaces one of the same name.

    Raises
    ------
    ConfigError
        A name that cannot be a file name, or differs only in case from that of another direction.
    """
    about = {"method": direction.method, "measured": dict(direction.measured)}
    _keep(run.folder.directions, run, direction.name, about, direction.vector_D)


def keep_latent(run: Run, name: str, latent_Z: Tensor, about: Mapping[str, Any]) -> None:
    """Write an image's latent into the run; replaces one of the same name.

    Raises
    ------
    ConfigError
        A name that cannot be a file name, is a sample number, or differs only in case from that of
        another image.
    """
    if name.isdigit():
        raise ConfigError("name", name, "numbers name samples. Start it with a letter")
    _keep(run.folder.latents, run, name, about, latent_Z)


def refuse_name(name: str, stored: Iterable[str] = ()) -> None:
    """Raise ConfigError for a name that cannot be a file name, or stand in ``NAME=NUMBER``.

    Runs are copied between systems, so all must allow it. ``stored`` are the names next to it: on
    Windows and macOS, ``Smile.json`` and ``smile.json`` are one file.
    """
    if not name[:1].isalnum() or not all(map(is_of_a_name, name)):
        raise ConfigError("name", name, "use letters, digits, and - _ . after the first character")
    if not is_portable_name(f"{name}.json"):
        raise ConfigError("name", name, "Windows has no files of this name. Use another one")
    alike = [one for one in stored if one != name and one.casefold() == name.casefold()]
    if alike:
        raise ConfigError(
            "name",
            name,
            f"Windows and macOS would replace {alike[0]!r} by it. Use {alike[0]} or another name",
        )


def is_of_a_name(sign: str) -> bool:
    """Whether a name may hold a character: a letter or digit of any script, or one of ``-_.``.

    Marks are parts of letters: accents, and vowel signs such as those of Hindi.
    """
    return sign.isalnum() or sign in _SIGNS or category(sign).startswith("M")


def stored_names(run: Run) -> list[str]:
    """Names of the stored directions, in alphabetical order."""
    return _names(run.folder.directions)


def stored_images(run: Run) -> list[str]:
    """Names of the images with stored latents, in alphabetical order."""
    return _names(run.folder.latents)


def read_direction(run: Run, name: str) -> Direction:
    """A direction by its name.

    Raises
    ------
    ConfigError
        No direction of that name.
    RunError
        Its file is damaged, or of another latent size or checkpoint.
    """
    stored, vector_D = _read(
        run, run.folder.directions, name, "direction", _StoredDirection, run.networks.latent.dim
    )
    return Direction(name, vector_D, stored.method, stored.measured)


def read_latent(run: Run, name: str) -> Tensor:
    """The latent of an image by its stored name, (Z,).

    Raises
    ------
    ConfigError
        No image of that name.
    RunError
        Its file is damaged, or of another latent size or checkpoint.
    """
    return _read(run, run.folder.latents, name, "image", _StoredVector, run.networks.latent.width)[
        1
    ]


def _keep(folder: Path, run: Run, name: str, about: Mapping[str, Any], vector: Tensor) -> None:
    refuse_name(name, _names(folder))
    content = {"name": name, **about, "checkpoint": run.checkpoint_name, "vector": vector.tolist()}
    write_json(folder / f"{name}.json", content)


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))


class _StoredVector(Stored):
    """A named vector, and facts about it."""

    model_config = ConfigDict(extra="ignore")

    checkpoint: Text
    vector: tuple[Number, ...]


class _StoredDirection(_StoredVector):
    """A direction."""

    method: Text
    measured: dict[Text, Number]


_Kind = TypeVar("_Kind", bound=_StoredVector)


def _read(
    run: Run, folder: Path, name: str, kind: str, schema: type[_Kind], size: int
) -> tuple[_Kind, Tensor]:
    command = {"direction": "directions", "image": "invert"}[kind]
    known = _names(folder)
    if name not in known:
        cure = did_you_mean(name, known) if known else f"find one with 'dcgan {command}'"
        raise ConfigError(kind, name, f"{run.path} has no such {kind}; {cure}")
    path = folder / f"{name}.json"
    try:
        stored = schema.read(read_json(path))
        vector = torch.tensor(stored.vector, dtype=torch.float32)
        if vector.shape != (size,) or not isfinite(float(vector.sum())):
            raise ValueError(f"not {size} finite numbers, the size of this run's latent")
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(
            f"{path}: damaged ({error}). Create it again with 'dcgan {command}'"
        ) from error
    if stored.checkpoint != run.checkpoint_name:
        raise RunError(
            f"{path}: belongs to checkpoint {stored.checkpoint}, not to {run.checkpoint_name}. Use"
            f" `checkpoint={stored.checkpoint.lstrip('0') or '0'}`, or create it again with 'dcgan"
            f" {command}'"
        )
    return stored, vector
