"""Decode all images of a source as a view shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.image_view import View
from dcgan.data.pixels.remarks import Remarks, Skipped
from dcgan.data.sources.base import Source
from dcgan.errors import TooManyUnreadable, UnreadableImage
from dcgan.runtime.reporting import Reporter
from dcgan.runtime.shell import command
from dcgan.runtime.threads import in_chunks

_CHUNK_BYTES = 2**22


@dataclass(frozen=True)
class Decoded:
    """One image of a source as a view shows it, or why it is unreadable."""

    index: int
    pixels: NDArray[np.uint8] | Skipped
    remarks: frozenset[str] = frozenset()


def decode_all(source: Source, view: View, reporter: Reporter) -> Iterator[Decoded]:
    """All images in order, decoded in threads slightly ahead of the caller."""
    count = len(source)

    def decode_one(index: int) -> Decoded:
        try:
            pixels, remarks = view.remarked(source, index)
            return Decoded(index, pixels, frozenset(remarks))
        except UnreadableImage as error:
            return Decoded(index, Skipped(source.title(index), str(error)))

    most = max(1, min(256, _CHUNK_BYTES // view.image_bytes))
    for decoded in in_chunks(
        decode_one, range(count), most=most, one_at_a_time=source.one_at_a_time
    ):
        yield decoded
        reporter.progress("decoding", decoded.index + 1, count)


class Readable:
    """What is known of the readable images of a source, added one by one."""

    def __init__(self, source: Source, view: View) -> None:
        self._source, self._view = source, view
        self._rows: list[int] = []
        self._sides: list[tuple[int, ...]] = []
        self._remarks = Remarks()
        self.skipped: list[Skipped] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, decoded: Decoded) -> NDArray[np.uint8] | None:
        """The pixels of an image; None if it is unreadable."""
        if isinstance(decoded.pixels, Skipped):
            self.skipped.append(decoded.pixels)
            return None
        self._rows.append(decoded.index)
        if self._view.is_ragged:
            self._sides.append(decoded.pixels.shape[1:])
        if decoded.remarks:
            self._remarks.add(self._source.title(decoded.index), decoded.remarks)
        return decoded.pixels

    @property
    def sides(self) -> NDArray[np.int64]:
        """Height and width of each if the view is ragged, (N, 2)."""
        return np.array(self._sides, np.int64).reshape(-1, 2)

    def about(self) -> dict[str, Any]:
        """Arguments of :class:`dcgan.data.dataset.HeldDataset` that describe the images."""
        kept = np.array(self._rows, np.int64)
        return {
            "labels": {name: labels.take(kept) for name, labels in self._source.labels.items()},
            "skipped": tuple(self.skipped),
            "run": self._source.run,
            "kept": kept,
            "positions": len(self._rows) + len(self.skipped),
            "remarks": self._remarks,
        }


def refuse_too_many(source: Source, skipped: Sequence[Skipped], most: float) -> None:
    """Raise ``TooManyUnreadable`` if more than a share ``most`` of the images are unreadable."""
    count = len(source)
    if len(skipped) <= most * count and len(skipped) < count:
        return
    raise TooManyUnreadable(
        f"{source.name}: {len(skipped)} of {count} images are unreadable, more than"
        f" `data.max_unreadable={most:g}` allows; the first is {skipped[0].title}"
        f" ({skipped[0].reason}). To list them all: {command('inspect', source.name, '--json')}"
    )
