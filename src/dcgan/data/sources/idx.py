"""MNIST and Fashion-MNIST in their canonical IDX files, plain or gzipped."""

from __future__ import annotations

import gzip
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

_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("t-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    ),
}
_FOLDERS = {
    "mnist": ("mnist", "MNIST/raw", "MNIST", "."),
    "fashion-mnist": ("fashion-mnist", "FashionMNIST/raw", "FashionMNIST"),
}
"""Where the files may be below the data root; the second is torchvision's place."""

_MOST_BYTES = 2**28
"""Of an unpacked file: five times the largest one, since a small ``.gz`` may unpack to anything."""

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


def open_idx(request: Request) -> ArraySource:
    """MNIST or Fashion-MNIST, 28×28 gray with ten classes: 60,000 or 10,000 images.

    Raises ``DataError`` for a damaged file, or images and labels that do not belong together.
    """
    name, prefix = request.name, _PREFIX[request.split]
    stems = [f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"]

    def is_complete(folder: Path) -> bool:
        return all(_existing(folder / stem) for stem in stems)

    def download(folder: Path) -> Path:
        for stem in stems:
            if not _existing(folder / stem):
                file = f"{stem}.gz"
                urls = tuple(address + file for address in _ADDRESSES[name])
                remote = RemoteFile(urls, file, f"md5:{_MD5[name][file]}")
                fetch(remote, folder, request.reporter)
        return folder

    files = " and ".join(f"{stem}.gz" for stem in stems)
    folder = request.find(_FOLDERS[name], is_complete, files, download)
    paths = [path for stem in stems if (path := _existing(folder / stem))]
    images, numbers = (read_idx(path) for path in paths)
    _refuse_strangers(name, folder, images, numbers)
    labels = {"label": Labels(numbers.astype(np.int64), _CLASSES[name])}
    return ArraySource(name, images, labels=labels, stamp=file_stamp(paths))


def _refuse_strangers(
    name: str, folder: Path, images: NDArray[np.uint8], numbers: NDArray[np.uint8]
) -> None:
    """Images and labels must belong together."""
    fits = images.ndim == 3 and numbers.ndim == 1 and len(images) == len(numbers)
    if not fits or numbers.max(initial=0) >= len(_CLASSES[name]):
        raise DataError(
            f"{folder}: images {images.shape} and labels {numbers.shape} of {name} do not belong"
            " together. Download both again"
        )


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: magic 0 0 8 n, n big-endian sides, then the data; raises
    ``DataError`` if it is damaged or holds something else.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(_MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged ({error}). Download it again") from error
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of bytes")
    axes = data[3]
    if len(data) < 4 + 4 * axes:
        raise DataError(f"{path}: ends within its header. Download it again")
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", axes, 4))
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if body.size != np.prod(shape):
        raise DataError(
            f"{path}: declares {shape}, which is {np.prod(shape)} bytes, and holds {body.size}."
            " Download it again"
        )
    return body.reshape(shape)


def _existing(stem: Path) -> Path | None:
    for path in (stem.with_name(stem.name + ".gz"), stem):
        if path.is_file():
            return path
    return None
