"""The log of a run, and its curves as the page draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_training


def curves_of(path: Path) -> dict[str, Any]:
    """The log as columns, one for each curve, to be drawn over ``images``.

    Returns
    -------
    dict of str to list
        Missing values are None. Gradients are ``gradient_mean LAYER`` and
        ``gradient_max LAYER``.
    """
    flat = [_flat(record) for record in log_of(path)]
    keys = list(dict.fromkeys(key for record in flat for key in record))
    return {key: [record.get(key) for record in flat] for key in keys}


def log_of(path: Path) -> Sequence[Mapping[str, Any]]:
    """The lines of the log; it may be long, and is read once for all that is shown."""
    with suppress(OSError):
        state = RunFolder(path).log.path.stat()
        return _in_state(path, state.st_mtime_ns, state.st_size)
    return []


@lru_cache(2)
def _in_state(path: Path, *_: int) -> Sequence[Mapping[str, Any]]:
    return of_training(RunFolder(path).log.read())


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= {f"{key} {name}": one for name, one in value.items()}
        elif isinstance(value, int | float):
            flat[key] = value
    return flat
