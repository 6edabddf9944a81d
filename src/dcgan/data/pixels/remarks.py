"""What is worth saying about images that can be used, but not wholly as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_heard: ContextVar[set[str] | None] = ContextVar("heard", default=None)


def remark(text: str) -> None:
    """Tell whoever listens; nobody else has to carry it along."""
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
    """Remarks on the images of a dataset, counted.

    Parameters
    ----------
    counted : mapping, optional
        As :meth:`to_json` gives them.
    """

    def __init__(self, counted: Mapping[str, tuple[int, str]] | None = None) -> None:
        self._counted = {text: (int(n), str(first)) for text, (n, first) in (counted or {}).items()}

    def add(self, title: str, texts: Collection[str]) -> None:
        """Count what was said about one image."""
        for text in sorted(texts):
            count, first = self._counted.get(text, (0, title))
            self._counted[text] = count + 1, first

    def lines(self) -> list[str]:
        """A line for each remark, with the first image that it is about."""
        return [
            f"{text}: {count:,} image{'' if count == 1 else 's'}, the first is {first}"
            for text, (count, first) in self._counted.items()
        ]

    def to_json(self) -> dict[str, tuple[int, str]]:
        """A dictionary that JSON can hold: how often each was said, and the first image's title."""
        return dict(self._counted)
