"""A finding: one thing that is right or wrong with a run, in words, with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dcgan.health.step import NOTHING, Step

Severity = Literal["note", "warning", "failure"]
"""note: good to know; warning: results will suffer; failure: the images are of no use, or will be
soon."""


FROM_START = "from the start"

_START = 0.05
"""Part of the images seen up to which something counts as being so from the start."""


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
    step : Step
        What to do about it, if it is the worst finding.
    until : int, optional
        Images seen when it last held; None while it holds.
    """

    id: str
    severity: Severity
    since: int
    meaning: str
    step: Step = NOTHING
    evidence: Mapping[str, float] = field(default_factory=dict)
    until: int | None = None

    @property
    def page(self) -> str:
        """Where the guide explains it."""
        return f"docs/guide/health.md#{self.id}"

    def when(self, seen: int = 0) -> str:
        """Since when it has held, in words, in a run that has seen so many images."""
        if self.until is not None:
            return f"from {self.since:,} to {self.until:,} images seen"
        if self.since <= _START * seen or not self.since:
            return FROM_START
        return (
            f"after {self.since:,} of {seen:,} images seen"
            if seen > self.since
            else (f"after {self.since:,} images seen")
        )

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence without its period; empty if nothing."""
        return self.step.advice

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        found = asdict(self) | {"evidence": dict(self.evidence), "page": self.page}
        del found["step"]
        return found | {"advice": self.advice, "command": self.step.command}


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
    step : Step
        What to do next.
    best : str
        The best checkpoint with its score, in a sentence; empty if there are no scores.
    images_seen : int
    is_early : bool
        Whether too little has been seen for a verdict, which then says so.
    """

    verdict: str
    severity: Severity = "note"
    findings: Sequence[Finding] = ()
    step: Step = NOTHING
    best: str = ""
    images_seen: int = 0
    is_early: bool = False

    @property
    def advice(self) -> str:
        """What to do next, in a sentence without its period; empty if nothing."""
        return self.step.advice
