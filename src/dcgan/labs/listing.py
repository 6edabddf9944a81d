"""The labs of this package: their subjects, your own verdicts, and the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from dcgan.labs.loading import list_labs
from dcgan.labs.overview import subjects, terms_of
from dcgan.labs.verdict import holm
from dcgan.runtime.arguments import RUNS
from dcgan.runtime.reading import parse_json, read_json

LABS = RUNS / "labs"
"""The folder of labs without `out`."""

PUBLISHED = "published.json"
"""The verdicts that were measured for this version, written by ``benchmarks/findings.py``."""

_SIGNIFICANT = 0.05
"""A verdict with an adjusted p-value below it is certain."""

_KEYS = {"verdict", "budget", "p_value"}

OF_EXPECTATION = ("expected", "verdict", "in_words")
"""What is listed of each expectation: what it is, its verdict, and its numbers in words."""


@dataclass(frozen=True)
class Told:
    """The verdict on a claim, as a list shows it.

    Parameters
    ----------
    verdict : {"holds", "does not hold", "cannot be told"}
    budget : str
        In words, with the number of seeds.
    p_value : float
        Adjusted by Holm's method for all labs that were run.
    sentence : str
        The verdict in one sentence, with the interval that it rests on.
    data, date : str
        The dataset, and when it was measured.
    labs : int
        The number of labs for which ``p_value`` is adjusted.
    expectations : sequence of mapping
        Each with the keys ``OF_EXPECTATION``; empty if they are not known.
    """

    verdict: str
    budget: str
    p_value: float
    sentence: str = ""
    data: str = ""
    date: str = ""
    labs: int = 1
    expectations: Sequence[Mapping[str, str]] = ()

    @property
    def chance(self) -> str:
        """Why a verdict "holds" may be wrong: among so many labs, some hold by chance."""
        if self.verdict != "holds" or self.p_value < _SIGNIFICANT:
            return ""
        among = f": with {self.labs} labs, some hold by chance" if self.labs > 1 else ""
        return (
            f"may be chance{among} (adjusted p-value {self.p_value:.2g}; below {_SIGNIFICANT:g}"
            " is the usual bound)"
        )


@dataclass(frozen=True)
class Listed:
    """One lab in a list.

    Parameters
    ----------
    name, claim : str
    subject : str
        The heading that it belongs to.
    terms : mapping of str to str
        Terms of the claim with explanations.
    own, published : Told, optional
        The verdict of the folder of labs, and the one that was measured for this version.
    """

    name: str
    claim: str
    subject: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)
    own: Told | None = None
    published: Told | None = None

    @property
    def told(self) -> Told | None:
        """The verdict to show: your own one replaces the published one."""
        return self.own or self.published


def listed_labs(folder: Path = LABS) -> list[Listed]:
    """All labs of this package, by subject."""
    claims, subject = list_labs(), subjects()
    order = list(subject)
    names = sorted(claims, key=lambda name: order.index(name) if name in subject else len(order))
    own = _told({name: found for name in names if (found := _stored(folder, name))})
    published = _told(_published())
    return [
        Listed(
            name,
            claims[name],
            subject.get(name, ""),
            terms_of(claims[name]),
            own.get(name),
            published.get(name),
        )
        for name in names
    ]


def _told(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Told]:
    """Verdicts of several labs, with adjusted p-values."""
    adjusted = holm([float(one["p_value"]) for one in found.values()])
    return {
        name: Told(
            str(one["verdict"]),
            str(one["budget"]),
            p_value,
            sentence=str(one.get("sentence", "")),
            data=str(one.get("data", "")),
            date=str(one.get("date", "")),
            labs=len(found),
            expectations=_expectations(one),
        )
        for (name, one), p_value in zip(found.items(), adjusted, strict=True)
    }


def _expectations(verdict: Mapping[str, Any]) -> list[dict[str, str]]:
    """Those that are complete: a file may be damaged, or of another version."""
    found = verdict.get("expectations")
    return [
        {key: str(one[key]) for key in OF_EXPECTATION}
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and set(one) >= set(OF_EXPECTATION)
    ]


@cache
def _published() -> dict[str, dict[str, Any]]:
    file = resources.files("dcgan.labs").joinpath(PUBLISHED)
    return parse_json(file.read_text(encoding="utf-8"))


def _stored(folder: Path, name: str) -> dict[str, Any] | None:
    """The verdict of a lab: with the full budget, else with the quick one."""
    for place in (f"{name}-full", name):
        try:
            found = read_json(folder / place / "verdict.json")
        except (OSError, ValueError):
            continue
        if set(found) >= _KEYS and isinstance(found["p_value"], int | float):
            about = found.get("about")
            return {**found, "date": about.get("date", "") if isinstance(about, dict) else ""}
    return None
