"""A look at a collection before any training: what its pictures are, and what spoils them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from dcgan.data.parallel import in_threads
from dcgan.data.sources.base import Source
from dcgan.data.store import Skipped
from dcgan.errors import DataError, UnreadableImage

_COLOURLESS = {"1", "L", "LA", "La", "I", "F"}


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
        Pictures per class, for every factor with classes.
    skipped : tuple of Skipped
        Unreadable pictures with reasons.
    ignored : int
        Other files beside the pictures.
    """

    count: int
    looked_at: int
    modes: dict[str, int]
    sizes: dict[tuple[int, int], int]
    labels: dict[str, dict[str, int]]
    skipped: tuple[Skipped, ...]
    ignored: int

    @property
    def median_size(self) -> tuple[int, int]:
        """(height, width): half of the pictures are at most this high, and this wide."""
        sides = np.array([side for side, times in self.sizes.items() for _ in range(times)])
        height, width = np.median(sides, axis=0)
        return round(height), round(width)

    @property
    def is_colour(self) -> bool:
        """Whether any picture that was looked at has colours."""
        return any(not mode.startswith("I;") and mode not in _COLOURLESS for mode in self.modes)


def survey(source: Source, limit: int | None = None) -> Survey:
    """Open pictures of a source, all or ``limit`` of them spread evenly, and count what they are.

    Raises
    ------
    DataError
        Not one of them could be read.
    """
    count = len(source)
    wanted = count if limit is None else min(count, limit)
    indices = [round(i) for i in np.linspace(0, count - 1, wanted)]

    def look(index: int) -> tuple[str, tuple[int, int]] | Skipped:
        try:
            image = source.read(index)
        except UnreadableImage as error:
            return Skipped(source.title(index), str(error))
        return image.mode, (image.height, image.width)

    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    skipped = []
    for seen in in_threads(look, indices):
        if isinstance(seen, Skipped):
            skipped.append(seen)
        else:
            modes[seen[0]] += 1
            sizes[seen[1]] += 1
    if not sizes:
        raise DataError(
            f"{source.name}: none of {wanted} pictures can be read; the first is"
            f" {skipped[0].title} ({skipped[0].reason})"
        )
    return Survey(
        count=count,
        looked_at=wanted,
        modes=dict(modes.most_common()),
        sizes=dict(sizes.most_common()),
        labels=_class_counts(source),
        skipped=tuple(skipped),
        ignored=source.ignored,
    )


def _class_counts(source: Source) -> dict[str, dict[str, int]]:
    counts = {}
    for factor, labels in source.labels.items():
        if labels.names:
            tally = np.bincount(labels.values, minlength=len(labels.names))
            counts[factor] = dict(zip(labels.names, (int(n) for n in tally), strict=False))
    return counts
