"""Pictures as NumPy files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.sources.base import ArraySource, Labels
from dcgan.data.sources.paths import file_stamp
from dcgan.errors import DataError
from dcgan.runtime.memory import available_memory, in_words

_PART = 256
"""Pictures converted in one go."""

_WANTED = "wants (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels"


def open_array(path: Path) -> ArraySource:
    """Pictures from a ``.npy`` (mapped, not read) or ``.npz`` file.

    An ``.npz`` gives its array ``images``, else its first array of 3 or 4 axes; an array
    ``labels`` of whole numbers beside it gives labels. Values are uint8, or floats in [0, 1].

    Raises
    ------
    DataError
        No such array, or values out of range.
    """
    arrays = _read_arrays(path)
    images = arrays.get("images")
    if images is None:
        images = next((a for a in arrays.values() if a.ndim in {3, 4}), None)
    if images is None:
        found = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise DataError(f"{path}: {_WANTED}; found {found or 'no array'}")
    images = as_pixels(str(path), channels_last(str(path), images))
    labels = {}
    numbers = arrays.get("labels")
    if numbers is not None and numbers.shape == (len(images),) and numbers.dtype.kind in "iu":
        classes, values = np.unique(numbers, return_inverse=True)
        labels = {"label": Labels(values, tuple(str(number) for number in classes))}
    return ArraySource(str(path), images, labels=labels, stamp=file_stamp([path]))


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file by name; which of the two kinds it is, its content says."""
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"images": loaded}
        with loaded:
            _refuse_beyond_memory(
                str(path),
                sum(member.file_size for member in loaded.zip.infolist()),
                f"'unzip {quote(path.name)}' gives .npy files, which are read in place",
            )
            found = {name: loaded[name] for name in loaded.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: not a NumPy file of plain numbers ({error})") from error
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


def _refuse_beyond_memory(name: str, needed: int, cure: str) -> None:
    """Refuse what would be killed, or swap for hours, before it is read."""
    free = available_memory()
    if free is not None and needed > free:
        raise DataError(
            f"{name}: needs {in_words(needed)} of memory, and {in_words(free)} are free. {cure}"
        )


def channels_last(name: str, images: NDArray[Any]) -> NDArray[Any]:
    """Pictures as (N, H, W) or (N, H, W, C), from either order of axes.

    Raises
    ------
    DataError
        Of another shape.
    """
    if images.ndim == 3:
        return images
    if images.ndim == 4 and images.shape[3] in {1, 2, 3, 4}:
        return images
    if images.ndim == 4 and images.shape[1] in {1, 2, 3, 4}:
        return np.moveaxis(images, 1, 3)
    raise DataError(f"{name}: {_WANTED}; found {images.shape}")


def as_pixels(name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Values as bytes: whole numbers in 0..255 stay, floats in 0..1 are scaled.

    Raises
    ------
    DataError
        Other values.
    """
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.bool_:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "fiu":
        raise DataError(f"{name}: values of {images.dtype}; wants numbers")
    cure = "Save whole numbers from 0 to 255 as uint8 with numpy.save: they are read in place"
    _refuse_beyond_memory(name, images.size, cure)
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        pixels = np.empty(images.shape, dtype=np.uint8)
        for start in range(0, len(images), _PART):  # a mapped file may be larger than memory
            part = slice(start, start + _PART)
            pixels[part] = (images[part] * 255).round()
        return pixels
    if images.dtype.kind in "iu" and low >= 0 and high <= 255:
        return images.astype(np.uint8)
    raise DataError(
        f"{name}: values of {images.dtype} from {low:g} to {high:g}; wants whole numbers in"
        " 0..255 or floats in 0..1"
    )
