"""The result of a lab: verdict, estimates and intervals, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.labs.claim import Claim, Expectation
from dcgan.labs.measures import MEASURES, Measure
from dcgan.labs.verdict import (
    LEVEL,
    Judgement,
    Kind,
    Verdict,
    combine,
    iqm,
    judge,
    probability_of_improvement,
)

_KINDS: dict[Kind, str] = {
    "better": "is better than",
    "not-better": "is not better than",
    "equal": "is as good as",
}


@dataclass(frozen=True)
class ArmResult:
    """The runs of one arm.

    Parameters
    ----------
    key, title : str
    scores : sequence of float
        By seed.
    runs : sequence of str
        Run folders, by seed.
    checkpoints : sequence of int
        Images seen at the scored checkpoints, by seed.
    diverged : int
        Runs that diverged; they count with their last usable checkpoint.
    failed : int
        Runs with a health finding of severity "failure", such as mode collapse; they count, too.
    findings : mapping of str to int
        Health finding → number of runs with it, without notes.
    """

    key: str
    title: str
    scores: Sequence[float]
    runs: Sequence[str]
    checkpoints: Sequence[int]
    diverged: int = 0
    failed: int = 0
    findings: Mapping[str, int] = field(default_factory=dict)

    @property
    def iqm(self) -> float:
        """Interquartile mean of the scores."""
        return iqm(self.scores)

    @property
    def median_seed(self) -> int:
        """The seed of the median score; of an even number, the lower one of the two."""
        order = np.argsort(self.scores, kind="stable")
        return int(order[(len(order) - 1) // 2])


@dataclass(frozen=True)
class ExpectationResult:
    """What the seeds say about one expectation.

    Parameters
    ----------
    kind : {"better", "not-better", "equal"}
    arm, than : str
        Titles of the two arms.
    judgement : Judgement
        On the scale of :meth:`dcgan.labs.measures.Measure.goodness`.
    probability : float
        Probability of improvement: that a run of ``arm`` scores better than one of ``than``.
    differences : sequence of float
        By seed; positive where ``arm`` is better.
    """

    kind: Kind
    arm: str
    than: str
    judgement: Judgement
    probability: float
    differences: Sequence[float]

    @property
    def sentence(self) -> str:
        """What is expected."""
        return f"{self.arm} {_KINDS[self.kind]} {self.than}"

    def numbers(self, measure: Measure) -> str:
        """The estimate with its interval, and how to read it."""
        found = self.judgement
        estimate, low, high = (
            measure.in_words(value).removesuffix(" times")
            for value in (found.estimate, found.interval.low, found.interval.high)
        )
        interval = f"({100 * LEVEL:g}% interval {low} to {high}; {_BETTER[measure.better]})"
        if measure.is_ratio:
            size = "as large as" if estimate == "1" else f"{estimate} times"
            return f"the {measure.label} of “{self.than}” is {size} that of “{self.arm}” {interval}"
        first, second = (
            (self.arm, self.than) if measure.better == "higher" else (self.than, self.arm)
        )
        name = "distance from 1" if measure.better == "one" else measure.label
        return f"the {name} of “{first}” minus that of “{second}” is {estimate} {interval}"

    def to_json(self, measure: Measure) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "expected": self.sentence,
            "is": self.kind,
            **asdict(self.judgement),
            "probability_of_improvement": self.probability,
            "differences": list(self.differences),
            "in_words": self.numbers(measure),
        }


_BETTER = {"lower": "lower is better", "higher": "higher is better", "one": "0 is best"}


@dataclass(frozen=True)
class LabResult:
    """The verdict on a claim, with everything it rests on.

    Parameters
    ----------
    claim : Claim
    budget : str
        In words, with the number of seeds.
    data : str
        The dataset that was used.
    arms : sequence of ArmResult
    expectations : sequence of ExpectationResult
    protocol : str
        What the scores were computed on.
    real : float or None
        The score of real images, for the Fréchet distance.
    page, path : Path
        ``lab.html`` and ``verdict.json``.
    about : mapping of str to str
        Date, versions, device, and how to repeat.
    note : str
        What differs from the claim's file; may be empty.
    """

    claim: Claim
    budget: str
    data: str
    arms: Sequence[ArmResult]
    expectations: Sequence[ExpectationResult]
    protocol: str
    real: float | None
    page: Path
    path: Path
    about: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def measure(self) -> Measure:
        """What was scored."""
        return MEASURES[self.claim.measure]

    @property
    def verdict(self) -> Verdict:
        """``holds``, ``does not hold`` or ``cannot be told``."""
        return combine([one.judgement.verdict for one in self.expectations])

    @property
    def p_value(self) -> float:
        """The largest p-value of the expectations: all must hold to confirm the claim."""
        return max(one.judgement.p_value for one in self.expectations)

    @property
    def decisive(self) -> ExpectationResult:
        """The expectation that the verdict rests on: of those with the verdict of the claim, the
        one with the largest p-value."""
        same = [one for one in self.expectations if one.judgement.verdict == self.verdict]
        return max(same, key=lambda one: one.judgement.p_value)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, with the interval that it rests on."""
        one, count = self.decisive, len(self.expectations)
        opening = {
            "holds": "Holds",
            "does not hold": "Does not hold",
            "cannot be told": "Cannot be told at this size",
        }[self.verdict]
        holding = sum(one.judgement.verdict == "holds" for one in self.expectations)
        which = f" ({holding} of {count} expectations hold)" if count > 1 else ""
        return f"{opening}{which}: {one.numbers(self.measure)}."

    @property
    def advice(self) -> str:
        """What to do if the claim cannot be told, else nothing."""
        if self.verdict != "cannot be told":
            return ""
        seeds = 2 * len(self.arms[0].scores)
        return f"More seeds make the interval shorter. Add `--seeds {seeds}`: these runs are kept."

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "lab": self.claim.name,
            "claim": self.claim.claim,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "p_value": self.p_value,
            "measure": self.measure.label,
            "smallest_difference": self.claim.difference,
            "budget": self.budget,
            "data": self.data,
            "note": self.note,
            "expectations": [one.to_json(self.measure) for one in self.expectations],
            "arms": [asdict(arm) | {"iqm": arm.iqm} for arm in self.arms],
            "real_images": self.real,
            "protocol": self.protocol,
            "about": dict(self.about),
            "page": str(self.page),
        }


def judged(claim: Claim, arms: Sequence[ArmResult]) -> list[ExpectationResult]:
    """What the scores of the arms say about each expectation."""
    by_key = {arm.key: arm for arm in arms}
    return [_judged(claim, one, by_key[one.arm], by_key[one.than]) for one in claim.expected]


def _judged(
    claim: Claim, expected: Expectation, arm: ArmResult, than: ArmResult
) -> ExpectationResult:
    measure = MEASURES[claim.measure]
    good_N, other_N = measure.goodness(arm.scores), measure.goodness(than.scores)
    difference_N = good_N - other_N
    return ExpectationResult(
        expected.kind,
        arm.title,
        than.title,
        judge(expected.kind, difference_N, measure.smallest(claim.difference)),
        probability_of_improvement(good_N, other_N),
        [float(value) for value in difference_N],
    )
