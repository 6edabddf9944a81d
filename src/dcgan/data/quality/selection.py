"""A dataset without copies of its images and without blank ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.variation import varies
from dcgan.data.sources.base import EncodedSource, Source
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.files import write_json
from dcgan.runtime.memory import available_memory, in_words
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.vocabulary import KeepOrDrop

_VERSION = 1
"""Raised whenever other images are found to be copies or blank."""

_BYTES_EACH = 1200
"""Memory for each image while copies are looked for. Comparing a million took 0.86 GB at the peak;
digests and numbers add some 0.2 GB."""

_MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class Drops:
    """Which images a dataset goes without.

    Parameters
    ----------
    duplicates : {"keep", "drop"}
        Copies of an earlier image, exact or near: see
        :func:`dcgan.data.quality.duplicates.near_duplicates`.
    blank : {"keep", "drop"}
        Images without variation.
    vanishing : bool
        Whether those count as blank that are white on transparent.
    """

    duplicates: KeepOrDrop = "keep"
    blank: KeepOrDrop = "keep"
    vanishing: bool = True

    @property
    def any(self) -> bool:
        """Whether there is anything to look for."""
        return "drop" in (self.duplicates, self.blank)


class SelectedSource(Source):
    """Some images of another source, in its order.

    Parameters
    ----------
    source : Source
    rows : int64 (N,)
        Their numbers there, ascending.
    """

    def __init__(self, source: Source, rows: NDArray[np.int64]) -> None:
        labels = {name: values.take(rows) for name, values in source.labels.items()}
        super().__init__(source.name, labels=labels, others=source.others)
        self.run = source.run
        self.may_vary = source.may_vary
        self.is_far = source.is_far
        self.one_at_a_time = source.one_at_a_time
        self._source = source
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        return self._source.read(int(self._rows[index]), at_least)

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        return self._source.peek(int(self._rows[index]))

    def title(self, index: int) -> str:
        return self._source.title(int(self._rows[index]))

    @property
    def encoded(self) -> EncodedSource | None:
        return self._source.encoded

    def stamp(self) -> str | None:
        stamp = self._source.stamp()
        return None if stamp is None else digest((stamp, self._rows.tobytes()))


def select(
    source: Source,
    drops: Drops,
    *,
    known: Path | None = None,
    reporter: Reporter = SILENT,
) -> Source:
    """The source without what is to be dropped.

    Every image is decoded in full once, as ``dcgan inspect`` does, and 1.2 kB of memory are needed
    for each. What was found is kept in ``known``, for as long as the source does not change.

    Parameters
    ----------
    source : Source
    drops : Drops
    known : Path, optional
        A folder for what was found.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    DataError
        There is too little memory, no image is left, or images vary from one reading to the next.
    """
    if not drops.any:
        return source
    if varies(source):
        raise DataError(
            f"{source.name}: items differ each time they are fetched, so copies cannot be told."
            " Pass --data.duplicates keep --data.blank keep"
        )
    stamp = source.stamp()
    file = None
    if known is not None and stamp is not None:
        file = known / f"{digest((_VERSION, stamp, drops))}.json"
    found = None if file is None else _read(file, len(source))
    if found is None:
        found = _look(source, drops, reporter)
        if file is not None:
            write_json(file, found)
    gone = sorted({*found["copies"], *found["blank"]})
    if len(gone) == len(source):
        raise DataError(
            f"{source.name}: all {len(source):,} images are blank, and none is left."
            " Pass --data.blank keep"
        )
    reporter.note(_in_words(found, drops, len(source)))
    kept = np.delete(np.arange(len(source), dtype=np.int64), gone)
    return SelectedSource(source, kept) if gone else source


def _look(source: Source, drops: Drops, reporter: Reporter) -> dict[str, list[int]]:
    """Numbers of copies and of blank images."""
    needed, free = _BYTES_EACH * len(source), available_memory()
    if free is not None and needed > _MEMORY_SHARE * free:
        raise DataError(
            f"{source.name}: comparing {len(source):,} images takes {in_words(needed)} of memory,"
            f" and {in_words(free)} are free. Pass --data.duplicates keep --data.blank keep"
        )
    seen = inspect_dataset(source, reporter=reporter)
    copies, blank = [], []
    if drops.duplicates == "drop":
        copies = [row for group in (*seen.exact, *seen.near) for row in group[1:]]
    if drops.blank == "drop":
        blank = [*seen.blank, *(seen.vanishing if drops.vanishing else ())]
    return {"copies": sorted(copies), "blank": sorted(blank)}


def _read(file: Path, count: int) -> dict[str, list[int]] | None:
    """What was found earlier; None where that is not there or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        rows = [row for key in ("copies", "blank") for row in found[key]]
        whole = all(isinstance(row, int) and 0 <= row < count for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(found) if whole else None


def _in_words(found: dict[str, list[int]], drops: Drops, count: int) -> str:
    parts = []
    if drops.duplicates == "drop":
        parts.append(f"{len(found['copies']):,} copies of others (data.duplicates)")
    if drops.blank == "drop":
        parts.append(f"{len(found['blank']):,} blank (data.blank)")
    return f"of {count:,} images, {' and '.join(parts)} are left out"
