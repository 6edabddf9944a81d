"""What training tells whoever watches."""

from __future__ import annotations

from typing import Any, Protocol


class Scored(Protocol):
    """A measured number and what it measures: :class:`dcgan.metrics.Score` is one."""

    @property
    def measure(self) -> str: ...

    @property
    def value(self) -> float: ...


class Reporter:
    """Receives the course of a training run; subclasses override what they show."""

    def note(self, text: str) -> None:
        """One line worth reading: a choice made, a warning, a resumption."""

    def decoding(self, done: int, total: int) -> None:
        """So many pictures are decoded."""

    def fetching(self, done: int, total: int | None) -> None:
        """So many bytes of a data set have arrived."""

    def begin(self, images_seen: int, images: int | None, minutes: float | None) -> None:
        """Training begins or goes on, towards ``images`` or for ``minutes``."""

    def tick(self, images_seen: int, seconds: float) -> None:
        """A step is done; called often, must be cheap."""

    def record(self, record: dict[str, Any]) -> None:
        """A log line was written."""

    def measured(self, images_seen: int, score: Scored, is_best: bool) -> None:
        """The averaged generator was measured."""

    def end(self) -> None:
        """No more steps will come, for whatever reason."""


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
        return Reporter()
    if reporter is not None:
        return reporter
    from dcgan.runtime.progress import TerminalReporter

    return TerminalReporter()


def silent(*_: object) -> None:
    """Where a caller wants to hear nothing."""
