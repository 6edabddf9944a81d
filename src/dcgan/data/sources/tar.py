"""Tar files of images: one, or the shards of a WebDataset, local or at any fsspec address."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np

from dcgan.data.labels.arrange import arrange
from dcgan.data.labels.columns import Column
from dcgan.data.labels.side_files import SideFile
from dcgan.data.labels.splits import choose_files
from dcgan.data.labels.tables import NoTable
from dcgan.data.name_table import Names
from dcgan.data.pixels.decode import MOST_BYTES
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.paths import digest, unreadable
from dcgan.data.sources.tar_index import Place, Shard, list_shard, place
from dcgan.errors import OutOfReach, UnreadableImage
from dcgan.runtime.split_names import AUTO

_RUN = 64
"""Images that are read together: at 10 kB each, 0.64 MB in one request."""

_RUNS_HELD = 192
"""Three windows of the shuffled order (see data.loader): the current one, the next, and a spare."""

_RUN_BYTES = 2**22
"""Longer runs are not kept, which bounds all to 0.8 GB: images above 64 kB deserve a request each.
So do images between which lie more bytes than their own, such as videos."""

_SHORT = 2**20
"""Runs up to this size are read whole, whatever lies in them."""

_INDEXING = 8
"""Shards that are listed at once, since distant ones wait for the network."""


class TarSource(EncodedSource):
    """The images of tar files, which are never unpacked.

    A first pass lists the members; then each image is read from its place, and distant shards in
    pieces of 64 images. Labels come from ``KEY.cls``, ``KEY.json`` and ``KEY.txt`` next to every
    ``KEY.jpg`` (the WebDataset layout), else as in :func:`~dcgan.data.labels.arrange.arrange`. Of
    ``KEY.jpg`` and ``KEY.seg.png``, the first is the image.

    ``urls`` are paths or addresses of the shards, in order; their names may contain splits. Raises
    ``DataError`` for a shard that is damaged, compressed, or cannot be read.
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
        self._offsets = np.fromiter(chain.from_iterable(s.offsets for s in shards), np.int64)[rows]
        self._sizes = np.fromiter(chain.from_iterable(s.sizes for s in shards), np.int64)[rows]
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
            raise UnreadableImage(f"of {size:,} bytes: too large for an image")
        try:
            data: bytes
            if shard.is_far:
                start, end, used = self._run_around(index)
                if end - start > min(_RUN_BYTES, max(_SHORT, 2 * used)):
                    data = shard.system.cat_file(shard.path, offset, offset + size)
                else:
                    held = self._read_run(index, start, end)
                    data = held[offset - start : offset - start + size]
            else:
                with Path(shard.path).open("rb") as file:
                    file.seek(offset)
                    data = file.read(size)
        except Exception as error:  # every kind of address has its own errors
            reason = f"cannot be read: {' '.join(str(error).split()) or type(error).__name__}"
            raise (OutOfReach(reason) if shard.is_far else unreadable(error, reason)) from error
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

    def _run_around(self, index: int) -> tuple[int, int, int]:
        """Where the run of an image starts and ends in its shard, and the bytes of its images."""
        first = index // _RUN * _RUN
        members = np.arange(first, min(first + _RUN, len(self)))
        members = members[self._shard_of[members] == self._shard_of[index]]  # a run may span two
        starts, sizes = self._offsets[members], self._sizes[members]
        return int(starts.min()), int((starts + sizes).max()), int(sizes.sum())

    def _read_run(self, index: int, start: int, end: int) -> bytes:
        """The piece of a distant shard with an image and its neighbors, kept for these."""
        key = index // _RUN, int(self._shard_of[index])
        with self._lock:
            held = self._held.get(key)
            is_ours = held is None
            if held is None:
                held = self._held[key] = Future()
                while len(self._held) > _RUNS_HELD:
                    self._held.popitem(last=False)
            self._held.move_to_end(key)
        if is_ours:  # other threads that need the same run wait for this request
            where = self._places[key[1]]
            try:
                held.set_result(where.system.cat_file(where.path, start, end))
            except BaseException as error:
                with self._lock:
                    self._held.pop(key, None)
                held.set_exception(error)
        return held.result()


def _columns(shards: Sequence[Shard]) -> dict[str, Column]:
    """Labels from files of single images, over all shards."""
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
    """Other files by suffix, without the files of single images that were read."""
    read = {".txt" if name == "txt" else ".json" for name in columns if name != "cls"}
    return {end: count for end, count in others.items() if end not in read}


def _side_files(shards: Sequence[Shard], places: Sequence[Place]) -> Iterator[SideFile]:
    """Members of shards that may hold labels of many images."""
    for shard, where in zip(shards, places, strict=True):
        for name, offset, size in shard.sides:
            if size <= MOST_BYTES:
                yield SideFile(name, size, partial(_open_member, where, offset, size))


@contextmanager
def _open_member(where: Place, offset: int, size: int) -> Iterator[BinaryIO]:
    try:
        content = where.system.cat_file(where.path, offset, offset + size)
    except Exception as error:  # every kind of address has its own errors
        raise NoTable(f"cannot be read ({error})") from error
    yield BytesIO(content)
