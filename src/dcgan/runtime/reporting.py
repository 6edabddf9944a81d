"""The one way in which work reports what it does: notes, progress, and a run's numbers."""

from __future__ import annotations

from typing import Any, Literal, Protocol, Self

Unit = Literal["images", "bytes", "steps"]


class Scored(Protocol):
    """A metric and its value: :class:`dcgan.metrics.Score` is one."""

    @property
    def metric(self) -> str: ...

    @property
    def value(self) -> float: ...


class Reporter:
    """Receives notes and progress; does nothing with them. Subclasses override what they show."""

    def note(self, text: str) -> None:
        """One line worth reading: a choice made, a warning, a resumption."""

    def progress(self, activity: str, done: int, total: int | None, unit: Unit = "images") -> None:
        """Work other than training has advanced; called often, must be cheap.

        Parameters
        ----------
        activity : str
            What is being done, such as "decoding".
        done, total : int
            Both in ``unit``; the last call has ``done == total``. The total may be unknown.
        unit : "images", "bytes" or "steps"
        """

    def begin(self, images_seen: int, images: int | None, minutes: float | None) -> None:
        """Training begins or goes on, towards ``images`` or for ``minutes``."""

    def tick(self, images_seen: int, seconds: float) -> None:
        """A step is done; called often, must be cheap."""

    def record(self, record: dict[str, Any]) -> None:
        """A log line was written."""

    def measured(self, images_seen: int, score: Scored, is_best: bool) -> None:
        """The averaged generator was measured."""

    def end(self) -> None:
        """Nothing more will come, for whatever reason."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def chosen_reporter(reporter: Reporter | None, *, progress: bool, is_first: bool) -> Reporter:
    """Who is told: the caller's reporter, else the screen, else nobody.

    Parameters
    ----------
    reporter : Reporter, optional
        The caller's own.
    progress : bool
        Whether the screen shows progress where the caller has none of its own.
    is_first : bool
        Of several processes only the first speaks.
    """
    if not is_first or not (reporter or progress):
        return SILENT
    if reporter is not None:
        return reporter
    from dcgan.runtime.progress import TerminalReporter

    return TerminalReporter()


SILENT = Reporter()
"""Shows nothing: the default of functions that report."""
