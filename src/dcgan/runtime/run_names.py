"""Checks of the names of checkpoints and stored directions, before anything slow. No torch."""

from __future__ import annotations

import re
from pathlib import Path

from dcgan.errors import CheckpointError, ConfigError, shown
from dcgan.runtime.nearest import nearest_name
from dcgan.runtime.reading import read_json
from dcgan.runtime.shell import command

_OF_A_MODEL = ("model.json", "generator.safetensors")

_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9]) *(\..*)?", re.IGNORECASE | re.DOTALL)
"""Names of devices on Windows, also with an ending, such as ``nul.json``."""

_LISTED = 20
"""Names in a message."""


def refuse_no_checkpoint(run: Path, wanted: str) -> None:
    """Raise ``CheckpointError`` if a run has no checkpoint of a name; suggests the nearest."""
    names = _checkpoints(run)
    if not names:
        raise CheckpointError(f"{run}: no checkpoint yet. Train longer")
    if wanted in {"best", "last"} or (wanted.isdecimal() and int(wanted) in names):
        if wanted == "best":
            _refuse_lost_best(run, names)
        return
    near = nearest_name(wanted, ["best", "last"]) or "best"
    if wanted.isdecimal():
        near = str(min(names, key=lambda images: abs(images - int(wanted))))
    raise CheckpointError(
        f"{run}: no checkpoint {wanted}. Use `checkpoint={near}`; there are {_listed(names)}"
    )


def _refuse_lost_best(run: Path, names: list[int]) -> None:
    """``best`` is the checkpoint in best.json, if there is one; it may have been deleted."""
    try:
        best = int(read_json(run / "best.json")["checkpoint"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # the last is used, or the file is refused as damaged
    if best not in names:
        raise CheckpointError(
            f"{run}: no checkpoint {best}, the best one. Use `checkpoint=last`; there are"
            f" {_listed(names, best=False)}"
        )


def _listed(names: list[int], *, best: bool = True) -> str:
    numbers = [*map(str, names[-_LISTED:])]
    return ", ".join([*(["best"] if best else []), "last", *numbers])


def is_exported(folder: Path) -> bool:
    """Whether a folder holds an exported model, see :mod:`dcgan.runs.exported`."""
    return all((folder / name).is_file() for name in _OF_A_MODEL)


def _checkpoints(run: Path) -> list[int]:
    folder = run / "checkpoints"
    if is_exported(run):
        try:
            return [int(read_json(run / "model.json")["images_seen"])]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{run / 'model.json'}: damaged ({shown(str(error))}). Export the model again"
            ) from None
    if not folder.is_dir():
        return []
    return sorted(
        int(one.name) for one in folder.iterdir() if one.is_dir() and is_count_name(one.name)
    )


def is_portable_name(name: str) -> bool:
    """Whether every system allows a file or folder of this name, if its characters are allowed.

    >>> is_portable_name("nul.json"), is_portable_name("smile.")
    (False, False)
    """
    return not _RESERVED.fullmatch(name) and not name.endswith((".", " "))


def is_count_name(name: str) -> bool:
    """Whether a file or folder may be named by a number of images seen: only digits 0 to 9."""
    return name.isdecimal() and name.isascii()


def refuse_no_direction(run: Path, name: str, key: str = "name", typed: str | None = None) -> None:
    """Raise ``ConfigError`` if a run has no stored direction of a name.

    ``key`` is the argument that names it, and ``typed`` its value if that is longer.
    """
    known = sorted(path.stem for path in (run / "directions").glob("*.json"))
    if name in known:
        return
    near = nearest_name(name, known)
    meant = f"; did you mean {near!r}?" if near else "."
    if known and not near:
        meant += f" It has {', '.join(known[:_LISTED])}."
    find = command("directions", run, name, "--reads", "brightness")
    raise ConfigError(
        key,
        name if typed is None else typed,
        f"{run} has no such direction{meant} To find one: {find} (or `plus` and `minus`, or"
        " `method`)",
    )
