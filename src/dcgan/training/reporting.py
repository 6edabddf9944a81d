"""What training tells whoever watches; the command line draws it, the default says nothing."""

from __future__ import annotations

from typing import Any

from dcgan.metrics.score import Score


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

    def measured(self, images_seen: int, score: Score, is_best: bool) -> None:
        """The averaged generator was measured."""

    def end(self) -> None:
        """No more steps will come, for whatever reason."""
