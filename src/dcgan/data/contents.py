"""What the files of a source hold, told apart byte by byte and without decoding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from dcgan.data.dataset import digest_of
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.errors import UnreadableImage
from dcgan.runtime.threads import in_chunks

_BYTES = 16
"""Of the SHA-256 of one file; Python's other digests are half as fast where a processor has
instructions for this one."""


class Contents:
    """The content of every file of a source, each read at most once.

    While a source is decoded, :meth:`gathered` takes the digests from what is read anyway.

    Parameters
    ----------
    source : Source
    """

    def __init__(self, source: Source) -> None:
        self._pixels = source.pixels()
        self._source = source.encoded
        count = 0 if self._source is None else len(self._source)
        self._digests = np.zeros((count, _BYTES), np.uint8)
        self._is_known = np.zeros(count, np.bool_)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Note what the source reads meanwhile."""
        if self._source is None:
            yield
            return
        self._source.fetched = self._note
        try:
            yield
        finally:
            self._source.fetched = None

    def digest(self) -> str | None:
        """The same for the same bytes in the same order; None where reading is no cheaper than
        decoding."""
        source = self._source
        if source is None:
            return None if self._pixels is None else digest_of(self._pixels)
        missing = np.flatnonzero(~self._is_known).tolist()
        for _ in in_chunks(self._read, missing):
            pass
        return digest([self._digests.tobytes()])

    def _read(self, index: int) -> None:
        assert self._source is not None
        try:
            data = self._source.fetch(index)
        except UnreadableImage:
            data = b""
        self._note(index, data)

    def _note(self, index: int, data: bytes) -> None:
        if not self._is_known[index]:
            hashed = hashlib.sha256(data).digest()[:_BYTES]
            self._digests[index] = np.frombuffer(hashed, np.uint8)
            self._is_known[index] = True


def outline_of(source: Source) -> str:
    """A digest of the names and labels of all images, wherever they lie."""
    titles = (source.title(index) for index in range(len(source)))
    labels = (
        (name, one.names, np.asarray(one.values).tobytes())
        for name, one in sorted(source.labels.items())
    )
    return digest((len(source), *titles, *labels))
