"""Images that were dropped on the page: a folder for each batch, with limits."""

from __future__ import annotations

import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import anyio.to_thread
from PIL import Image

from dcgan.runtime.files import written_whole
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
_WEIGHTS = {".bin", ".ckpt", ".h5", ".npy", ".npz", ".pt", ".pth", ".safetensors"}


class Uploads:
    """Uploaded files.

    Parameters
    ----------
    folder : Path
        One folder for each batch is made in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def keep_weights(
        self, batch: str, part: str, name: str, stream: AsyncIterator[bytes]
    ) -> None:
        """Store the weights of one network of a batch, in place of earlier ones.

        Raises
        ------
        Problem
        """
        ending = Path(name).suffix.lower()
        if ending not in _WEIGHTS:
            raise Problem(415, f"{name}: not a file of weights. Use {', '.join(sorted(_WEIGHTS))}")
        place = self._batch(batch)
        place.mkdir(parents=True, exist_ok=True)
        with written_whole(place / f"{part}{ending}") as unfinished:
            await _write(unfinished, name, stream)
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
            raise Problem(422, "the batch must be 16 to 32 hexadecimal digits")
        return self.folder / batch

    async def keep(self, batch: str, name: str, stream: AsyncIterator[bytes]) -> Path:
        """Store one file; returns the dataset: the folder of the batch, or the archive.

        Only the ending of ``name`` is used. What is no image, or an archive
        that would unpack to too much, is refused and not kept.

        Raises
        ------
        Problem
        """
        ending = Path(name).suffix.lower()
        place = self._batch(batch)
        if ending not in _ENDINGS and ending != _ARCHIVE:
            allowed = ", ".join(sorted(_ENDINGS))
            raise Problem(415, f"{name}: not an image. Use {allowed} or a .zip of images")
        place.mkdir(parents=True, exist_ok=True)
        count = sum(1 for _ in place.iterdir())
        if count >= MOST_FILES:
            raise Problem(413, f"more than {MOST_FILES:,} files. Put them into a folder instead")
        path = place / f"{uuid4().hex}{ending}"  # two may arrive at once
        with written_whole(path) as unfinished:
            await _write(unfinished, name, stream)
            check = _check_archive if ending == _ARCHIVE else _check_image
            await anyio.to_thread.run_sync(check, unfinished, name)
        return path if ending == _ARCHIVE else place


async def _write(path: Path, name: str, stream: AsyncIterator[bytes]) -> None:
    size = 0
    with path.open("wb") as file:
        async for part in stream:
            size += len(part)
            if size > MOST_BYTES:  # the header with the length may be missing
                raise Problem(413, f"{name}: larger than {MOST_BYTES // 2**20} MB")
            file.write(part)


def _check_image(path: Path, name: str) -> None:
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise Problem(413, f"{name}: {width}x{height} pixels. Use smaller images")
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Problem(415, f"{name}: not a readable image") from error


def _check_archive(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise Problem(415, f"{name}: not a readable .zip") from error
    if len(entries) > MOST_FILES:
        raise Problem(413, f"{name}: more than {MOST_FILES:,} files")
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Problem(413, f"{name}: unpacks to more than {MOST_UNPACKED // 2**30} GB")
