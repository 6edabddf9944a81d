"""A dataset without duplicates and blank images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.quality.inspection import inspect_dataset
from dcgan.data.quality.variation import varies
from dcgan.data.sources.base import EncodedSource, Source
from dcgan.data.sources.paths import digest
from dcgan.errors import DataError
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import write_json
from dcgan.runtime.memory import shortage
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.vocabulary import CachePlace, KeepOrDrop

_VERSION = 1
"""Raised when other images count as copies or as blank."""

_BYTES_EACH = 1200
"""Memory per image while copies are searched. Comparing a million images took 0.86 GB at the peak;
digests and numbers add about 0.2 GB."""

_MEMORY_SHARE = 0.6

_KEEP = "Keep all images with `data.duplicates=keep` and `data.blank=keep`"


@dataclass(frozen=True)
class Drops:
    """Which images to drop from a dataset.

    Parameters
    ----------
    duplicates : {"keep", "drop"}
        Copies of an earlier image, exact or near: see
        :func:`dcgan.data.quality.duplicates.near_duplicates`.
    blank : {"keep", "drop"}
        Images without variation.
    vanishing : bool
        Whether images that are white on transparent count as blank.
    """

    duplicates: KeepOrDrop = "keep"
    blank: KeepOrDrop = "keep"
    vanishing: bool = True


class SelectedSource(Source):
    """The images of another source with numbers ``rows``, int64 (N,), ascending."""

    def __init__(self, source: Source, rows: NDArray[np.int64]) -> None:
        labels = {name: values.take(rows) for name, values in source.labels.items()}
        super().__init__(source.name, labels=labels, others=source.others, notes=source.notes)
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


def select_by_settings(
    source: Source,
    duplicates: KeepOrDrop,
    blank: KeepOrDrop,
    *,
    background: str,
    channels: int | Literal["auto"],
    cache: CachePlace,
    reporter: Reporter = SILENT,
) -> Source:
    """:func:`select` by the settings ``data.duplicates``, ``data.blank`` and others."""
    on_white = background.lower() == "#ffffff" and channels not in {2, 4}
    known = None if cache == "off" else cache_folder() / "selections"
    return select(source, Drops(duplicates, blank, on_white), known=known, reporter=reporter)


def select(
    source: Source,
    drops: Drops,
    *,
    known: Path | None = None,
    reporter: Reporter = SILENT,
) -> Source:
    """The source without the images to be dropped.

    Decodes every image in full once, as ``dcgan inspect`` does, and needs 1.2 kB of memory per
    image. The result is stored in the folder ``known`` until the source changes.

    Raises
    ------
    DataError
        There is too little memory, no image is left, or images vary from one reading to the next.
    """
    if "drop" not in (drops.duplicates, drops.blank):
        return source
    if varies(source):
        raise DataError(
            f"{source.name}: items differ each time they are fetched, so copies cannot be found."
            f" {_KEEP}"
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
            f"{source.name}: all {len(source):,} images are blank, so none is left."
            " Keep them with `data.blank=keep`"
        )
    reporter.note(_in_words(found, drops, len(source)))
    kept = np.delete(np.arange(len(source), dtype=np.int64), gone)
    return SelectedSource(source, kept) if gone else source


def _look(source: Source, drops: Drops, reporter: Reporter) -> dict[str, list[int]]:
    """Numbers of copies and of blank images."""
    lacking = shortage(_BYTES_EACH * len(source), _MEMORY_SHARE)
    if lacking:
        raise DataError(f"{source.name}: comparing {len(source):,} images needs {lacking}. {_KEEP}")
    seen = inspect_dataset(source, reporter=reporter)
    copies, blank = [], []
    if drops.duplicates == "drop":
        copies = [row for group in (*seen.exact, *seen.near) for row in group[1:]]
    if drops.blank == "drop":
        blank = [*seen.blank, *(seen.vanishing if drops.vanishing else ())]
    return {"copies": sorted(copies), "blank": sorted(blank)}


def _read(file: Path, count: int) -> dict[str, list[int]] | None:
    """The stored result; None if it is missing or damaged."""
    try:
        found = read_json(file)
        rows = [row for key in ("copies", "blank") for row in found[key]]
        whole = all(isinstance(row, int) and 0 <= row < count for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if whole else None


def _in_words(found: dict[str, list[int]], drops: Drops, count: int) -> str:
    parts = []
    if drops.duplicates == "drop":
        parts.append(f"{len(found['copies']):,} copies of others (`data.duplicates`)")
    if drops.blank == "drop":
        parts.append(f"{len(found['blank']):,} blank (`data.blank`)")
    return f"of {count:,} images, {' and '.join(parts)} are dropped"
