"""Where each image lies in a tar file, from its headers."""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import fsspec

from dcgan.data.labels.sample_texts import SampleTexts
from dcgan.data.labels.tables import ENDINGS, suffix
from dcgan.data.pixels.decode import EXTENSIONS
from dcgan.data.sources.paths import digest, file_stamp, is_hidden
from dcgan.errors import DataError, SourceNotFound, Unreachable
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import write_text
from dcgan.runtime.network import offline
from dcgan.runtime.reading import read_json
from dcgan.runtime.shell import install

_VERSION = 3
"""Of the cached lists; to be raised when other members are listed than before."""

_MOST_SIDES = 1000

_BLOCK = 2**20
"""Bytes of one request while a distant shard is listed; larger members are skipped unread."""


@dataclass(frozen=True)
class Shard:
    """The images of one tar file in its order, and then links to them; places and sizes are in
    bytes.

    Attributes
    ----------
    texts : dict of str to list of str
        Labels of each image by column, from ``KEY.cls``, ``KEY.txt`` and the fields of
        ``KEY.json``; empty without one.
    troubles : dict of str to str
        Columns that hold no classes, and why.
    sides : list of (name, offset, size)
        Members that may hold labels of many images.
    others : dict of str to int
        Other members, counted by suffix.
    """

    names: list[str]
    offsets: list[int]
    sizes: list[int]
    texts: dict[str, list[str]]
    troubles: dict[str, str]
    sides: list[tuple[str, int, int]]
    others: dict[str, int]


class Place(NamedTuple):
    """A tar file and the file system that opens it."""

    url: str
    system: Any
    path: str

    @property
    def is_far(self) -> bool:
        """Whether it is an address, not a path."""
        return "://" in self.url

    def state(self) -> tuple[object, ...] | None:
        """Values that change when the file does; None if its system only knows its size."""
        if not self.is_far:
            return (file_stamp([Path(self.path)]),)
        try:
            info = self.system.info(self.path)
        except Exception:  # the error is reported when it is read
            return None
        names = ("mtime", "created", "ino", "ETag", "etag", "LastModified", "Last-Modified")
        state = (info.get("size"), *(info.get(name) for name in names))
        return state if any(state[1:]) else None


def place(url: str) -> Place:
    """The file system of a path or address; raises ``DataError`` if its package is missing."""
    far = "://" in url and not url.startswith(("file://", "memory://", "local://"))
    if far and offline():
        raise Unreachable(f"{url}: the network is not used while the variable DCGAN_OFFLINE is set")
    try:
        system, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{url}: {reason}. For http addresses: {install('shards')}") from error
    return Place(url, system, path)


def list_shard(where: Place) -> Shard:
    """List the images of a shard; lists of distant shards are kept in the cache folder.

    Raises
    ------
    SourceNotFound
        No such file.
    DataError
        It is damaged, compressed, or cannot be read.
    """
    state = where.state() if where.is_far else None
    if state is None:
        return _read(where)
    kept = cache_folder() / "shards" / f"{digest((_VERSION, where.url, state))}.json"
    with suppress(OSError, ValueError, TypeError):
        return Shard(**read_json(kept))
    shard = _read(where)
    with suppress(OSError):  # works without a cache too
        write_text(kept, json.dumps(asdict(shard)))
    return shard


def _read(where: Place) -> Shard:
    try:
        with (
            _open(where) as file,
            # not the encoding of this machine
            tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as members,
        ):
            if where.is_far and len(where.system.cat_file(where.path, 0, 2)) > 2:
                raise ValueError("its server cannot send parts of files. Download the shards first")
            return _collected(members, file)
    except FileNotFoundError as error:
        cause = error.__cause__  # fsspec raises the same for a server that does not answer
        is_gone = cause is None or getattr(cause, "status", None) == HTTPStatus.NOT_FOUND
        reason = "no such file" if is_gone else " ".join(str(cause).split())
        raise SourceNotFound(f"{where.url}: {reason}") from error
    except Exception as error:  # every kind of address has its own errors
        ends = (".gz", ".tgz", ".bz2", ".xz", ".zst")
        if where.url.endswith(ends):
            reason = "compressed. Unpack it to a plain .tar"
        else:
            reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{where.url}: not a readable tar file ({reason})") from error


def _open(where: Place) -> Any:
    """The file; of a distant one, each block is read at most once."""
    if not where.is_far:
        return Path(where.path).open("rb")
    return where.system.open(where.path, "rb", block_size=_BLOCK, cache_type="blockcache")


def _collected(members: tarfile.TarFile, file: Any) -> Shard:
    found: list[tuple[str, int, int]] = []
    links: dict[str, str] = {}
    sides: list[tuple[str, int, int]] = []
    texts = SampleTexts()
    others: Counter[str] = Counter()
    for member in _files(members, file):
        name = member.name.removeprefix("./")
        end = suffix(name)
        if is_hidden(name):
            continue
        place = name, member.offset_data, member.size
        if not member.isfile():
            if end in EXTENSIONS:
                links[name] = _target(member)
            continue
        if end in EXTENSIONS:
            found.append(place)
            continue
        if texts.reads(end, member.size):
            file.seek(member.offset_data)
            texts.add(name.removesuffix(end), end, file.read(member.size))
        if end != ".cls":
            others[end] += 1
        if end in ENDINGS and len(sides) < _MOST_SIDES:
            sides.append(place)
    if links:
        places = {name: (offset, size) for name, offset, size in found}
        for name, target in links.items():
            if target not in places:
                others["link out of the tar"] += 1
            elif name not in places:  # GNU tar links a file that is added twice to itself
                found.append((name, *places[target]))
    found = _without_companions(found)
    samples = Counter(key(name) for name, _, _ in found)
    stems = [_stem(name, texts, samples) for name, _, _ in found]
    return Shard(
        names=[name for name, _, _ in found],
        offsets=[offset for _, offset, _ in found],
        sizes=[size for _, _, size in found],
        texts=texts.of(stems),
        troubles=texts.troubles,
        sides=[side for side in sides if key(side[0]) not in samples],
        others=dict(others),
    )


def _target(link: tarfile.TarInfo) -> str:
    """The name to which a link points: that of a hard link is the whole path."""
    folder = "" if link.islnk() else posixpath.dirname(link.name)
    return posixpath.normpath(posixpath.join(folder, link.linkname))


def _stem(name: str, texts: SampleTexts, samples: Counter[str]) -> str:
    """The stem of ``NAME.cls`` next to ``NAME.png``, or of ``KEY.cls`` of a sample's only image."""
    stem = name.rpartition(".")[0]
    if stem not in texts and samples[key(name)] == 1:
        stem = key(name)
    return stem


def _files(members: tarfile.TarFile, file: Any) -> Iterator[tarfile.TarInfo]:
    reached = -1
    while (member := members.next()) is not None:
        members.members.clear()  # type: ignore[attr-defined]  # else each stays in memory
        if member.size < 0 or members.offset <= reached:  # would loop forever
            raise ValueError(f"damaged at byte {member.offset:,}. Download it again")
        reached = members.offset
        if member.isfile() or member.islnk() or member.issym():
            yield member
    # tarfile reads a damaged header as the end
    file.seek(members.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise ValueError(f"damaged at byte {members.offset:,}. Download it again")


def _without_companions(found: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Keep the first of ``KEY.jpg`` and ``KEY.seg.png``."""

    def is_plain(name: str) -> bool:
        return name.count(".", len(key(name))) == 1

    plain = {key(name) for name, _, _ in found if is_plain(name)}
    return [entry for entry in found if is_plain(entry[0]) or key(entry[0]) not in plain]


def key(name: str) -> str:
    """A sample's key: its path up to the first dot of the file name.

    >>> key("a.b/000001.seg.png")
    'a.b/000001'
    """
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.split(".", 1)[0]
