"""Images as NumPy files."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels.side_files import listed
from dcgan.data.labels.splits import refuse_split
from dcgan.data.sources.base import ArraySource
from dcgan.data.sources.npz import choose_arrays, labels_in_order, labels_of_rows, read_headers
from dcgan.data.sources.paths import digest, file_stamp
from dcgan.errors import DataError
from dcgan.runtime.files import expanded
from dcgan.runtime.memory import shortage
from dcgan.runtime.shell import as_line
from dcgan.runtime.split_names import AUTO, NONE
from dcgan.runtime.wording import counted

_PART = 256  # images converted at once

_SHAPES = "images must be (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels"


def open_array(path: Path, *, split: str = AUTO, labels: str = AUTO) -> ArraySource:
    """Images from a ``.npy`` (mapped, not read) or ``.npz`` file.

    Of an ``.npz``, the images are the array ``images``, or ``x_train``, ``train_images`` and the
    like, else the first array of 3 or 4 axes; labels are arrays such as ``labels``, ``y``,
    ``y_train`` or ``train_labels``. Values are uint8, or floats in [0, 1].

    Parameters
    ----------
    path : Path
    split : str
        The split of an ``.npz``; ``auto`` is ``train`` if there is one.
    labels : str
        ``auto``, ``none``, or a file of labels in the order of the images.

    Raises
    ------
    DataError
        No such array, or values out of range.
    ConfigError
        No such split, or a file of labels that cannot be read.
    """
    images, arrays, notes, keys = _read_arrays(path, split, labels == AUTO)
    pixels = as_pixels(str(path), channels_last(str(path), images))
    reading = labels_in_order(arrays, len(pixels))
    if labels not in {AUTO, NONE}:
        reading = labels_of_rows(expanded(labels), labels, len(pixels))
    if reading.refused:
        notes.append(f"not read as classes: {listed(reading.refused)}")
    if reading.labels and len(reading.rows) < len(pixels):
        count = len(pixels) - len(reading.rows)
        notes.append(f"skipped: {counted(count, 'image')} without a class")
        pixels = pixels[reading.rows]
        keys = [*keys, digest([reading.rows.tobytes()])]  # other labels skip other images
    stamp = digest((file_stamp([path]), keys)) if keys else file_stamp([path])
    return ArraySource(str(path), pixels, labels=reading.labels, stamp=stamp, notes=notes)


def _read_arrays(
    path: Path, split: str, with_labels: bool
) -> tuple[NDArray[Any], dict[str, list[NDArray[Any]]], list[str], list[str]]:
    """Images, labels by factor, notes, and the keys read from an ``.npz``; its content, not its
    name, shows which of the two kinds a file is."""
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            refuse_split(split, str(path))
            return loaded, {}, [], []
        with loaded:
            headers = read_headers(loaded)
            chosen = choose_arrays(str(path), headers, split)
            if not chosen.images:
                found = ", ".join(f"{header.key} {header.shape}" for header in headers)
                raise DataError(f"{path}: {_SHAPES}. Found {found or 'no array'}")
            size = {member.filename: member.file_size for member in loaded.zip.infolist()}
            unpack = as_line(["python", "-m", "zipfile", "-e", path.name, "."])
            _refuse_beyond_memory(
                str(path),
                sum(size[f"{key}.npy"] for key in chosen.images) * min(len(chosen.images), 2),
                f"To get .npy files, which are read in place, run: {unpack}",
            )
            parts = [loaded[key] for key in chosen.images]
            factors = set.intersection(*(set(labels) for labels in chosen.labels))
            arrays = {
                factor: [loaded[labels[factor]] for labels in chosen.labels]
                for factor in sorted(factors)
                if with_labels
            }
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: not a NumPy file of plain numbers ({error})") from error
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = ", ".join(str(part.shape) for part in parts)
        raise DataError(
            f"{path}: its splits differ in shape ({shapes}). Choose one with `data.split`"
        )
    images = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return images, arrays, chosen.notes, chosen.images


def _refuse_beyond_memory(name: str, needed: int, cure: str) -> None:
    """Refuse arrays larger than the free memory before they are read."""
    lacking = shortage(needed)
    if lacking:
        raise DataError(f"{name}: needs {lacking}. {cure}")


def channels_last(name: str, images: NDArray[Any]) -> NDArray[Any]:
    """Images as (N, H, W) or (N, H, W, C), from either order of axes; else ``DataError``."""
    if images.ndim == 3 or (images.ndim == 4 and images.shape[3] in {1, 2, 3, 4}):
        return images
    if images.ndim == 4 and images.shape[1] in {1, 2, 3, 4}:
        return np.moveaxis(images, 1, 3)
    raise DataError(f"{name}: {_SHAPES}. Found {images.shape}")


def as_pixels(name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Values as uint8: whole numbers in 0..255 stay, floats in 0..1 are scaled; else
    ``DataError``."""
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.bool_:
        return images.astype(np.uint8) * np.uint8(255)
    if images.dtype.kind not in "fiu":
        raise DataError(f"{name}: values of {images.dtype}: must be numbers")
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
        f"{name}: values of {images.dtype} from {low:g} to {high:g}: must be whole numbers in"
        " 0..255 or floats in 0..1"
    )
