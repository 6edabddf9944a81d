"""Results of a probe, as numbers, JSON and one table.

N images · K classes · R random subsets
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.runtime.wording import digits


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """One row of the table.

    Parameters
    ----------
    method : str
    about : str
        What its features are, in a few words.
    features : int
        Number of features; 0 for a network, which classifies by itself.
    projected_to : int, optional
        Number of features after a random projection.
    C : tuple of float
        Chosen for each subset; empty for a network.
    is_at_edge : bool
        Whether a chosen C is the smallest or largest of the grid.
    converged : bool
        Whether the fits of the classifiers in the table have converged.
    validation : tuple of float
        Validation accuracy of each subset, from 0 to 1.
    predicted : int64 (R, N)
        Predicted classes of the test images.
    truth : int64 (N,)
        Their true classes.
    seconds : float
        Time for learning and computing features, and for all fits.
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
        """Test accuracy of each subset, from 0 to 1."""
        return tuple(float(value) for value in (self.predicted == self.truth).mean(axis=1))

    def confusion(self, classes: int) -> NDArray[np.int64]:
        """How often each true class (rows) was predicted as each class (columns), all subsets
        together."""
        from sklearn.metrics import confusion_matrix

        truth = np.tile(self.truth, len(self.predicted))
        count_KK: NDArray[np.int64] = confusion_matrix(
            truth, self.predicted.ravel(), labels=range(classes)
        )
        return count_KK

    def ahead_of(self, other: MethodResult) -> tuple[float, float]:
        """Difference of test accuracies on the same images, and its standard error.

        The error is over test images; with several subsets, the larger of this and the error over
        subsets.
        """
        right_RN = (self.predicted == self.truth).astype(np.float64)
        difference_RN = right_RN - (other.predicted == self.truth)
        subsets, images = difference_RN.shape
        error = difference_RN.mean(axis=0).std() / images**0.5
        if subsets > 1:
            error = max(error, difference_RN.mean(axis=1).std(ddof=1) / subsets**0.5)
        return float(difference_RN.mean()), float(error)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and text, for JSON."""
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
    """All methods on the same images.

    Parameters
    ----------
    methods : tuple of MethodResult
    names : tuple of str
        Names of the classes.
    train, validation, test : int
        Number of images in each part; subsets are chosen from ``train``.
    labels : int, optional
        Images in each random subset; None trains on all.
    repeats : int
        Number of subsets.
    seed : int
    test_set : str
        Where the test images come from.
    with_labels : bool
        Whether the discriminator was trained with the labels of its images.
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
    with_labels: bool = False

    def __getitem__(self, method: str) -> MethodResult:
        """The result of a method; ``KeyError`` if it was not computed."""
        return {row.method: row for row in self.methods}[method]

    def protocol(self) -> str:
        """One line: how many images in each part."""
        parts = f"{self.validation:,} for validation, {self.test:,} test ({self.test_set})"
        if self.labels is None:
            return f"{self.train:,} images to train on, {parts}; {len(self.names)} classes"
        return (
            f"{self.labels:,} labels of {len(self.names)} classes, {self.repeats} random subsets of"
            f" {self.train:,} images; {parts}"
        )

    def table(self) -> str:
        """A Markdown table with aligned columns."""
        from rich.box import MARKDOWN
        from rich.console import Console
        from rich.table import Table

        table = Table(*["method", "features", "C", "validation", "test", "seconds"], box=MARKDOWN)
        for result in self.methods:
            table.add_row(*self._row(result))
        console = Console(file=StringIO(), width=1000, markup=False, highlight=False)
        with console.capture() as captured:
            console.print(table)
        return captured.get().strip()

    def verdict(self) -> list[str]:
        """The difference of the discriminator to each other method, a line each."""
        rows = {row.method: row for row in self.methods}
        own = rows.pop("discriminator", None)
        if own is None:
            return []
        lines = []
        for other in rows.values():
            ahead, error = own.ahead_of(other)
            side = "above" if ahead >= 0 else "below"
            doubt = "" if abs(ahead) > 3 * error else " (no clear difference)"
            lines.append(
                f"discriminator: {100 * abs(ahead):.2f} ± {100 * error:.2f} points {side}"
                f" {other.method}{doubt}"
            )
        return lines

    def notes(self) -> list[str]:
        """What a reader must know about the table."""
        lines = []
        if self.with_labels and any(row.method == "discriminator" for row in self.methods):
            lines.append(
                "discriminator: trained with the labels of its images, so it is no measure of what"
                " images teach without labels. For that, train with `model.condition=none`"
            )
        for row in self.methods:
            if row.projected_to is not None:
                lines.append(
                    f"{row.method}: a random projection reduced {row.features:,} features to"
                    f" {row.projected_to:,} (`max_features`)"
                )
            if row.is_at_edge:
                lines.append(
                    f"{row.method}: the best C is the smallest or largest value tried; a value"
                    " beyond may be better"
                )
            if not row.converged:
                lines.append(
                    f"{row.method}: a fit reached its maximum number of steps before it converged"
                )
        return lines

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and text, for JSON."""
        return {
            "classes": list(self.names),
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "test_set": self.test_set,
            "labels": self.labels,
            "repeats": self.repeats,
            "seed": self.seed,
            "with_labels": self.with_labels,
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
            " to ".join(digits(C, 4) for C in sorted({min(result.C), max(result.C)}))
            if result.C
            else "",
            _percent(result.validation),
            _percent(result.test),
            f"{result.seconds:.0f}",
        ]


def _percent(values: tuple[float, ...]) -> str:
    mean = f"{100 * float(np.mean(values)):.2f}"
    return f"{mean} ± {100 * _deviation(values):.2f}%" if len(values) > 1 else f"{mean}%"


def _deviation(values: tuple[float, ...]) -> float:
    """Standard deviation over subsets; 0 for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
