"""What to report about images: those that cannot be read, and those not used exactly as stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_heard: ContextVar[set[str] | None] = ContextVar("heard", default=None)


@dataclass(frozen=True)
class Skipped:
    """An image that cannot be read."""

    title: str
    reason: str


def remark(text: str) -> None:
    """Add a remark on the image at hand to the innermost :func:`listening` of this thread."""
    heard = _heard.get()
    if heard is not None:
        heard.add(text)


@contextmanager
def listening() -> Iterator[set[str]]:
    """Collect the remarks of this thread."""
    heard: set[str] = set()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


class Remarks:
    """How many images of a dataset each remark is about, and the title of the first of them.

    Parameters
    ----------
    counted : mapping, optional
        As :meth:`to_json` returns it.
    """

    def __init__(self, counted: Mapping[str, tuple[int, str]] | None = None) -> None:
        self._counted = {text: (int(n), str(first)) for text, (n, first) in (counted or {}).items()}

    def add(self, title: str, texts: Collection[str]) -> None:
        """Count the remarks on one image."""
        for text in sorted(texts):
            count, first = self._counted.get(text, (0, title))
            self._counted[text] = count + 1, first

    def lines(self) -> list[str]:
        """One line per remark."""
        return [
            f"{text}: {count:,} image{'' if count == 1 else 's'}, the first is {first}"
            for text, (count, first) in self._counted.items()
        ]

    def to_json(self) -> dict[str, tuple[int, str]]:
        """A dictionary for JSON."""
        return dict(self._counted)
