"""A finding: one thing that is right or wrong with a run, in words, with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["note", "warning", "failure"]
"""note: good to know; warning: results will suffer; failure: the images are of no use, or will be
soon."""


@dataclass(frozen=True)
class Finding:
    """One thing that is right or wrong with a run.

    Parameters
    ----------
    id : str
        Such as ``mode-collapse``; also the section of the guide page ``health.md``.
    severity : {"note", "warning", "failure"}
    since : int
        Images seen when it first held.
    evidence : mapping of str to float
        The numbers it rests on.
    meaning : str
        What is happening and why it matters, in one or two sentences.
    advice : str
        What to do next, with settings in backticks; empty if there is nothing to do.
    until : int, optional
        Images seen when it last held; None while it holds.
    """

    id: str
    severity: Severity
    since: int
    meaning: str
    advice: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)
    until: int | None = None

    @property
    def page(self) -> str:
        """Where the guide explains it."""
        return f"docs/guide/health.md#{self.id}"

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self) | {"evidence": dict(self.evidence), "page": self.page}


@dataclass(frozen=True)
class Diagnosis:
    """All findings of a run, and the verdict that sums them up.

    Parameters
    ----------
    verdict : str
        One or two sentences that begin with the verdict, such as "Healthy, still improving: twice
        as long would help."
    severity : {"note", "warning", "failure"}
        That of the worst finding that still holds; "note" without any.
    findings : sequence of Finding
        Worst first, then by images seen.
    """

    verdict: str
    severity: Severity = "note"
    findings: Sequence[Finding] = ()

    @property
    def advice(self) -> str:
        """What to do about the worst finding; empty if nothing is wrong."""
        is_wrong = self.findings and self.findings[0].severity != "note"
        return self.findings[0].advice if is_wrong else ""
