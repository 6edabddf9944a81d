"""Labels from the files of each image in a WebDataset: ``KEY.cls``, ``KEY.txt``, ``KEY.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from dcgan.data.labels.columns import LONGEST, MOST_CLASSES
from dcgan.data.labels.tables import OR_WINDOWS, cell

_MOST_BYTES = {".cls": 2**10, ".txt": 2**12, ".json": 2**16}

_MOST_COLUMNS = 50


class SampleTexts:
    """Texts by column and sample; ``troubles`` names columns that hold no classes, and why."""

    def __init__(self) -> None:
        self.troubles: dict[str, str] = {}
        self._columns: dict[str, dict[str, str]] = {}
        self._distinct: dict[str, dict[str, str]] = {}
        self._stems: set[str] = set()

    def __contains__(self, stem: str) -> bool:
        return stem in self._stems

    @staticmethod
    def reads(end: str, size: int) -> bool:
        """Whether a file of this suffix and size is read."""
        return size <= _MOST_BYTES.get(end, -1)

    def add(self, stem: str, end: str, content: bytes) -> None:
        """Read a file of one image."""
        self._stems.add(stem)
        if end != ".json":
            self._put(end.removeprefix("."), stem, cell(content.decode("utf-8", OR_WINDOWS)))
            return
        with suppress(ValueError, RecursionError):
            fields = json.loads(content)
            fields = fields if isinstance(fields, dict) else {"json": fields}
            for name, value in fields.items():
                self._put(name, stem, cell(value))

    def of(self, stems: Sequence[str]) -> dict[str, list[str]]:
        """The texts of some samples by column; empty for a sample without one."""
        asked = set(stems)
        return {
            name: [known.get(stem, "") for stem in stems]
            for name, known in self._columns.items()
            if not asked.isdisjoint(known)
        }

    def _put(self, name: str, stem: str, text: str) -> None:
        if not text or name in self.troubles:
            return
        if name not in self._columns and len(self._columns) >= _MOST_COLUMNS:
            return
        # one object for each distinct text
        distinct = self._distinct.setdefault(name, {})
        self._columns.setdefault(name, {})[stem] = distinct.setdefault(text, text)
        if len(text) > LONGEST or len(distinct) > MOST_CLASSES:
            many = f"more than {MOST_CLASSES:,} distinct values"
            self.troubles[name] = "long texts" if len(text) > LONGEST else many
            del self._columns[name], self._distinct[name]
