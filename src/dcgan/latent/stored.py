"""Named directions, kept in the run they belong to.

D numbers of noise
"""

from __future__ import annotations

import json
import re
from math import isfinite

import torch

from dcgan.errors import ConfigError, RunError, did_you_mean
from dcgan.latent.directions import Direction
from dcgan.runs.run import Run
from dcgan.runtime.files import write_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def keep_direction(run: Run, direction: Direction) -> None:
    """Write a direction into the run; one of the same name is replaced.

    Raises
    ------
    ConfigError
        A name that no file can bear.
    """
    refuse_name(direction.name)
    content = {
        "name": direction.name,
        "method": direction.method,
        "measured": dict(direction.measured),
        "checkpoint": run.checkpoint.name,
        "vector": direction.vector_D.tolist(),
    }
    write_json(run.folder.directions / f"{direction.name}.json", content)


def refuse_name(name: str) -> None:
    """Raise ConfigError for a name that no file, or no ``NAME=NUMBER``, can bear."""
    if not _NAME.fullmatch(name):
        raise ConfigError("name", name, "letters, digits, and any of - _ . after the first")


def stored_names(run: Run) -> list[str]:
    """The directions there are, in alphabetical order."""
    return sorted(path.stem for path in run.folder.directions.glob("*.json"))


def read_direction(run: Run, name: str) -> Direction:
    """A direction by its name.

    Raises
    ------
    ConfigError
        None of that name.
    RunError
        Its file is damaged, or of another latent.
    """
    known = stored_names(run)
    if name not in known:
        cure = did_you_mean(name, known) if known else "dcgan directions finds some"
        raise ConfigError("direction", name, f"{run.path} has no such direction; {cure}")
    path = run.folder.directions / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        vector_D = torch.tensor(content["vector"], dtype=torch.float32)
        found = Direction(name, vector_D, str(content["method"]), dict(content["measured"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: damaged ({error}); find it again") from error
    if vector_D.shape != (run.networks.latent.dim,) or not isfinite(float(vector_D.sum())):
        raise RunError(f"{path}: of another latent; find it again")
    return found
