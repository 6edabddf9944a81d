"""Every frame of animated images as an image of its own."""

from __future__ import annotations

import threading

import numpy as np
from PIL import Image

from dcgan.data.pixels.decode import Film
from dcgan.data.sources.base import EncodedSource, Source
from dcgan.data.sources.paths import digest
from dcgan.data.sources.reach import patiently
from dcgan.errors import UnreadableImage
from dcgan.runtime.threads import in_chunks


class FramesSource(Source):
    """The frames of a source's images, one after another, with the labels of their images."""

    def __init__(self, source: EncodedSource) -> None:
        def frames(index: int) -> int:
            try:
                return patiently(source, index, lambda: source.frames(index))
            except UnreadableImage:
                return 1  # reported when it is read

        counts = np.fromiter(in_chunks(frames, range(len(source))), np.int64, len(source))
        rows = np.repeat(np.arange(len(source)), counts)
        labels = {name: values.take(rows) for name, values in source.labels.items()}
        super().__init__(source.name, labels=labels, others=source.others, notes=source.notes)
        self.run = source.run
        self.is_far = source.is_far
        self._source = source
        self._rows = rows
        self._starts = np.cumsum(counts) - counts
        self._counts = counts
        self._held = threading.local()

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, index: int, at_least: tuple[int, int] | None = None) -> Image.Image:
        row, frame = self._place(index)
        if self._counts[row] == 1:
            return self._source.read(row, at_least)
        return self._film(row).frame(frame)

    def peek(self, index: int) -> tuple[str, tuple[int, int]]:
        return self._source.peek(self._place(index)[0])

    def title(self, index: int) -> str:
        row, frame = self._place(index)
        title = self._source.title(row)
        return title if self._counts[row] == 1 else f"{title} frame {frame}"

    def stamp(self) -> str | None:
        stamp = self._source.stamp()
        return None if stamp is None else digest(("frames", stamp))

    def _film(self, row: int) -> Film:
        """The frames of an image; each thread keeps the one that it read last."""
        held: tuple[int, Film] | None = getattr(self._held, "film", None)
        if held is None or held[0] != row:
            held = self._held.film = (row, self._source.film(row))
        return held[1]

    @property
    def encoded(self) -> EncodedSource:
        return self._source

    def _place(self, index: int) -> tuple[int, int]:
        row = int(self._rows[index])
        return row, index - int(self._starts[row])
