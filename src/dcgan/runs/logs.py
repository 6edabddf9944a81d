"""Append-only JSON lines: ``log.jsonl`` for numbers, ``events.jsonl`` for what happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class JsonLines:
    """A file of one JSON object per line that is only ever appended to.

    A line cut short by a crash is ended, and passed over by :meth:`read`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: dict[str, Any]) -> None:
        """Add one line and hand it to the operating system at once."""
        with self.path.open("ab") as file:
            if file.tell() > 0 and not self._ends_whole():
                file.write(b"\n")
            file.write(json.dumps(record).encode() + b"\n")

    def read(self) -> list[dict[str, Any]]:
        """All whole lines, in order; none when there is no file."""
        if not self.path.exists():
            return []
        records = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                records.append(json.loads(line))
            except ValueError:
                continue
        return records

    def _ends_whole(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


def by_images(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One record per number of images seen, in that order.

    A killed run goes on from its last checkpoint, and says so in a line ``{"goes_on_from": N}``:
    what it had written beyond N belongs to a future that did not happen.
    """
    latest: dict[int, dict[str, Any]] = {}
    for record in records:
        if "goes_on_from" in record:
            past = record["goes_on_from"]
            latest = {images: line for images, line in latest.items() if images <= past}
        elif "images" in record:
            latest[record["images"]] = record
    return [latest[images] for images in sorted(latest)]


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
