"""Tar files of pictures: one, or the shards of a WebDataset, here or at any fsspec address."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from dcgan.data.decode import MOST_BYTES
from dcgan.data.names import Names
from dcgan.data.sources.base import EncodedSource, Labels
from dcgan.data.sources.paths import digest, folder_labels
from dcgan.data.sources.tar_index import Shard, list_shard, place
from dcgan.errors import OutOfReach, UnreadableImage

_RUN = 64
"""Pictures that are read together: of 10 kB each, two thirds of a megabyte in one request."""

_RUNS_HELD = 192
"""Three windows of the shuffled order (see data.loader): the present one, the next, and a spare."""

_RUN_BYTES = 2**22
"""Longer runs are not kept, which bounds all to 0.8 GB: pictures above 64 kB are worth a request
each. So are those between which lies more than themselves, such as films."""

_SHORT = 2**20
"""Runs up to this are fetched whole, whatever lies in them."""

_INDEXING = 8
"""Shards whose lists are read at once; far ones wait for the network."""


class TarSource(EncodedSource):
    """The pictures of tar files, which are never unpacked nor held.

    A first pass reads the lists of members; then each picture is read from its place, and far
    shards in pieces of 64 pictures. Labels come from ``KEY.cls`` beside every ``KEY.jpg`` (the
    WebDataset layout), else from class folders. Of ``KEY.jpg`` and ``KEY.seg.png``, the first is
    the picture.

    Parameters
    ----------
    name : str
        What messages call it.
    urls : sequence of str
        Paths or addresses that fsspec opens; the shards, in order.

    Raises
    ------
    DataError
        A shard is damaged, compressed, or cannot be had.
    """

    run = _RUN

    def __init__(self, name: str, urls: Sequence[str]) -> None:
        self._places = [place(url) for url in urls]
        self.is_far = any(shard.is_far for shard in self._places)
        with ThreadPoolExecutor(_INDEXING) as pool:
            shards = list(pool.map(list_shard, self._places))
        self._names = Names(chain.from_iterable(shard.names for shard in shards))
        self._shard_of = np.repeat(np.arange(len(shards)), [len(shard.names) for shard in shards])
        self._offsets = np.concatenate([np.array(shard.offsets, np.int64) for shard in shards])
        self._sizes = np.concatenate([np.array(shard.sizes, np.int64) for shard in shards])
        others: Counter[str] = sum((Counter(shard.others) for shard in shards), Counter())
        super().__init__(name, labels=_labels(self._names, shards), others=others)
        self._held: OrderedDict[tuple[int, int], Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        shard = self._places[int(self._shard_of[index])]
        offset, size = int(self._offsets[index]), int(self._sizes[index])
        if size > MOST_BYTES:
            raise UnreadableImage(f"of {size:,} bytes: too large for a picture")
        try:
            data: bytes
            if shard.is_far:
                start, end = self._span_of_run(index)
                if end - start > min(_RUN_BYTES, max(_SHORT, 2 * self._bytes_of_run(index))):
                    data = shard.system.cat_file(shard.path, offset, offset + size)
                else:
                    held = self._run_of(index, start, end)
                    data = held[offset - start : offset - start + size]
            else:
                with Path(shard.path).open("rb") as file:
                    file.seek(offset)
                    data = file.read(size)
        except Exception as error:  # every kind of address has errors of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            kind = OutOfReach if shard.is_far else UnreadableImage
            raise kind(f"cannot be read: {reason}") from error
        if len(data) != size:
            raise UnreadableImage("the shard ends within it")
        return data

    def title(self, index: int) -> str:
        shard = self._places[int(self._shard_of[index])]
        return f"{PurePosixPath(shard.url).name}:{self._names[index]}"

    def stamp(self) -> str | None:
        states = [(shard.url, shard.state()) for shard in self._places]
        return None if any(state is None for _, state in states) else digest(states)

    @property
    def encoded(self) -> EncodedSource | None:
        return None if any(shard.is_far for shard in self._places) else self

    def _members_of_run(self, index: int) -> NDArray[np.int64]:
        """A picture and its neighbours in the same run and, since runs may span two, shard."""
        first = index // _RUN * _RUN
        members = np.arange(first, min(first + _RUN, len(self)))
        same: NDArray[np.bool_] = self._shard_of[members] == self._shard_of[index]
        return members[same]

    def _span_of_run(self, index: int) -> tuple[int, int]:
        members = self._members_of_run(index)
        ends = self._offsets[members] + self._sizes[members]
        return int(self._offsets[members].min()), int(ends.max())

    def _bytes_of_run(self, index: int) -> int:
        return int(self._sizes[self._members_of_run(index)].sum())

    def _run_of(self, index: int, start: int, end: int) -> bytes:
        """The piece of a far shard with a picture and its neighbours, kept for those."""
        key = index // _RUN, int(self._shard_of[index])
        with self._lock:
            held = self._held.get(key)
            is_ours = held is None
            if held is None:
                held = self._held[key] = Future()
                while len(self._held) > _RUNS_HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
        if is_ours:  # others that want the same run wait for this one request
            where = self._places[key[1]]
            try:
                held.set_result(where.system.cat_file(where.path, start, end))
            except BaseException as error:
                with self._lock:
                    self._held.pop(key, None)
                held.set_exception(error)
        return held.result()


def _labels(names: Names, shards: list[Shard]) -> dict[str, Labels]:
    """From ``.cls`` files where every picture has one, else from folders."""
    numbers = [number for shard in shards for number in shard.classes]
    if not numbers or len(numbers) < len(names):
        return folder_labels(names)
    classes, values = np.unique(numbers, return_inverse=True)
    return {"label": Labels(values, tuple(str(number) for number in classes))}
