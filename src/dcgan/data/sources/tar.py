"""Tar files of pictures: one, or the shards of a WebDataset, here or at any fsspec address."""

from __future__ import annotations

import tarfile
import threading
from array import array
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import numpy as np
from numpy.typing import NDArray

from dcgan.data.decode import EXTENSIONS
from dcgan.data.names import Names
from dcgan.data.sources.base import EncodedSource, Labels, digest, folder_labels, is_hidden, suffix
from dcgan.errors import DataError, SourceNotFound, UnreadableImage

_RUN = 64
"""Pictures that are read together: of 10 kB each, two thirds of a megabyte in one request."""

_RUNS_HELD = 192
"""Three windows of the shuffled order (see data.loader): the present one, the next, and a spare."""

_INDEXING = 8
"""Shards whose lists are read at once; far ones wait for the network."""

_BLOCK = 2**22
"""Bytes of read-ahead while a far shard is listed."""


@dataclass
class _Shard:
    """The pictures of one tar file, in its order."""

    names: list[str] = field(default_factory=list)
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    classes: dict[str, int] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)


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
        self._urls = list(urls)
        files = [_filesystem(url) for url in self._urls]
        self._systems = [system for system, _ in files]
        self._paths = [path for _, path in files]
        with ThreadPoolExecutor(_INDEXING) as pool:
            shards = list(pool.map(_list_shard, self._urls, self._systems, self._paths))
        self._names = Names(name for shard in shards for name in shard.names)
        self._shard_of = np.repeat(np.arange(len(shards)), [len(shard.names) for shard in shards])
        self._offsets = _joined([shard.offsets for shard in shards])
        self._sizes = _joined([shard.sizes for shard in shards])
        others: Counter[str] = sum((shard.others for shard in shards), Counter())
        super().__init__(name, labels=_labels(self._names, shards), others=others)
        self._held: OrderedDict[tuple[int, int], tuple[int, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        shard = int(self._shard_of[index])
        offset, size = int(self._offsets[index]), int(self._sizes[index])
        try:
            if "://" not in self._urls[shard]:
                with Path(self._paths[shard]).open("rb") as file:
                    file.seek(offset)
                    data = file.read(size)
            else:
                data = self._far(index, shard, offset, size)
        except Exception as error:  # every kind of address has errors of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UnreadableImage(f"cannot be read: {reason}") from error
        if len(data) != size:
            raise UnreadableImage("the shard ends within it")
        return data

    def title(self, index: int) -> str:
        return f"{PurePosixPath(self._urls[int(self._shard_of[index])]).name}:{self._names[index]}"

    def stamp(self) -> str:
        return digest(
            (url, *_state(system, path))
            for url, system, path in zip(self._urls, self._systems, self._paths, strict=True)
        )

    def _far(self, index: int, shard: int, offset: int, size: int) -> bytes:
        """One picture out of the run that holds it, fetched whole by one request."""
        number = index // _RUN
        inside = np.flatnonzero(self._shard_of[number * _RUN : (number + 1) * _RUN] == shard)
        first, last = number * _RUN + int(inside[0]), number * _RUN + int(inside[-1])
        start, end = int(self._offsets[first]), int(self._offsets[last] + self._sizes[last])
        key = number, shard  # a run may span shards
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
        if held is None:
            held = start, self._systems[shard].cat_file(self._paths[shard], start, end)
            with self._lock:
                self._held[key] = held
                while len(self._held) > _RUNS_HELD:
                    self._held.popitem(last=False)
        return held[1][offset - start : offset - start + size]


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        system, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DataError(
            f"{url}: {error}; pip install 'dcgan[shards]' opens http addresses"
        ) from error
    return system, path


def _list_shard(url: str, system: Any, path: str) -> _Shard:
    """The pictures of a shard, from its headers alone where the file can be sought in."""
    shard = _Shard()
    try:
        with (
            system.open(path, "rb", block_size=_BLOCK) as file,
            tarfile.open(fileobj=file, mode="r:") as members,
        ):
            while (member := members.next()) is not None:
                members.members.clear()  # type: ignore[attr-defined]  # else each stays in memory
                if member.isfile():
                    _enter(shard, member, file)
    except FileNotFoundError as error:
        raise SourceNotFound(f"{url}: no such file") from error
    except Exception as error:
        compressed = any(url.endswith(end) for end in (".gz", ".tgz", ".bz2", ".xz", ".zst"))
        cure = "unpack it to a plain .tar, in which pictures can be found" if compressed else ""
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{url}: not a readable tar file ({cure or reason})") from error
    _drop_companions(shard)
    return shard


def _enter(shard: _Shard, member: tarfile.TarInfo, file: Any) -> None:
    name = member.name.removeprefix("./")
    if is_hidden(name):
        return
    end = suffix(name)
    if end in EXTENSIONS:
        shard.names.append(name)
        shard.offsets.append(member.offset_data)
        shard.sizes.append(member.size)
    elif end == ".cls":
        here = file.tell()
        file.seek(member.offset_data)
        text = file.read(min(member.size, 32)).strip()
        file.seek(here)
        if text.isdigit():
            shard.classes[_key(name)] = int(text)
    else:
        shard.others[end] += 1


def _drop_companions(shard: _Shard) -> None:
    """Of ``KEY.jpg`` and ``KEY.seg.png`` keep the first."""
    plain = {_key(name) for name in shard.names if name == _key(name) + PurePosixPath(name).suffix}
    keep = [
        index
        for index, name in enumerate(shard.names)
        if _key(name) not in plain or name == _key(name) + PurePosixPath(name).suffix
    ]
    if len(keep) == len(shard.names):
        return
    shard.names = [shard.names[index] for index in keep]
    shard.offsets = array("q", (shard.offsets[index] for index in keep))
    shard.sizes = array("q", (shard.sizes[index] for index in keep))


def _labels(names: Names, shards: list[_Shard]) -> dict[str, Labels]:
    """From ``.cls`` files, else from folders."""
    if not any(shard.classes for shard in shards):
        return folder_labels(names)
    numbers = [shard.classes.get(_key(name)) for shard in shards for name in shard.names]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return {}
    classes, values = np.unique(known, return_inverse=True)
    return {"label": Labels(values, tuple(str(number) for number in classes))}


def _key(name: str) -> str:
    """A sample's key: its path up to the first dot of the file's name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.split(".", 1)[0]


def _joined(parts: list[array[int]]) -> NDArray[np.int64]:
    return np.concatenate([np.frombuffer(part, np.int64) for part in parts])


def _state(system: Any, path: str) -> tuple[object, ...]:
    try:
        info = system.info(path)
    except Exception:  # gone: whoever reads it will say so
        return ()
    return tuple(info.get(key) for key in ("size", "mtime", "ETag", "LastModified", "etag"))
