"""CIFAR-10 in its official binary files, downloaded as one archive."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.download import RemoteFile, fetch
from dcgan.data.labels import Labels
from dcgan.data.sources.base import ArraySource
from dcgan.data.sources.named import Request
from dcgan.data.sources.paths import file_stamp
from dcgan.errors import DataError
from dcgan.runtime.files import move, working_folder

_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_ARCHIVE = RemoteFile(
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    "cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",  # from the dataset's page
    size=170_052_171,
)
_UNPACKED = "cifar-10-batches-bin"
_FOLDERS = (f"cifar10/{_UNPACKED}", _UNPACKED, "cifar10")
"""Where the files may be below the data root."""

_FILES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
_PER_FILE = 10_000
_PIXELS = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32
"""Bytes of one image: its class, then the red, green and blue planes."""


def open_cifar10(request: Request) -> ArraySource:
    """CIFAR-10, 32×32 in color with ten classes: 50,000 ``train`` or 10,000 ``test`` images.

    All are held in memory: 154 MB for ``train``. Raises ``DataError`` for a damaged file.
    """
    names = _FILES[request.split]
    folder = request.find(
        _FOLDERS,
        lambda folder: all((folder / name).is_file() for name in names),
        f"{_ARCHIVE.name} from {_ARCHIVE.urls[0]}",
        lambda folder: _unpack(fetch(_ARCHIVE, folder, request.reporter)),
    )
    paths = [folder / name for name in names]
    records = np.concatenate([_read(path) for path in paths])
    planes = records[:, 1:].reshape(-1, *_PIXELS)
    return ArraySource(
        "cifar10",
        np.moveaxis(planes, 1, 3),
        labels={"label": Labels(records[:, 0].astype(np.int64), _CLASSES)},
        stamp=file_stamp(path.resolve() for path in paths),
    )


def _unpack(archive: Path) -> Path:
    """Unpack next to the archive; the folder, or a file missing in it, appears at once."""
    unpacked = archive.parent / _UNPACKED
    try:
        with working_folder(unpacked) as place:
            with tarfile.open(archive) as packed:
                packed.extractall(place, filter="data")
            if not unpacked.exists():
                move(place / _UNPACKED, unpacked)
            elif not _is_complete(unpacked):  # else another process was first
                for file in (place / _UNPACKED).iterdir():
                    move(file, unpacked / file.name)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        if not _is_complete(unpacked):
            raise DataError(
                f"{archive}: cannot be unpacked ({error}). Free disk space, or delete it to"
                " download it again"
            ) from error
    return unpacked


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for names in _FILES.values() for name in names)


def _read(path: Path) -> NDArray[np.uint8]:
    """One file as uint8 (10,000, 3,073): the class first in each row."""
    try:
        if path.stat().st_size != _PER_FILE * _RECORD:
            raise DataError(
                f"{path}: has {path.stat().st_size:,} bytes and not {_PER_FILE * _RECORD:,}."
                " Delete it to download it again"
            )
        records = np.fromfile(path, np.uint8).reshape(_PER_FILE, _RECORD)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    if records[:, 0].max() >= len(_CLASSES):
        raise DataError(
            f"{path}: class {records[:, 0].max()} of 0 to 9: not the binary form of CIFAR-10."
            " Delete it to download it again"
        )
    return records
