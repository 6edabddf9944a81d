"""A quick look at a dataset: the number of its images, and their modes, sizes and classes."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dcgan.data.pixels.remarks import Skipped
from dcgan.data.pixels.values import UNKNOWN, Spread, Values, decided
from dcgan.data.quality.evidence import Header, gather, peek_at, spread_evenly
from dcgan.data.quality.measurements import is_color_mode
from dcgan.data.sources.base import Source
from dcgan.errors import DataError

LOOKED_AT = 256
"""Headers read before settings are chosen."""

_OF_A_RUN = 16
"""Images looked at per run of a source that is read in runs: if it is far, each run costs a
request, however many of its images are read."""

_spreads: WeakKeyDictionary[Source, tuple[Spread, ...]] = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True)
class Survey:
    """The result of looking at a dataset.

    Attributes
    ----------
    count : int
        Images, readable or not.
    looked_at : int
        How many of them were opened for the following.
    modes : dict of str to int
        Pillow's modes, most frequent first.
    sizes : dict of (height, width) to int
        Most frequent first.
    labels : dict of str to dict of str to int
        Images per class, for every factor with classes. :func:`survey` leaves it empty if every
        item would have to be fetched for it.
    skipped : tuple of Skipped
        Unreadable images with reasons.
    ignored : int
        Other files next to the images.
    shows_color : bool, optional
        Whether the pixels of any image show color; None if only headers are known.
    spreads : tuple of Spread
        The range of values of more than 8 bits, by kind.
    """

    count: int
    looked_at: int
    modes: dict[str, int]
    sizes: dict[tuple[int, int], int]
    labels: dict[str, dict[str, int]]
    skipped: tuple[Skipped, ...]
    ignored: int
    shows_color: bool | None = field(default=None, kw_only=True)
    spreads: tuple[Spread, ...] = field(default=(), kw_only=True)

    @property
    def readable(self) -> int:
        """How many of the images that were looked at are readable."""
        return self.looked_at - len(self.skipped)

    @property
    def median_size(self) -> tuple[int, int]:
        """(height, width) with the median aspect and the median longer side.

        The medians of height and width may describe no image: for square images among some wide
        and some high ones, they need not be square.
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
    def is_color(self) -> bool:
        """Whether training uses color: any image that was looked at has color."""
        return self.has_color_modes if self.shows_color is None else self.shows_color

    @property
    def has_color_modes(self) -> bool:
        """Whether any image that was looked at is stored in a color mode."""
        return any(map(is_color_mode, self.modes))


def survey(source: Source, limit: int | None = None) -> Survey:
    """Read the headers of all images, or of ``limit`` spread evenly, and count what they say.

    The pixels of some images show whether there are colors, and which values are black and white:
    see :func:`dcgan.data.quality.evidence.gather`. To measure the pixels of all images, use
    :func:`dcgan.data.quality.inspection.inspect_dataset`.

    Raises
    ------
    DataError
        None of them is readable.
    """
    indices = _spread_in_runs(source, limit)
    headers: dict[int, Header] = {}
    skipped = []
    for index, header in zip(indices, peek_at(source, indices), strict=True):
        if isinstance(header, Skipped):
            skipped.append(header)
        else:
            headers[index] = header
    refuse_nothing_readable(source, len(indices), skipped)
    shows_color, spreads = gather(source, headers)
    return Survey(
        count=len(source),
        looked_at=len(indices),
        modes=dict(Counter(mode for mode, _ in headers.values()).most_common()),
        sizes=dict(Counter(size for _, size in headers.values()).most_common()),
        labels={} if source.one_at_a_time else class_counts(source),
        skipped=tuple(skipped),
        ignored=source.ignored,
        shows_color=shows_color,
        spreads=spreads,
    )


def values_of(source: Source, given: Values = UNKNOWN) -> Values:
    """Black and white in images of more than 8 bits: as given, else as the dataset's images show.

    Raises
    ------
    DataError
        They do not show it.
    """
    if source.pixels() is not None:
        return given  # of 8 bits each
    with _lock:  # only one of many threads surveys, and once
        if source not in _spreads:
            try:
                _spreads[source] = survey(source, LOOKED_AT).spreads
            except DataError:
                _spreads[source] = ()  # decoding will report that nothing is readable
        return decided(_spreads[source], given)


def _spread_in_runs(source: Source, limit: int | None) -> list[int]:
    """Indices spread evenly; for a source read in runs, some from each of a few runs."""
    count = len(source)
    if limit is None or limit >= count or source.run == 1:
        return spread_evenly(count, limit)
    runs = spread_evenly(-(-count // source.run), max(1, limit // _OF_A_RUN))
    starts = (run * source.run for run in runs)
    return [index for start in starts for index in range(start, min(start + _OF_A_RUN, count))]


def refuse_nothing_readable(source: Source, looked_at: int, skipped: list[Skipped]) -> None:
    """Raise ``DataError`` if all images that were looked at are unreadable."""
    if len(skipped) < looked_at:
        return
    raise DataError(
        f"{source.name}: none of {looked_at} images can be read; the first is"
        f" {skipped[0].title} ({skipped[0].reason})"
    )


def class_counts(source: Source) -> dict[str, dict[str, int]]:
    """Images per class, including empty classes, for every factor with classes."""
    counts: dict[str, dict[str, int]] = {}
    for factor, labels in source.labels.items():
        if labels.names:
            numbers = np.bincount(labels.values, minlength=len(labels.names)).tolist()
            counts[factor] = dict(zip(labels.names, numbers, strict=False))
    return counts
