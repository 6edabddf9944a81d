"""Where each picture lies in a tar file: a list made once from its headers."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import fsspec

from dcgan.data.pixels.decode import EXTENSIONS
from dcgan.data.sources.paths import digest, file_stamp, is_hidden, suffix
from dcgan.data.sources.sample_texts import SampleTexts
from dcgan.data.sources.tables import ENDINGS
from dcgan.errors import DataError, SourceNotFound, Unreachable
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import write_text
from dcgan.runtime.network import offline
from dcgan.runtime.reading import read_json

_VERSION = 2
"""Raised whenever other members than before are listed."""

_MOST_SIDES = 1000

_BLOCK = 2**20
"""Bytes of one request while a far shard is listed; larger members are skipped unread."""


@dataclass(frozen=True)
class Shard:
    """The pictures of one tar file, in its order.

    Attributes
    ----------
    names : list of str
    offsets, sizes : list of int
        Where each lies, in bytes.
    texts : dict of str to list of str
        What ``KEY.cls``, ``KEY.txt`` and the fields of ``KEY.json`` tell of each picture; empty
        where they tell nothing.
    troubles : dict of str to str
        Such columns that hold no classes, and why.
    sides : list of (name, offset, size)
        Members that may hold labels of many pictures.
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
    """A tar file and who opens it."""

    url: str
    system: Any
    path: str

    @property
    def is_far(self) -> bool:
        """Whether it is an address, and not a path."""
        return "://" in self.url

    def state(self) -> tuple[object, ...] | None:
        """What changes when the file does; None where its system tells no more than its size."""
        if not self.is_far:
            return (file_stamp([Path(self.path)]),)
        try:
            info = self.system.info(self.path)
        except Exception:  # gone: whoever reads it will say so
            return None
        names = ("mtime", "created", "ino", "ETag", "etag", "LastModified", "Last-Modified")
        state = (info.get("size"), *(info.get(name) for name in names))
        return state if any(state[1:]) else None


def place(url: str) -> Place:
    """Who opens a path or address.

    Raises
    ------
    DataError
        A kind of address for which a package is missing.
    """
    far = "://" in url and not url.startswith(("file://", "memory://", "local://"))
    if far and offline():
        raise Unreachable(f"{url}: no network is used while the variable DCGAN_OFFLINE is set")
    try:
        system, path = fsspec.url_to_fs(url)
    except (ImportError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{url}: {reason}; pip install 'dcgan[shards]' opens http addresses"
        ) from error
    return Place(url, system, path)


def list_shard(where: Place) -> Shard:
    """The pictures of a shard; of a far one, the list is kept in the cache folder.

    Raises
    ------
    SourceNotFound
        There is no such file.
    DataError
        It is damaged, compressed, or cannot be had.
    """
    state = where.state() if where.is_far else None
    if state is None:
        return _read(where)
    kept = cache_folder() / "shards" / f"{digest((_VERSION, where.url, state))}.json"
    with suppress(OSError, ValueError, TypeError):
        return Shard(**read_json(kept))
    shard = _read(where)
    with suppress(OSError):  # a cache that cannot be written is no loss
        write_text(kept, json.dumps(asdict(shard)))
    return shard


def _read(where: Place) -> Shard:
    """From the headers alone."""
    try:
        with (
            _opened(where) as file,
            # else names would be read in this machine's encoding
            tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as members,
        ):
            if where.is_far and len(where.system.cat_file(where.path, 0, 2)) > 2:
                raise ValueError("its server sends no parts of files: fetch the shards first")
            return _collected(members, file)
    except FileNotFoundError as error:
        cause = error.__cause__  # fsspec says the same of a server that does not answer
        is_gone = cause is None or getattr(cause, "status", None) == HTTPStatus.NOT_FOUND
        reason = "no such file" if is_gone else " ".join(str(cause).split())
        raise SourceNotFound(f"{where.url}: {reason}") from error
    except Exception as error:  # every kind of address has errors of its own
        ends = (".gz", ".tgz", ".bz2", ".xz", ".zst")
        if where.url.endswith(ends):
            reason = "compressed: unpack it to a plain .tar, in which pictures can be found"
        else:
            reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{where.url}: not a readable tar file ({reason})") from error


def _opened(where: Place) -> Any:
    """The file, to be sought in; of a far one, each block is fetched at most once."""
    if not where.is_far:
        return Path(where.path).open("rb")
    return where.system.open(where.path, "rb", block_size=_BLOCK, cache_type="blockcache")


def _collected(members: tarfile.TarFile, file: Any) -> Shard:
    found: list[tuple[str, int, int]] = []
    sides: list[tuple[str, int, int]] = []
    texts = SampleTexts()
    others: Counter[str] = Counter()
    for member in _files(members, file):
        name = member.name.removeprefix("./")
        end = suffix(name)
        if is_hidden(name):
            continue
        place = name, member.offset_data, member.size
        if end in EXTENSIONS:
            found.append(place)
            continue
        if texts.reads(end, member.size):
            texts.add(name.removesuffix(end), end, _content(file, member))
        if end != ".cls":
            others[end] += 1
        if end in ENDINGS and len(sides) < _MOST_SIDES:
            sides.append(place)
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


def _stem(name: str, texts: SampleTexts, samples: Counter[str]) -> str:
    """Of ``NAME.cls`` beside ``NAME.png``; or of ``KEY.cls``, of a sample's only picture."""
    stem = name.rpartition(".")[0]
    if stem not in texts and samples[key(name)] == 1:
        stem = key(name)
    return stem


def _files(members: tarfile.TarFile, file: Any) -> Iterator[tarfile.TarInfo]:
    reached = -1
    while (member := members.next()) is not None:
        members.members.clear()  # type: ignore[attr-defined]  # else each stays in memory
        if member.size < 0 or members.offset <= reached:  # would lead back, for ever
            raise ValueError(f"damaged at byte {member.offset:,}; fetch it again")
        reached = members.offset
        if member.isfile():
            yield member
    # tarfile takes a damaged header for the end
    file.seek(members.offset)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise ValueError(f"damaged at byte {members.offset:,}; fetch it again")


def _content(file: Any, member: tarfile.TarInfo) -> bytes:
    """Of a small member."""
    here = file.tell()
    file.seek(member.offset_data)
    content: bytes = file.read(member.size)
    file.seek(here)
    return content


def _without_companions(found: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Of ``KEY.jpg`` and ``KEY.seg.png`` keep the first."""

    def is_plain(name: str) -> bool:
        return name.count(".", len(key(name))) == 1

    plain = {key(name) for name, _, _ in found if is_plain(name)}
    return [entry for entry in found if is_plain(entry[0]) or key(entry[0]) not in plain]


def key(name: str) -> str:
    """A sample's key: its path up to the first dot of the file's name.

    >>> key("a.b/000001.seg.png")
    'a.b/000001'
    """
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.split(".", 1)[0]
