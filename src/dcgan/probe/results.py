"""What a probe found, as numbers, JSON and one table.

N pictures · K classes · R draws
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """One row of the table.

    Parameters
    ----------
    method : str
    about : str
        What its features are.
    features : int
        F; 0 for a network that classifies by itself.
    projected_to : int, optional
        Features that a random projection left.
    C : tuple of float
        Chosen in each draw; empty for a network.
    is_at_edge : bool
        Whether a chosen C was the least or greatest that was tried.
    converged : bool
        Whether every fit that counts came to its end.
    validation : tuple of float
        Accuracy in each draw, from 0 to 1.
    predicted : int64 (R, N)
        Classes given to the test pictures.
    truth : int64 (N,)
        Their classes.
    seconds : float
        All it took: learning features, collecting them, and all fits.
    """

    method: str
    about: str
    features: int
    projected_to: int | None = None
    C: tuple[float, ...] = ()
    is_at_edge: bool = False
    converged: bool = True
    validation: tuple[float, ...]
    predicted: NDArray[np.int64] = field(repr=False)
    truth: NDArray[np.int64] = field(repr=False)
    seconds: float

    @property
    def test(self) -> tuple[float, ...]:
        """Test accuracy in each draw, from 0 to 1."""
        return tuple(float(value) for value in (self.predicted == self.truth).mean(axis=1))

    def confusion(self, classes: int) -> NDArray[np.int64]:
        """How often each class (rows) was given each class (columns), all draws together."""
        counted = np.zeros((classes, classes), np.int64)
        for predicted_N in self.predicted:
            np.add.at(counted, (self.truth, predicted_N), 1)
        return counted

    def ahead_of(self, other: MethodResult) -> tuple[float, float]:
        """Test accuracy above another's on the same pictures, and its standard error.

        One draw: over test pictures, of which both got the same. Several: over draws, which share
        their pictures, or over test pictures, whichever is more.
        """
        right_RN = (self.predicted == self.truth).astype(np.float64)
        difference_RN = right_RN - (other.predicted == self.truth)
        draws, dataset = difference_RN.shape
        error = difference_RN.mean(axis=0).std() / dataset**0.5
        if draws > 1:
            error = max(error, difference_RN.mean(axis=1).std(ddof=1) / draws**0.5)
        return float(difference_RN.mean()), float(error)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "method": self.method,
            "about": self.about,
            "features": self.features,
            "projected_to": self.projected_to,
            "C": list(self.C),
            "C_at_edge": self.is_at_edge,
            "converged": self.converged,
            "validation": list(self.validation),
            "test": list(self.test),
            "test_mean": float(np.mean(self.test)),
            "test_deviation": _deviation(self.test),
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """All methods on the same pictures.

    Parameters
    ----------
    methods : tuple of MethodResult
    names : tuple of str
        Of the classes.
    train, validation, test : int
        Pictures in each part; ``train`` without the labels that ``labels`` leaves out.
    labels : int, optional
        Labels in each draw of the few-labels protocol.
    repeats : int
        Draws.
    seed : int
    test_set : str
        Where the test pictures come from.
    """

    methods: tuple[MethodResult, ...]
    names: tuple[str, ...]
    train: int
    validation: int
    test: int
    labels: int | None
    repeats: int
    seed: int
    test_set: str

    def __getitem__(self, method: str) -> MethodResult:
        """The row of a method; ``KeyError`` where it was not asked for."""
        return {row.method: row for row in self.methods}[method]

    def protocol(self) -> str:
        """One line: how many pictures of what."""
        parts = f"{self.validation:,} for validation, {self.test:,} test ({self.test_set})"
        if self.labels is None:
            return f"{self.train:,} pictures to train on, {parts}; {len(self.names)} classes"
        return (
            f"{self.labels:,} labels of {len(self.names)} classes, {self.repeats} draws from"
            f" {self.train:,} pictures; {parts}"
        )

    def table(self) -> str:
        """Markdown that is aligned for a terminal, too."""
        head = ["method", "features", "C", "validation", "test", "seconds"]
        rows = [head, *(self._row(result) for result in self.methods)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths))
        return "\n".join(f"{line} |" if "--" not in line else f"{line}|" for line in lines)

    def verdict(self) -> list[str]:
        """How far the trained discriminator is ahead of each of the others, a line each."""
        rows = {row.method: row for row in self.methods}
        own = rows.pop("discriminator", None)
        if own is None:
            return []
        lines = []
        for other in rows.values():
            ahead, error = own.ahead_of(other)
            side = "above" if ahead >= 0 else "below"
            doubt = "" if abs(ahead) > 3 * error else ", which is no clear difference"
            lines.append(
                f"discriminator: {100 * abs(ahead):.2f} ± {100 * error:.2f} points {side}"
                f" {other.method}{doubt}"
            )
        return lines

    def notes(self) -> list[str]:
        """What a reader must know beside the table."""
        lines = []
        for row in self.methods:
            if row.projected_to is not None:
                lines.append(
                    f"{row.method}: {row.features:,} features went through a sparse random"
                    f" projection to {row.projected_to:,} (seed {self.seed}; --max-features)"
                )
            if row.is_at_edge:
                lines.append(
                    f"{row.method}: the best C is the least or greatest tried; one beyond may do"
                    " better"
                )
            if not row.converged:
                lines.append(f"{row.method}: a fit was stopped before it had converged")
        return lines

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "classes": list(self.names),
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "test_set": self.test_set,
            "labels": self.labels,
            "repeats": self.repeats,
            "seed": self.seed,
            "methods": [row.to_json() for row in self.methods],
            "verdict": self.verdict(),
            "notes": self.notes(),
        }

    def _row(self, result: MethodResult) -> list[str]:
        count = f"{result.features:,}" if result.features else ""
        if result.projected_to is not None:
            count += f" → {result.projected_to:,}"
        return [
            result.method,
            f"{count} ({result.about})" if count else result.about,
            " to ".join(f"{C:.3g}" for C in sorted({min(result.C), max(result.C)}))
            if result.C
            else "",
            _percent(result.validation),
            _percent(result.test),
            f"{result.seconds:.0f}",
        ]


def _percent(values: tuple[float, ...]) -> str:
    mean = f"{100 * float(np.mean(values)):.2f}"
    return f"{mean} ± {100 * _deviation(values):.2f} %" if len(values) > 1 else f"{mean} %"


def _deviation(values: tuple[float, ...]) -> float:
    """Standard deviation over draws; 0 of one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
