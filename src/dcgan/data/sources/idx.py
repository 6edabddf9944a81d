"""MNIST and Fashion-MNIST in their canonical IDX files, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.sources.base import ArraySource, Labels
from dcgan.errors import DataError, SourceNotFound

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

_PREFIX = {"train": "train", "test": "t10k"}


def open_idx(name: str, split: str, root: Path | None) -> ArraySource:
    """One of the two sets, 28×28 grey with ten classes.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist"}
    split : {"train", "test"}
        60,000 or 10,000 pictures.
    root : Path, optional
        The data root.

    Raises
    ------
    SourceNotFound
        The files are not there; names them and the folder that would satisfy.
    DataError
        A file is damaged.
    """
    stems = [f"{_PREFIX[split]}-images-idx3-ubyte", f"{_PREFIX[split]}-labels-idx1-ubyte"]
    for folder in _FOLDERS[name]:
        found = [_existing(root / folder / stem) for stem in stems] if root else []
        if root and all(found):
            images, numbers = (read_idx(path) for path in found if path)
            _refuse_strangers(name, root / folder, images, numbers)
            labels = {"label": Labels(numbers.astype(np.int64), _CLASSES[name])}
            return ArraySource(name, images, labels=labels)
    place = (root or Path("DIR")) / _FOLDERS[name][0]
    files = " and ".join(f"{stem}.gz" for stem in stems)
    cure = "" if root else "; then say --data-root DIR, or set the variable DCGAN_DATA"
    raise SourceNotFound(f"{name}: put {files} into {place}/{cure}")


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
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
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
