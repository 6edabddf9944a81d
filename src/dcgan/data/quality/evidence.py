"""What headers do not tell about a dataset: whether it has colors, and the range of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain
from typing import TypeVar

import numpy as np
from PIL import Image

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import damage_named
from dcgan.data.pixels.remarks import Skipped
from dcgan.data.pixels.values import KINDS, Spread, kind_of
from dcgan.data.quality.measurements import SMALL_SIDE, has_color, is_color_mode
from dcgan.data.sources.base import Source
from dcgan.data.sources.reach import patiently
from dcgan.errors import UnreadableImage
from dcgan.runtime.threads import in_chunks

MOST_HEADERS = 8192
"""Headers read at most while no image shows color."""

MOST_PIXELS_READ = 4096
"""Images stored in color that are decoded at most to see whether any shows color."""

_MOST_VALUES_READ = 256
"""Images decoded at most to see the range of their values."""

_BUDGET, _FEWEST = 2**28, 16
"""Pixels decoded for either, which takes a few seconds; but at least 16 images."""

Result = TypeVar("Result")

Header = tuple[str, tuple[int, int]]
"""Mode and (height, width)."""


def spread_evenly(count: int, limit: int | None) -> list[int]:
    """All of ``count`` indices, or ``limit`` of them from the first to the last.

    >>> spread_evenly(9, 3)
    [0, 4, 8]
    """
    wanted = count if limit is None else min(count, limit)
    return [round(i) for i in np.linspace(0, count - 1, wanted)]


def peek_at(source: Source, indices: Sequence[int]) -> Iterator[Header | Skipped]:
    """Read the headers of some images."""

    def peek(index: int) -> Header | Skipped:
        try:
            return patiently(source, index, lambda: source.peek(index))
        except UnreadableImage as error:
            return Skipped(source.title(index), str(error))

    return in_chunks(peek, indices, one_at_a_time=source.one_at_a_time)


def gather(source: Source, headers: Mapping[int, Header]) -> tuple[bool, tuple[Spread, ...]]:
    """Look at pixels and, while no image shows color, at more headers, spread evenly.

    The same dataset always gives the same result. If the dataset is far away, no further headers
    are read.

    Parameters
    ----------
    source : Source
    headers : mapping of int to (mode, size)
        Those read already, by index.

    Returns
    -------
    (bool, tuple of Spread)
        Whether any image has color, and the range of values of more than 8 bits, by kind.
    """
    headers = dict(headers)
    color = _shows_color(source, headers)
    if not color and not source.is_far and len(headers) < len(source):
        more = [i for i in spread_evenly(len(source), MOST_HEADERS) if i not in headers]
        peeked = zip(more, peek_at(source, more), strict=True)
        new = {index: header for index, header in peeked if not isinstance(header, Skipped)}
        headers = dict(sorted((headers | new).items()))
        color = _shows_color(source, new)
    return color, _spreads(source, headers)


def _shows_color(source: Source, headers: Mapping[int, Header]) -> bool:
    """Whether any image has color, by the pixels of as many as can be decoded in a short time."""
    stored = [index for index, (mode, _) in headers.items() if is_color_mode(mode)]
    some = _affordable(stored, headers, MOST_PIXELS_READ)
    size = (SMALL_SIDE, SMALL_SIDE)
    return any(_decoded(source, some, lambda image: has_color(to_channels(image, 3)), size))


def _spreads(source: Source, headers: Mapping[int, Header]) -> tuple[Spread, ...]:
    spreads: list[Spread] = []
    for kind in KINDS:
        deep = [index for index, (mode, _) in headers.items() if kind_of(mode) == kind]
        some = _affordable(deep, headers, _MOST_VALUES_READ)
        found = list(_decoded(source, some, Spread.of))
        if found:
            together = reduce(Spread.with_, found)
            spreads.append(replace(together, share=len(deep) / len(headers)))
    return tuple(spreads)


def _affordable(indices: Sequence[int], headers: Mapping[int, Header], most: int) -> list[int]:
    """As many images, spread evenly, as can be decoded in a few seconds."""
    if not indices:
        return []
    pixels = sum(headers[index][1][0] * headers[index][1][1] for index in indices) / len(indices)
    count = min(most, max(_FEWEST, int(_BUDGET / max(1, pixels))))
    return [indices[place] for place in spread_evenly(len(indices), count)]


def _decoded(
    source: Source,
    indices: Sequence[int],
    look: Callable[[Image.Image], Result],
    at_least: tuple[int, int] | None = None,
) -> Iterator[Result]:
    """The result of ``look`` for each readable image; the first image alone is often enough."""

    def read(index: int) -> Result | None:
        try:
            image = patiently(source, index, lambda: source.read(index, at_least))
            with damage_named():
                return look(image)
        except UnreadableImage:
            return None

    others = in_chunks(read, indices[1:], most=8, one_at_a_time=source.one_at_a_time)
    results = chain(map(read, indices[:1]), others)
    return (result for result in results if result is not None)
