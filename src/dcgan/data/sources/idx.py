"""MNIST and Fashion-MNIST in their canonical IDX files, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.download import RemoteFile, fetch
from dcgan.data.sources.base import ArraySource, Labels
from dcgan.data.sources.paths import file_stamp
from dcgan.errors import DataError, SourceNotFound, Unreachable
from dcgan.runtime.cache import data_folders, fetching_folder
from dcgan.runtime.reporting import SILENT, Reporter

_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
}
_FOLDERS = {
    "mnist": ("mnist", "MNIST/raw", "MNIST", "."),
    "fashion-mnist": ("fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
}
"""Where the files are looked for under the data root; the second is torchvision's place."""

_MOST_BYTES = 2**28
"""Of a file, unpacked, five times what the largest has: a small ``.gz`` may unpack to anything."""

_PREFIX = {"train": "train", "test": "t10k"}

_ADDRESSES = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
}
_MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
}
"""As torchvision publishes them (``datasets/mnist.py``)."""


def open_idx(name: str, split: str, root: Path | None, reporter: Reporter = SILENT) -> ArraySource:
    """One of the two sets, 28×28 grey with ten classes; fetched where it is not there.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist"}
    split : {"train", "test"}
        60,000 or 10,000 pictures.
    root : Path, optional
        The data root; looked in before the cache, and where the files are put.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    SourceNotFound
        The files are neither there nor to be had; names them and the folder that would satisfy.
    DataError
        A file is damaged, or the fetching was cut off.
    """
    stems = [f"{_PREFIX[split]}-images-idx3-ubyte", f"{_PREFIX[split]}-labels-idx1-ubyte"]
    found = _found(name, stems, root) or _fetched(name, stems, root, reporter)
    images, numbers = (read_idx(path) for path in found)
    _refuse_strangers(name, found[0].parent, images, numbers)
    labels = {"label": Labels(numbers.astype(np.int64), _CLASSES[name])}
    return ArraySource(name, images, labels=labels, stamp=file_stamp(found))


def _found(name: str, stems: list[str], root: Path | None) -> list[Path]:
    """The files, if one of the folders holds all of them."""
    for place in data_folders(root):
        for folder in _FOLDERS[name]:
            paths = [path for stem in stems if (path := _existing(place / folder / stem))]
            if len(paths) == len(stems):
                return paths
    return []


def _fetched(name: str, stems: list[str], root: Path | None, reporter: Reporter) -> list[Path]:
    folder = fetching_folder(root) / _FOLDERS[name][0]
    try:
        return [
            _existing(folder / stem) or fetch(_published(name, f"{stem}.gz"), folder, reporter)
            for stem in stems
        ]
    except Unreachable as error:
        place = (root or Path("DIR")) / _FOLDERS[name][0]
        files = " and ".join(f"{stem}.gz" for stem in stems)
        cure = "" if root else "; then say --data-root DIR, or set the variable DCGAN_DATA"
        raise SourceNotFound(f"{name}: put {files} into {place}/{cure} ({error})") from error


def _published(name: str, file: str) -> RemoteFile:
    urls = tuple(address + file for address in _ADDRESSES[name])
    return RemoteFile(urls, file, f"md5:{_MD5[name][file]}")


def _refuse_strangers(
    name: str, folder: Path, images: NDArray[np.uint8], numbers: NDArray[np.uint8]
) -> None:
    """Images and labels must belong together."""
    fits = images.ndim == 3 and numbers.ndim == 1 and len(images) == len(numbers)
    if not fits or numbers.max(initial=0) >= len(_CLASSES[name]):
        raise DataError(
            f"{folder}: images {images.shape} and labels {numbers.shape} of {name} do not belong"
            " together; fetch both again"
        )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: magic 0 0 8 n, n big-endian sides, then the data.

    Raises
    ------
    DataError
        The file is damaged or holds something else.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged ({error}); fetch it again") from error
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of bytes")
    axes = data[3]
    if len(data) < 4 + 4 * axes:
        raise DataError(f"{path}: ends within its header; fetch it again")
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", axes, 4))
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if body.size != np.prod(shape):
        raise DataError(
            f"{path}: says {shape}, which is {np.prod(shape)} bytes, and holds {body.size};"
            " fetch it again"
        )
    return body.reshape(shape)


def _existing(stem: Path) -> Path | None:
    for path in (stem.with_name(stem.name + ".gz"), stem):
        if path.is_file():
            return path
    return None
