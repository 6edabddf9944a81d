"""Reporting of long work: notes, progress, and the numbers of a run."""

from __future__ import annotations

from typing import Any, Literal, Protocol, Self

Unit = Literal["images", "bytes", "runs"]


class Scored(Protocol):
    """A score and its metric, such as :class:`dcgan.metrics.Score`."""

    @property
    def metric(self) -> str: ...

    @property
    def value(self) -> float: ...

    @property
    def label(self) -> str: ...

    @property
    def baseline(self) -> float | None: ...


class Reporter:
    """Receives notes and progress and ignores them. A subclass overrides what it wants to show."""

    def note(self, text: str) -> None:
        """A line of text for the user was issued, such as a choice or a warning."""

    def progress(self, activity: str, done: int, total: int | None, unit: Unit = "images") -> None:
        """Work other than training has advanced. Called often.

        Parameters
        ----------
        activity : str
            The name of the work, such as "decoding".
        done, total : int
            How much is done, and how much there is in total (None if unknown). The last call has
            ``done == total``.
        unit : "images", "bytes" or "runs"
            The unit of both numbers.
        """

    def begin(self, images_seen: int, images: int | None, minutes: float | None) -> None:
        """Training starts or resumes, up to ``images`` or ``minutes``."""

    def tick(self, images_seen: int, seconds: float) -> None:
        """A step is done. Called often."""

    def record(self, record: dict[str, Any]) -> None:
        """A log line was written."""

    def measured(self, images_seen: int, score: Scored, is_best: bool) -> None:
        """The averaged generator was scored."""

    def end(self) -> None:
        """A piece of work has ended, with or without an error. Close what shows its progress."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


SILENT = Reporter()
"""Shows nothing; the default of functions that report."""
