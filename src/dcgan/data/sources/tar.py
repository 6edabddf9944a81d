"""Tar files of pictures: one, or the shards of a WebDataset, here or at any fsspec address."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np

from dcgan.data.decode import MOST_BYTES
from dcgan.data.names import Names
from dcgan.data.sources.base import EncodedSource, Labels
from dcgan.data.sources.paths import digest, folder_labels
from dcgan.data.sources.tar_index import Shard, list_shard, place
from dcgan.errors import UnreadableImage

_RUN = 64
"""Pictures that are read together: of 10 kB each, two thirds of a megabyte in one request."""

_RUNS_HELD = 192
"""Three windows of the shuffled order (see data.loader): the present one, the next, and a spare."""

_BYTES_HELD = 2**29
"""But not more than this; of pictures above 40 kB, some runs are then fetched again."""

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
        with ThreadPoolExecutor(_INDEXING) as pool:
            shards = list(pool.map(list_shard, self._places))
        self._names = Names(chain.from_iterable(shard.names for shard in shards))
        self._shard_of = np.repeat(np.arange(len(shards)), [len(shard.names) for shard in shards])
        self._offsets = np.concatenate([np.array(shard.offsets, np.int64) for shard in shards])
        self._sizes = np.concatenate([np.array(shard.sizes, np.int64) for shard in shards])
        others: Counter[str] = sum((Counter(shard.others) for shard in shards), Counter())
        super().__init__(name, labels=_labels(self._names, shards), others=others)
        self._held: OrderedDict[tuple[int, int], Future[tuple[int, bytes]]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        shard = self._places[int(self._shard_of[index])]
        offset, size = int(self._offsets[index]), int(self._sizes[index])
        if size > MOST_BYTES:
            raise UnreadableImage(f"of {size:,} bytes: too large for a picture")
        try:
            if shard.is_far:
                start, held = self._run_of(index)
                data = held[offset - start : offset - start + size]
            else:
                with Path(shard.path).open("rb") as file:
                    file.seek(offset)
                    data = file.read(size)
        except Exception as error:  # every kind of address has errors of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UnreadableImage(f"cannot be read: {reason}") from error
        if len(data) != size:
            raise UnreadableImage("the shard ends within it")
        return data

    def title(self, index: int) -> str:
        shard = self._places[int(self._shard_of[index])]
        return f"{PurePosixPath(shard.url).name}:{self._names[index]}"

    def stamp(self) -> str:
        return digest((shard.url, *shard.state()) for shard in self._places)

    def _run_of(self, index: int) -> tuple[int, bytes]:
        """The piece of a far shard that holds a picture and its neighbours, and where it begins.

        Fetched by one request, and kept for those neighbours.
        """
        key = index // _RUN, int(self._shard_of[index])
        with self._lock:
            held = self._held.get(key)
            is_ours = held is None
            if held is None:
                held = self._held[key] = Future()
            self._held.move_to_end(key)
        if is_ours:  # others that want the same run wait for this one request
            try:
                held.set_result(self._request(*key))
                self._forget_oldest()
            except BaseException as error:
                with self._lock:
                    self._held.pop(key, None)
                held.set_exception(error)
        return held.result()

    def _forget_oldest(self) -> None:
        with self._lock:
            done = [(k, run) for k, run in self._held.items() if run.done() and not run.exception()]
            total = sum(len(run.result()[1]) for _, run in done)
            for key, run in done[:-1]:
                if len(self._held) <= _RUNS_HELD and total <= _BYTES_HELD:
                    break
                total -= len(run.result()[1])
                del self._held[key]

    def _request(self, number: int, shard: int) -> tuple[int, bytes]:
        # a run may span shards: of each, a piece of its own
        members = np.arange(number * _RUN, min((number + 1) * _RUN, len(self)))
        members = members[self._shard_of[members] == shard]
        start = int(self._offsets[members].min())
        end = int((self._offsets[members] + self._sizes[members]).max())
        where = self._places[shard]
        return start, where.system.cat_file(where.path, start, end)


def _labels(names: Names, shards: list[Shard]) -> dict[str, Labels]:
    """From ``.cls`` files where every picture has one, else from folders."""
    numbers = [number for shard in shards for number in shard.classes]
    if not numbers or len(numbers) < len(names):
        return folder_labels(names)
    classes, values = np.unique(numbers, return_inverse=True)
    return {"label": Labels(values, tuple(str(number) for number in classes))}
