"""A quick look at a collection: how many pictures of which modes, sizes and classes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dcgan.data.dataset import Skipped
from dcgan.data.pixels.values import UNKNOWN, Spread, Values, decided
from dcgan.data.quality.evidence import Header, gather
from dcgan.data.quality.measurements import is_colour_mode
from dcgan.data.sources.base import Source
from dcgan.errors import DataError, UnreadableImage
from dcgan.runtime.threads import in_chunks

LOOKED_AT = 256
"""Headers read to see what a dataset is like, before anything is chosen."""

_spreads: WeakKeyDictionary[Source, tuple[Spread, ...]] = WeakKeyDictionary()
_lock = threading.Lock()

_OF_A_RUN = 16
"""Pictures looked at of each run that is read: a far one costs a request, however many."""


@dataclass(frozen=True)
class Survey:
    """What a collection holds.

    Attributes
    ----------
    count : int
        Pictures, readable or not.
    looked_at : int
        How many of them were opened for the rest of this.
    modes : dict of str to int
        Pillow's modes, most frequent first.
    sizes : dict of (height, width) to int
        Most frequent first.
    labels : dict of str to dict of str to int
        Pictures per class, for every factor with classes; left empty by :func:`survey` where every
        item would have to be fetched for it.
    skipped : tuple of Skipped
        Unreadable pictures with reasons.
    ignored : int
        Other files beside the pictures.
    shows_colour : bool, optional
        Whether a picture has colour, by the pixels of some; None where only headers are known.
    spreads : tuple of Spread
        How far values of more than 8 bits reach, by kind.
    """

    count: int
    looked_at: int
    modes: dict[str, int]
    sizes: dict[tuple[int, int], int]
    labels: dict[str, dict[str, int]]
    skipped: tuple[Skipped, ...]
    ignored: int
    shows_colour: bool | None = field(default=None, kw_only=True)
    spreads: tuple[Spread, ...] = field(default=(), kw_only=True)

    @property
    def readable(self) -> int:
        """How many of the pictures that were looked at can be used."""
        return self.looked_at - len(self.skipped)

    @property
    def median_size(self) -> tuple[int, int]:
        """(height, width) of the median aspect, with the median longer side.

        The medians of height and of width would be no image's: of square images among some that
        are wide and some that are high, they need not be square.
        """
        longer_sides = [max(size) for size in self.sizes]
        longer = float(np.median(np.repeat(longer_sides, list(self.sizes.values()))))
        aspect = float(np.median(self.aspects()))
        return round(min(longer, longer / aspect)), round(min(longer, longer * aspect))

    def aspects(self) -> NDArray[np.float64]:
        """Width over height of every readable image that was looked at, (N,), ascending."""
        sides = np.array(list(self.sizes), np.float64)
        aspects = np.repeat(sides[:, 1] / sides[:, 0], list(self.sizes.values()))
        return np.sort(aspects)

    def lost_to_cropping(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """The share of each of these images that a center crop to the aspect of (height, width)
        cuts off, (N,)."""
        relative = self.aspects() * size[0] / size[1]
        return 1.0 - np.minimum(relative, 1 / relative)

    @property
    def is_colour(self) -> bool:
        """Whether a picture that was looked at has colour, so that training does, too."""
        return self.has_colour_modes if self.shows_colour is None else self.shows_colour

    @property
    def has_colour_modes(self) -> bool:
        """Whether any picture that was looked at is stored in a mode with colours."""
        return any(map(is_colour_mode, self.modes))


def survey(source: Source, limit: int | None = None) -> Survey:
    """Read headers of a source, all or ``limit`` of them spread evenly, and count what they say.

    The pixels of some images show whether there are colors, and which values are black and white:
    see :func:`dcgan.data.quality.evidence.gather`. To measure the pixels of all images, use
    :func:`dcgan.data.quality.inspection.inspect_dataset`.

    Raises
    ------
    DataError
        Not one of them could be read.
    """

    def look(index: int) -> Header | Skipped:
        try:
            return source.peek(index)
        except UnreadableImage as error:
            return Skipped(source.title(index), str(error))

    indices = _spread_in_runs(source, limit)
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    skipped = []
    headers: dict[int, Header] = {}
    looks = in_chunks(look, indices, one_at_a_time=source.one_at_a_time)
    for index, seen in zip(indices, looks, strict=True):
        if isinstance(seen, Skipped):
            skipped.append(seen)
        else:
            headers[index] = seen
            modes[seen[0]] += 1
            sizes[seen[1]] += 1
    refuse_nothing_readable(source, len(indices), skipped)
    evidence = gather(source, headers)
    return Survey(
        count=len(source),
        looked_at=len(indices),
        modes=dict(modes.most_common()),
        sizes=dict(sizes.most_common()),
        labels={} if source.one_at_a_time else class_counts(source),
        skipped=tuple(skipped),
        ignored=source.ignored,
        shows_colour=evidence.colour,
        spreads=evidence.spreads,
    )


def values_of(source: Source, given: Values = UNKNOWN) -> Values:
    """Black and white in images of more than 8 bits: as given, else as the dataset's images tell.

    Raises
    ------
    DataError
        They do not tell.
    """
    if source.pixels() is not None:
        return given  # of 8 bits each
    with _lock:  # of many threads one looks, and once
        if source not in _spreads:
            try:
                _spreads[source] = survey(source, LOOKED_AT).spreads
            except DataError:
                _spreads[source] = ()  # nothing can be read, which is told when it is decoded
        return decided(_spreads[source], given)


def _spread_in_runs(source: Source, limit: int | None) -> list[int]:
    """Indices spread evenly; of a source read in runs, some from each of a few runs."""
    count = len(source)
    if limit is None or limit >= count or source.run == 1:
        return spread_evenly(count, limit)
    runs = spread_evenly(-(-count // source.run), max(1, limit // _OF_A_RUN))
    starts = (run * source.run for run in runs)
    return [index for start in starts for index in range(start, min(start + _OF_A_RUN, count))]


def spread_evenly(count: int, limit: int | None) -> list[int]:
    """All of ``count`` indices, or ``limit`` of them from the first to the last.

    >>> spread_evenly(9, 3)
    [0, 4, 8]
    """
    wanted = count if limit is None else min(count, limit)
    return [round(i) for i in np.linspace(0, count - 1, wanted)]


def refuse_nothing_readable(source: Source, looked_at: int, skipped: list[Skipped]) -> None:
    """Raise ``DataError`` when all that was looked at had to be skipped."""
    if len(skipped) < looked_at:
        return
    raise DataError(
        f"{source.name}: none of {looked_at} pictures can be read; the first is"
        f" {skipped[0].title} ({skipped[0].reason})"
    )


def class_counts(source: Source) -> dict[str, dict[str, int]]:
    """Pictures per class, also none, for every factor with classes."""
    counts: dict[str, dict[str, int]] = {}
    for factor, labels in source.labels.items():
        if labels.names:
            tally: Mapping[int, int] = dict(
                enumerate(np.bincount(labels.values, minlength=len(labels.names)).tolist())
            )
            counts[factor] = {name: tally[number] for number, name in enumerate(labels.names)}
    return counts
