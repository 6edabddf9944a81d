"""Images that were dropped on the page: a folder for each batch, with limits."""

from __future__ import annotations

import re
import shutil
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from uuid import uuid4

import anyio.from_thread
import anyio.to_thread
from PIL import Image

from dcgan.data.pixels.decode import FORMATS
from dcgan.exchange.reading import SUFFIXES as WEIGHTS
from dcgan.runtime.files import move, written_whole
from dcgan.studio.guard import MOST_BYTES
from dcgan.studio.problems import Problem, not_found

MOST_FILES = 20_000
"""Files in one batch."""

MOST_PIXELS = 50_000_000
"""Pixels of one image."""

MOST_UNPACKED = 4 * 2**30
"""Bytes of all files of an archive, unpacked."""

_BATCH = re.compile(r"[0-9a-f]{16,32}")
_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_ARCHIVE = ".zip"
_ENTRY = b"PK\1\2"
"""How each entry in the table of a .zip begins."""

_RECEIVED = "received"
"""The folder of files that are not complete or not checked."""

_USED = ".used"
"""The mark of a batch on which a run is trained."""

_DAY = 24 * 60 * 60

_REMEMBERED = 64
"""Batches whose number of files is remembered."""


class Uploads:
    """Uploaded files.

    Parameters
    ----------
    folder : Path
        One folder for each batch is made in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def use(self, data: Path) -> None:
        """Keep the batch of a dataset for good, if it is one: a run is trained on it."""
        for batch in {data, data.parent}:
            if batch.parent == self.folder.resolve():
                (batch / _USED).touch()

    def forget_unused(self) -> None:
        """Delete batches without a run, and unfinished files, that are older than a day."""
        unfinished = self.folder / _RECEIVED
        for place in (self.folder, unfinished):
            for path in place.iterdir() if place.is_dir() else ():
                if path == unfinished or (path / _USED).exists():
                    continue
                with suppress(OSError):  # not ours, or another studio was faster
                    if time.time() - path.stat().st_mtime > _DAY:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()

    async def keep_weights(
        self, batch: str, part: str, name: str, stream: AsyncIterator[bytes]
    ) -> None:
        """Store the weights of one network of a batch, in place of earlier ones.

        Raises
        ------
        Problem
        """
        ending = Path(name).suffix.lower()
        if ending not in WEIGHTS:
            raise Problem(415, f"{name}: not a file of weights. Use {', '.join(WEIGHTS)}")
        place = self._batch(batch)
        await anyio.to_thread.run_sync(_receive, place / f"{part}{ending}", name, stream)
        for other in place.glob(f"{part}.*"):
            if other.suffix != ending:
                other.unlink()

    def weights(self, batch: str) -> list[Path]:
        """The files of a batch: of the generator, and of the discriminator if there is one.

        Raises
        ------
        Problem
            There is no generator.
        """
        place = self._batch(batch)
        found = [next(place.glob(f"{part}.*"), None) for part in ("generator", "discriminator")]
        if found[0] is None:
            raise not_found("the file of the generator")
        return [path for path in found if path is not None]

    def _batch(self, batch: str) -> Path:
        if not _BATCH.fullmatch(batch):
            raise Problem(422, "The batch must be 16 to 32 hexadecimal digits")
        return self.folder / batch

    async def keep(
        self, batch: str, name: str, stream: AsyncIterator[bytes], *, archives: bool = True
    ) -> Path:
        """Store one file; returns the dataset: the folder of the batch, or the archive.

        Only the ending of ``name`` is used. What is no image, or an archive
        that would unpack to too much, is refused and not kept; without ``archives``, any archive.

        Raises
        ------
        Problem
        """
        ending = Path(name).suffix.lower()
        place = self._batch(batch)
        if ending not in _ENDINGS and not (archives and ending == _ARCHIVE):
            allowed = ", ".join(sorted(_ENDINGS)) + (" or a .zip of images" if archives else "")
            raise Problem(415, f"{name}: not an image. Use {allowed}")
        path = place / f"{uuid4().hex}{ending}"  # two may arrive at once
        await anyio.to_thread.run_sync(self._keep, path, name, stream)
        return path if ending == _ARCHIVE else place

    def _keep(self, path: Path, name: str, stream: AsyncIterator[bytes]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if next(_numbers(path.parent)) >= MOST_FILES:
            raise Problem(413, f"More than {MOST_FILES:,} files. Put them into a folder instead")
        # not beside the others: all files of a folder are listed whenever one is written to it
        received = self.folder / _RECEIVED / path.name
        check = _check_archive if path.suffix == _ARCHIVE else _check_image
        _receive(received, name, stream, check)
        move(received, path)


@lru_cache(_REMEMBERED)
def _numbers(batch: Path) -> Iterator[int]:
    """Numbers for the next files of a batch, from how many it has: it is listed once. Files that
    are refused have a number too."""
    return count(sum(1 for _ in batch.iterdir()))


def _receive(
    path: Path,
    name: str,
    stream: AsyncIterator[bytes],
    check: Callable[[Path, str], None] | None = None,
) -> None:
    """Store a stream of the event loop, from another thread."""
    size = 0
    with written_whole(path) as unfinished:
        with unfinished.open("wb") as file:
            while (part := anyio.from_thread.run(_next, stream)) is not None:
                size += len(part)
                if size > MOST_BYTES:  # the header with the length may be missing
                    raise Problem(413, f"{name}: larger than {MOST_BYTES // 2**20} MB")
                file.write(part)
        if check is not None:
            check(unfinished, name)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, None)


def _check_image(path: Path, name: str) -> None:
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise Problem(413, f"{name}: {width}x{height} pixels. Use smaller images")
            image.verify()
    except Problem:
        raise
    except Exception as error:  # of damaged files, decoders raise more than they document
        raise Problem(415, f"{name}: not a readable image") from error


def _check_archive(path: Path, name: str) -> None:
    if path.read_bytes().count(_ENTRY) > MOST_FILES:  # to read a long table takes a while
        raise Problem(413, f"{name}: more than {MOST_FILES:,} files")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as error:  # also a name that is not UTF-8
        raise Problem(415, f"{name}: not a readable .zip") from error
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Problem(413, f"{name}: unpacks to more than {MOST_UNPACKED // 2**30} GB")
