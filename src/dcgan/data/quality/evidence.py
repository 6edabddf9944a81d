"""What headers do not tell of a dataset: whether it has colours, and how far its values reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from PIL import Image

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import damage_named
from dcgan.data.pixels.values import KINDS, Spread, kind_of, together
from dcgan.data.quality.measurements import COLOUR_SIDE, has_colour, is_colour_mode
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage
from dcgan.runtime.threads import in_chunks

MOST_HEADERS = 8192
"""Headers read while no image shows colour."""

MOST_PIXELS_READ = 4096
"""Images decoded to see whether those stored in colour show any."""

_MOST_VALUES_READ = 256
"""Images decoded to see how far their values reach."""

_BUDGET = 2**28
"""Pixels decoded for either: a few seconds. For large images there are fewer, but at least 16."""

_FEWEST = 16

Result = TypeVar("Result")

Header = tuple[str, tuple[int, int]]
"""Mode and (height, width)."""


@dataclass(frozen=True)
class Evidence:
    """What the pixels of some images show.

    Attributes
    ----------
    colour : bool
        Whether one of them has colour.
    spreads : tuple of Spread
        How far values of more than 8 bits reach, by kind.
    """

    colour: bool
    spreads: tuple[Spread, ...]


def gather(source: Source, headers: Mapping[int, Header]) -> Evidence:
    """Look at pixels, and, while no image shows colour, at more headers, spread evenly.

    Nothing but the images decides what is looked at, so that it is the same each time. Of far
    images only those are looked at whose header was read.

    Parameters
    ----------
    source : Source
    headers : mapping of int to (mode, size)
        Those read already, by index.
    """
    headers = dict(headers)
    colour = _shows_colour(source, headers)
    if not colour and not source.is_far and len(headers) < len(source):
        wanted = np.linspace(0, len(source) - 1, min(MOST_HEADERS, len(source))).round()
        more = [int(index) for index in wanted if int(index) not in headers]
        found = in_chunks(_header_of(source), more, one_at_a_time=source.one_at_a_time)
        new = {index: one for index, one in zip(more, found, strict=True) if one is not None}
        headers = dict(sorted((headers | new).items()))
        colour = _shows_colour(source, new)
    return Evidence(colour, _spreads(source, headers))


def _header_of(source: Source) -> Callable[[int], Header | None]:
    def header(index: int) -> Header | None:
        try:
            return source.peek(index)
        except UnreadableImage:
            return None  # is named where it is decoded

    return header


def _shows_colour(source: Source, headers: Mapping[int, Header]) -> bool:
    """Whether one of some images has colour, by those pixels that are worth their time."""

    def look(image: Image.Image) -> bool:
        return has_colour(to_channels(image, 3))

    stored = [index for index, (mode, _) in headers.items() if is_colour_mode(mode)]
    some = _affordable(stored, headers, MOST_PIXELS_READ)
    return any(_decoded(source, some, look, (COLOUR_SIDE, COLOUR_SIDE)))


def _spreads(source: Source, headers: Mapping[int, Header]) -> tuple[Spread, ...]:
    found: list[Spread] = []
    for wanted in KINDS:
        deep = [index for index, (mode, _) in headers.items() if kind_of(mode) == wanted]
        some = _affordable(deep, headers, _MOST_VALUES_READ)
        for one in together(_decoded(source, some, Spread.of)):
            found.append(replace(one, share=len(deep) / len(headers)))
    return tuple(found)


def _affordable(indices: Sequence[int], headers: Mapping[int, Header], most: int) -> list[int]:
    """As many of some images, spread evenly, as are decoded in a few seconds."""
    if not indices:
        return []
    pixels = sum(headers[index][1][0] * headers[index][1][1] for index in indices) / len(indices)
    count = min(most, len(indices), max(_FEWEST, int(_BUDGET / max(1, pixels))))
    return [indices[round(place)] for place in np.linspace(0, len(indices) - 1, count)]


def _decoded(
    source: Source,
    indices: Sequence[int],
    look: Callable[[Image.Image], Result],
    at_least: tuple[int, int] | None = None,
) -> Iterator[Result]:
    """What ``look`` finds on each readable image; the first one alone often is enough."""

    def one(index: int) -> Result | None:
        try:
            with damage_named():
                return look(source.read(index, at_least))
        except UnreadableImage:
            return None

    parts: Iterable[Result | None] = map(one, indices[:1])
    yield from (found for found in parts if found is not None)
    others = in_chunks(one, indices[1:], most=8, one_at_a_time=source.one_at_a_time)
    yield from (found for found in others if found is not None)
