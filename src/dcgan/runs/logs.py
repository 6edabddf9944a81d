"""Append-only files of JSON lines, such as ``log.jsonl`` and ``events.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite, nan
from pathlib import Path
from typing import Any, TypeGuard

from dcgan.runtime.files import naming
from dcgan.runtime.reading import NotJson, parse_json

_GRADIENTS = ("gradient_mean", "gradient_max")
"""Keys of a line of ``log.jsonl`` with a number for each layer."""

_REQUIRED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "diverged": lambda event: is_count(event.get("images")),
    "unlike-classes": lambda event: isinstance(event.get("said"), str),
    "expectation": lambda event: is_count(event.get("expected")),
}
"""What readers take from events of a kind."""


class JsonLines:
    """A file of one JSON object per line. :meth:`read` skips a line that a crash cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: dict[str, Any]) -> None:
        """Write one line at once. Numbers that are not finite, which JSON lacks, become null."""
        with naming(self.path), self.path.open("ab") as file:
            if file.tell() > 0 and not self._ends_whole():
                file.write(b"\n")
            file.write(json.dumps(_finite(record), allow_nan=False).encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """All complete lines, in order; an empty list if there is no file."""
        return [record for record in self._lines() if record is not None]

    def damaged(self) -> int:
        """How many lines cannot be read, except those cut off before a resume, which wrote them
        again."""
        lines = self._lines()
        return sum(
            line is None and (after is None or "goes_on_from" not in after)
            for line, after in pairwise([*lines, None])
        )

    def _lines(self) -> list[dict[str, Any] | None]:
        """The object of each line; None for a damaged line."""
        try:
            content = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return []
        records: list[dict[str, Any] | None] = []
        for line in content.split(b"\n"):
            if not line:
                continue
            try:
                # earlier versions wrote gradients that are not finite
                records.append(parse_json(line, finite=False))
            except NotJson:
                records.append(None)
        return records

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


def by_images(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record per number of images seen, in that order.

    A line ``{"goes_on_from": N}`` marks a resume; earlier records of more than N images are void.
    """
    latest: dict[int, dict[str, Any]] = {}
    for record in records:
        start, images = record.get("goes_on_from"), record.get("images")
        if is_count(start):
            latest = {images: line for images, line in latest.items() if images <= start}
        elif is_count(images):
            latest[images] = record
    return [latest[images] for images in sorted(latest)]


def of_training(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The valid lines of ``log.jsonl`` by images seen; gradients that were not finite are NaN."""
    lines = map(_with_nan, by_images(records))
    return [record for record in lines if _is_of_training(record)]


def of_events(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of ``events.jsonl``, in order, without those that lack what their kind requires."""
    return [
        event
        for event in records
        if isinstance(kind := event.get("event"), str)
        and (kind not in _REQUIRED or _REQUIRED[kind](event))
    ]


def _with_nan(record: dict[str, Any]) -> dict[str, Any]:
    layers = {key: record[key] for key in _GRADIENTS if isinstance(record.get(key), dict)}
    if not any(None in one.values() for one in layers.values()):
        return record
    return record | {
        key: {layer: nan if value is None else value for layer, value in one.items()}
        for key, one in layers.items()
    }


def _finite(value: Any) -> Any:
    """The value with None in place of numbers that are not finite."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _is_of_training(record: dict[str, Any]) -> bool:
    """Whether everything that plots show is a number, or numbers by layer."""
    layers = [record.get(key, {}) for key in _GRADIENTS]
    if not all(isinstance(one, dict) for one in layers) or layers[0].keys() != layers[1].keys():
        return False
    numbers = [value for key, value in record.items() if key.startswith(("loss_", "score_"))]
    numbers += [record.get("seconds"), *layers[0].values(), *layers[1].values()]
    return all(map(_is_number, numbers))


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (type(value) is int and abs(value) < 2**63)


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a value is a possible number of images."""
    return type(value) is int and 0 <= value < 2**63


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
