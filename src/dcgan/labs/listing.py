"""The labs of this package, with the verdicts of those that were run here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dcgan.labs.loading import list_labs
from dcgan.labs.verdict import LEVEL, holm
from dcgan.runtime.arguments import RUNS
from dcgan.runtime.reading import read_json

LABS = RUNS / "labs"
"""The folder of labs without `out`."""

_KEYS = {"verdict", "budget", "p_value"}


@dataclass(frozen=True)
class Listed:
    """One lab in a list.

    Parameters
    ----------
    name, claim : str
    verdict : str
        In words; empty if the lab has not been run in the default folder.
    p_value : float, optional
        Adjusted by Holm's method for all labs that were run.
    """

    name: str
    claim: str
    verdict: str = ""
    p_value: float | None = None


def listed_labs(folder: Path = LABS) -> list[Listed]:
    """All labs of this package.

    A verdict "holds" whose adjusted p-value is above 0.05 says so: among so many labs, some hold by
    chance.
    """
    labs = [Listed(name, claim) for name, claim in list_labs().items()]
    found = {one.name: stored for one in labs if (stored := _stored(folder, one.name))}
    adjusted = dict(
        zip(found, holm([float(one["p_value"]) for one in found.values()]), strict=True)
    )
    return [
        replace(
            one, verdict=_in_words(found[one.name], adjusted[one.name]), p_value=adjusted[one.name]
        )
        if one.name in found
        else one
        for one in labs
    ]


def _in_words(stored: dict[str, Any], p_value: float) -> str:
    verdict = f"{stored['verdict']}; {stored['budget']}"
    if stored["verdict"] == "holds" and p_value > 1 - LEVEL:
        return f"{verdict}; may be chance among so many labs, adjusted p-value {p_value:.2g}"
    return verdict


def _stored(folder: Path, name: str) -> dict[str, Any] | None:
    """The verdict of a lab: with the full budget, else with the quick one."""
    for place in (f"{name}-full", name):
        try:
            found = read_json(folder / place / "verdict.json")
        except (OSError, ValueError):
            continue
        if set(found) >= _KEYS and isinstance(found["p_value"], int | float):
            return found
    return None
