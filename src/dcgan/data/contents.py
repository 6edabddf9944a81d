"""What is looked for in the cache: the content of a source, compared without decoding it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from dcgan.data.dataset import digest_of
from dcgan.data.image_view import View
from dcgan.data.sources.base import Source
from dcgan.data.sources.paths import digest
from dcgan.data.sources.reach import patiently
from dcgan.errors import UnreadableImage
from dcgan.runtime.threads import in_chunks

_VERSION = 3
"""Part of every key: raised when decoding or fitting gives other pixels than before."""

_BYTES = 16
"""Of the SHA-256 of one file. Other digests of Python take twice as long on processors with
instructions for SHA-256."""

_LETTERS = 16
"""Of each digest in the name of a cache entry."""


class Wanted:
    """The images of a source as a view shows them.

    Parameters
    ----------
    source : Source
    view : View
    stamp : str
        See :meth:`dcgan.data.sources.base.Source.stamp`.

    Attributes
    ----------
    outline : str
        Digest of the view, and of the names of all images. Labels are not part of it: those of
        an entry are replaced by the present ones.
    state : str
        Digest of the stamp.
    """

    def __init__(self, source: Source, view: View, stamp: str) -> None:
        self.outline = digest((_VERSION, _outline_of(source), view))[:_LETTERS]
        self.state = digest([stamp])[:_LETTERS]
        self._pixels = source.pixels()
        self._source = source.encoded
        count = 0 if self._source is None else len(self._source)
        self._digests = np.zeros((count, _BYTES), np.uint8)
        self._is_known = np.zeros(count, np.bool_)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Take the digests of files that the source reads meanwhile."""
        if self._source is None:
            yield
            return
        self._is_known[:] = False  # a file may have changed since it was compared
        self._source.fetched = self._note
        try:
            yield
        finally:
            self._source.fetched = None

    def content(self) -> str | None:
        """Digest of the bytes of all files, in their order.

        Reads the files that have not been read. None if that takes as long as decoding.
        """
        if self._source is None:
            return None if self._pixels is None else digest_of(self._pixels)[:_LETTERS]
        missing = np.flatnonzero(~self._is_known).tolist()
        for _ in in_chunks(self._read, missing):
            pass
        return digest([self._digests.tobytes()])[:_LETTERS]

    def _read(self, index: int) -> None:
        source = self._source
        assert source is not None
        try:
            data = patiently(source, index, lambda: source.fetch(index))
        except UnreadableImage:
            data = b""
        self._note(index, data)

    def _note(self, index: int, data: bytes) -> None:
        if not self._is_known[index]:
            hashed = hashlib.sha256(data).digest()[:_BYTES]
            self._digests[index] = np.frombuffer(hashed, np.uint8)
            self._is_known[index] = True


def _outline_of(source: Source) -> str:
    titles = (source.title(index) for index in range(len(source)))
    return digest((len(source), *titles))
