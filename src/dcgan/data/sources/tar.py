"""Tar files of pictures: one, or the shards of a WebDataset, here or at any fsspec address."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dcgan.data.name_table import Names
from dcgan.data.pixels.decode import MOST_BYTES
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.collection import arrange
from dcgan.data.sources.columns import Column
from dcgan.data.sources.paths import digest
from dcgan.data.sources.side_files import SideFile
from dcgan.data.sources.splits import choose_files
from dcgan.data.sources.tables import NoTable
from dcgan.data.sources.tar_index import Place, Shard, list_shard, place
from dcgan.errors import OutOfReach, UnreadableImage
from dcgan.runtime.split_names import AUTO

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
    shards in pieces of 64 pictures. Labels come from ``KEY.cls``, ``KEY.json`` and ``KEY.txt``
    beside every ``KEY.jpg`` (the WebDataset layout), else as in
    :func:`~dcgan.data.sources.collection.arrange`. Of ``KEY.jpg`` and ``KEY.seg.png``, the first is
    the picture.

    Parameters
    ----------
    name : str
        What messages call it.
    urls : sequence of str
        Paths or addresses that fsspec opens; the shards, in order.
    split, labels : str
        As for :func:`~dcgan.data.sources.collection.arrange`. Names of shards may tell splits, too.

    Raises
    ------
    DataError
        A shard is damaged, compressed, or cannot be had.
    """

    run = _RUN

    def __init__(
        self, name: str, urls: Sequence[str], *, split: str = AUTO, labels: str = AUTO
    ) -> None:
        kept, notes, has_splits = choose_files(urls, split, name)
        self._places = [place(url) for url in kept]
        self.is_far = any(shard.is_far for shard in self._places)
        with ThreadPoolExecutor(_INDEXING) as pool:
            shards = list(pool.map(list_shard, self._places))
        names = Names(chain.from_iterable(shard.names for shard in shards))
        others: Counter[str] = sum((Counter(shard.others) for shard in shards), Counter())
        columns = _columns(shards)
        arranged = arrange(
            name,
            names,
            list(_side_files(shards, self._places)),
            split=AUTO if has_splits else split,
            labels=labels,
            others=_unread(others, columns),
            given=columns,
        )
        rows = arranged.rows
        self._names = names.take(rows)
        shard_of = np.repeat(np.arange(len(shards)), [len(shard.names) for shard in shards])
        self._shard_of = shard_of[rows]
        self._offsets = _joined(shard.offsets for shard in shards)[rows]
        self._sizes = _joined(shard.sizes for shard in shards)[rows]
        super().__init__(
            name, labels=arranged.labels, others=others, notes=[*notes, *arranged.notes]
        )
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
        if any(state is None for _, state in states):
            return None
        return digest((*states, self._offsets.tobytes()))

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


def _joined(parts: Iterable[list[int]]) -> NDArray[np.int64]:
    return np.concatenate([np.array(part, np.int64) for part in parts])


def _columns(shards: Sequence[Shard]) -> dict[str, Column]:
    """What files beside each picture tell, over all shards."""
    count = sum(len(shard.names) for shard in shards)
    columns: dict[str, Column] = {}
    start = 0
    for shard in shards:
        rows = np.arange(start, start + len(shard.names))
        start += len(shard.names)
        for name, texts in shard.texts.items():
            columns.setdefault(name, Column(count)).put(rows, texts)
        for name, trouble in shard.troubles.items():
            columns.setdefault(name, Column(count)).give_up(trouble)
    return columns


def _unread(others: Counter[str], columns: Mapping[str, Column]) -> dict[str, int]:
    """Other files by ending, less those that lie beside each picture and were read."""
    read = {".txt" if name == "txt" else ".json" for name in columns if name != "cls"}
    return {end: count for end, count in others.items() if end not in read}


def _side_files(shards: Sequence[Shard], places: Sequence[Place]) -> Iterator[SideFile]:
    """Members of shards that may hold labels of many pictures."""
    for shard, where in zip(shards, places, strict=True):
        for name, offset, size in shard.sides:
            if size <= MOST_BYTES:
                yield SideFile(name, size, partial(_member, where, offset, size))


@contextmanager
def _member(where: Place, offset: int, size: int) -> Iterator[BinaryIO]:
    """The content of a member, in memory."""
    try:
        with where.system.open(where.path, "rb") as file:
            file.seek(offset)
            content = file.read(size)
    except Exception as error:  # every kind of address has errors of its own
        raise NoTable(f"cannot be read ({error})") from error
    yield BytesIO(content)
