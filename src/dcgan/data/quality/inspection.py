"""A thorough look at a collection before any training: what its pixels hold, and what spoils them.

N pictures that could be read, of those looked at
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from dcgan.data.dataset import Skipped
from dcgan.data.pixels.remarks import Remarks, listening
from dcgan.data.pixels.values import UNKNOWN, Spread, Values, decided
from dcgan.data.quality.duplicates import Group, exact_duplicates, near_duplicates
from dcgan.data.quality.measurements import THUMBNAIL_BYTES, Look, look, open_with_frames
from dcgan.data.quality.survey import (
    LOOKED_AT,
    Survey,
    class_counts,
    refuse_nothing_readable,
    spread_evenly,
    survey,
)
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.threads import in_chunks

TINY_SIDE = 16
"""Pictures with a shorter side are called tiny: no network here works below it."""


@dataclass(frozen=True)
class Inspection(Survey):
    """A survey, and what was measured on the pixels. Pictures are named by their index.

    Attributes
    ----------
    coloured, transparent, animated : int
        Pictures whose channels differ; that are not wholly opaque; of more than one frame.
    blank, vanishing, tiny : tuple of int
        Without variation; only so on a white background; with a side below ``TINY_SIDE``.
    exact, near : tuple of tuple of int
        Groups of equal pictures, and of nearly equal ones; blank ones are left out. Of a group of
        equal ones only the first stands in ``near``.
    by_aspect : tuple of int
        All readable pictures from the narrowest to the widest.
    channel_mean, channel_deviation : tuple of 3 float
        Of red, green and blue, 0 to 255, transparent pictures on white; over all pixels in full
        size, where every picture counts alike.
    values : Values
        Black and white in pictures of more than 8 bits per channel: as training takes them or,
        where it could not tell, the least and the greatest value found.
    remarks : Remarks
        What is worth saying about pictures that could be read.
    """

    coloured: int
    transparent: int
    animated: int
    blank: Group
    vanishing: Group
    tiny: Group
    exact: tuple[Group, ...]
    near: tuple[Group, ...]
    by_aspect: tuple[int, ...]
    channel_mean: tuple[float, float, float]
    channel_deviation: tuple[float, float, float]
    values: Values = field(default=UNKNOWN, kw_only=True)
    remarks: Remarks = field(default_factory=Remarks, kw_only=True)

    @property
    def is_colour(self) -> bool:
        """Whether the network shall see colours, as training decides it where that is known."""
        return self.coloured > 0 if self.shows_colour is None else self.shows_colour

    @property
    def spare(self) -> int:
        """How many pictures are copies, exact or near, of others that would be kept."""
        return sum(len(group) - 1 for group in (*self.exact, *self.near))


def inspect_dataset(
    source: Source,
    limit: int | None = None,
    *,
    reporter: Reporter = SILENT,
) -> Inspection:
    """Decode pictures of a source in full, all or ``limit`` spread evenly, once, and measure them.

    Half a kilobyte is kept of each.

    Parameters
    ----------
    source : Source
    limit : int, optional
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    DataError
        Not one of them could be read.
    """

    glance = survey(source, LOOKED_AT)  # what training chooses by
    values = _values(glance.spreads)

    def look_at(index: int) -> tuple[Look | Skipped, set[str]]:
        with listening() as remarks:
            try:
                return look(*open_with_frames(source, index), values), remarks
            except UnreadableImage as error:
                return Skipped(source.title(index), str(error)), set()

    indices = spread_evenly(len(source), limit)
    tally = _Tally(len(indices))
    skipped: list[Skipped] = []
    remarks = Remarks()
    looks = in_chunks(look_at, indices, one_at_a_time=source.one_at_a_time)
    for done, (index, (seen, said)) in enumerate(zip(indices, looks, strict=True), start=1):
        if isinstance(seen, Skipped):
            skipped.append(seen)
        else:
            tally.add(index, seen)
            if said:
                remarks.add(source.title(index), said)
        reporter.progress("decoding", done, len(indices))
    refuse_nothing_readable(source, len(indices), skipped)
    return replace(
        tally.finish(source, tuple(skipped)),
        shows_colour=glance.shows_colour,
        spreads=glance.spreads,
        values=values,
        remarks=remarks,
    )


def _values(spreads: tuple[Spread, ...]) -> Values:
    """Black and white as training takes them; of what it refuses, all that was found."""
    given = {one.kind: (one.low, one.high) for one in spreads if one.is_unknown}
    return decided(spreads, Values(**given))


class _Tally:
    """Looks, gathered one by one."""

    def __init__(self, most: int) -> None:
        self._modes: Counter[str] = Counter()
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._counts: Counter[str] = Counter()
        self._blank: list[int] = []
        self._vanishing: list[int] = []
        self._tiny: list[int] = []
        self._index: list[int] = []
        self._digests: list[bytes] = []
        self._hashes = np.empty(most, np.uint64)
        self._coarse = np.zeros(most, np.bool_)
        self._aspects = np.empty(most, np.float64)
        self._thumbnails = np.empty((most, THUMBNAIL_BYTES), np.uint8)
        self._seen = np.zeros(most, np.bool_)
        self._mean = np.zeros(3)
        self._square = np.zeros(3)

    def add(self, index: int, seen: Look) -> None:
        row = len(self._index)
        self._index.append(index)
        self._digests.append(seen.digest)
        self._hashes[row] = seen.hash
        self._thumbnails[row] = seen.thumbnail
        self._aspects[row] = seen.size[1] / seen.size[0]
        self._seen[row] = not seen.is_blank
        self._mean += seen.mean
        self._square += seen.square
        self._modes[seen.mode] += 1
        self._sizes[seen.size] += 1
        self._counts["coloured"] += seen.has_colour
        self._counts["transparent"] += seen.is_transparent
        self._counts["animated"] += seen.frames > 1
        if seen.vanishes:
            self._vanishing.append(index)
        elif seen.is_blank:
            self._blank.append(index)
        if min(seen.size) < TINY_SIDE:
            self._tiny.append(index)
            self._coarse[row] = True

    def finish(self, source: Source, skipped: tuple[Skipped, ...]) -> Inspection:
        exact, near = self._duplicates()
        count = len(self._index)
        mean, square = self._mean / count, self._square / count
        deviation = np.sqrt(np.maximum(square - mean**2, 0))
        order = np.argsort(self._aspects[:count], kind="stable")
        return Inspection(
            count=len(source),
            looked_at=count + len(skipped),
            modes=dict(self._modes.most_common()),
            sizes=dict(self._sizes.most_common()),
            labels=class_counts(source),
            skipped=skipped,
            ignored=source.ignored,
            coloured=self._counts["coloured"],
            transparent=self._counts["transparent"],
            animated=self._counts["animated"],
            blank=tuple(self._blank),
            vanishing=tuple(self._vanishing),
            tiny=tuple(self._tiny),
            exact=exact,
            near=near,
            by_aspect=tuple(self._index[row] for row in order),
            channel_mean=(float(mean[0]), float(mean[1]), float(mean[2])),
            channel_deviation=(float(deviation[0]), float(deviation[1]), float(deviation[2])),
        )

    def _duplicates(self) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """Exact and near ones among the pictures on which something can be seen."""
        rows = np.flatnonzero(self._seen[: len(self._index)])
        equal = exact_duplicates([self._digests[row] for row in rows])
        copies = [place for group in equal for place in group[1:]]
        kept = np.delete(rows, copies)
        near = near_duplicates(self._hashes[kept], self._thumbnails[kept], self._coarse[kept])
        return (
            tuple(tuple(self._index[rows[place]] for place in group) for group in equal),
            tuple(tuple(self._index[kept[place]] for place in group) for group in near),
        )
