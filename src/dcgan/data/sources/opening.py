"""DATA as the user gives it: a path or a name."""

from __future__ import annotations

import os
from pathlib import Path

from dcgan.data.sources.arrays import open_array
from dcgan.data.sources.base import Source
from dcgan.data.sources.digits import open_digits
from dcgan.data.sources.folder import FolderSource
from dcgan.data.sources.idx import open_idx
from dcgan.data.sources.shapes import ShapesSource
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import DataError, SourceNotFound, did_you_mean

NAMES = ("digits", "shapes", "mnist", "fashion-mnist")


def open_source(data: str, root: str | Path | None = None) -> Source:
    """Open a collection of pictures.

    Parameters
    ----------
    data : str
        ``digits``, ``shapes``, ``mnist``, ``fashion-mnist`` (the last two also with ``:test``),
        or the path of a folder, ``.zip``, ``.npy`` or ``.npz`` file.
    root : path, optional
        Folder in which named sets lie; default: the variable ``DCGAN_DATA``.

    Raises
    ------
    SourceNotFound
        Neither a known name nor an existing path.
    DataError
        A path that holds no picture, or a damaged file.
    """
    name, _, split = data.partition(":")
    source = _open_name(name, split, _data_root(root)) if name in NAMES else _open_path(data)
    if len(source) == 0:
        raise DataError(
            f"{data}: holds no picture (other files: {source.ignored}); wants files such as"
            " .png, .jpg or .webp at any depth"
        )
    return source


def _data_root(root: str | Path | None) -> Path | None:
    given = root or os.environ.get("DCGAN_DATA")
    return Path(given) if given else None


def _open_name(name: str, split: str, root: Path | None) -> Source:
    if name in {"digits", "shapes"}:
        if split:
            raise SourceNotFound(f"{name}:{split}: {name} has no splits; say {name}")
        return open_digits() if name == "digits" else ShapesSource()
    if split not in {"", "train", "test"}:
        raise SourceNotFound(f"{name}:{split}: the splits are train and test")
    return open_idx(name, split or "train", root)


def _open_path(data: str) -> Source:
    path = Path(data).expanduser()
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise SourceNotFound(
            f"{data}: no such file or folder, nor a named set; {did_you_mean(data, NAMES)}"
        )
    match path.suffix.lower():
        case ".zip":
            return ZipSource(path)
        case ".npy" | ".npz":
            return open_array(path)
    raise DataError(f"{data}: not a folder, .zip, .npy or .npz; put single pictures into a folder")
