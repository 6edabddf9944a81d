"""Opens a dataset by its path, address or name."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from pathlib import Path

from dcgan.data.labels.splits import refuse_split
from dcgan.data.labels.tables import suffix
from dcgan.data.pixels.decode import EXTENSIONS
from dcgan.data.prepared import is_prepared
from dcgan.data.sources.arrays import open_array
from dcgan.data.sources.base import EncodedSource, Source
from dcgan.data.sources.frames import FramesSource
from dcgan.data.sources.hub import open_parquet
from dcgan.data.sources.image_folder import FolderSource, files_below
from dcgan.data.sources.lsun import LmdbSource
from dcgan.data.sources.named import open_named
from dcgan.data.sources.paths import is_hidden
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.sources.run_folders import refuse_folder_of_runs, refuse_run_folder
from dcgan.data.sources.tar import TarSource
from dcgan.data.sources.tar_index import place
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import ConfigError, DataError, SourceNotFound
from dcgan.runtime.arguments import is_address, is_name, refuse_no_data, refuse_other_files
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked
from dcgan.runtime.split_names import AUTO, NONE, with_split

_MOST_SHARDS = 1_000_000


@checked
def open_source(
    data: StrPath,
    root: StrPath | None = None,
    *,
    frames: str = "first",
    split: str = AUTO,
    labels: str = AUTO,
    reporter: Reporter = SILENT,
) -> Source:
    """Open a dataset.

    Parameters
    ----------
    data : str or path
        The path of a folder, a ``.zip``, ``.tar``, ``.npy``, ``.npz`` or ``.parquet`` file; a
        pattern or an address of tar shards (``shards/{000..099}.tar``, ``s3://…/*.tar``); or a
        name: ``digits``, ``shapes``, ``mnist``, ``fashion-mnist``, ``cifar10``, ``celeba``,
        ``lsun/CATEGORY``, ``hub:OWNER/NAME``. A split may follow: ``mnist:test``, ``photos:val``.
    root : path, optional
        Folder of named datasets; default: the variable ``DCGAN_DATA``.
    frames : {"first", "all"}
        Which frames of animated images to use.
    split : str, default "auto"
        ``train``, ``val``, ``test``, another existing split, or ``all``; ``auto`` is ``train`` if
        there are splits.
    labels : str, default "auto"
        ``auto`` finds labels in folders and files, ``none`` reads none; or a file of labels.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    SourceNotFound
        Neither a known name nor an existing path.
    DataError
        A path that holds no image, or a damaged file.
    ConfigError
        No such split, or a file of labels that cannot be read.
    """
    data = os.fspath(data)
    refuse_no_data(data)
    root = root or os.environ.get("DCGAN_DATA")
    data, split = with_split(data, split)
    refuse_other_files(data)
    if is_name(data):
        source = open_named(data, split, expanded(root) if root else None, reporter)
        source = _with_own_labels(source, labels)
    else:
        source = _open_path(data, split, labels)
    if labels == NONE:
        source.labels.clear()
    if len(source) == 0:
        counts = Counter(source.others).most_common(4)
        others = ", ".join(f"{count:,} {end}" for end, count in counts)
        others = f" (other files: {others})" if others else " and no other file"
        raise DataError(
            f"{data}: holds no image{others}. Put files such as .png, .jpg or .webp into it, at any"
            " depth"
        )
    if frames == "all" and isinstance(source, EncodedSource):
        return FramesSource(source)
    return source


def _with_own_labels(source: Source, labels: str) -> Source:
    """The source, unless the user names a file of labels, for which it has no use."""
    if labels not in {AUTO, NONE}:
        raise ConfigError(
            "data.labels",
            labels,
            f"{source.name} has its own labels, or none. A file of labels is for a folder, zip,"
            " tar, .npy or .npz",
        )
    return source


def _open_path(data: str, split: str, labels: str) -> Source:
    path = expanded(data)
    if not is_address(data) and path.is_dir():
        return _open_folder(path, split, labels)
    if is_address(data) or not path.exists():
        return TarSource(data, _shards(data), split=split, labels=labels)
    if not path.is_file():
        raise DataError(f"{data}: not a regular file or folder")  # reading a pipe never ends
    match path.suffix.lower():
        case ".zip":
            return ZipSource(path, split=split, labels=labels)
        case ".npy" | ".npz":
            return open_array(path, split=split, labels=labels)
        case ".tar":
            return TarSource(str(path), [str(path)], split=split, labels=labels)
        case ".parquet":
            return _with_own_labels(open_parquet(path, split=split), labels)
    raise AssertionError(path)  # refused as another kind of file


def _open_folder(path: Path, split: str, labels: str) -> Source:
    """A folder of images, or of one of the formats that are opened as a whole."""
    if is_prepared(path) or (path / "data.mdb").is_file():
        refuse_split(split, str(path))
        opened = PreparedSource(path) if is_prepared(path) else LmdbSource(path)
        return _with_own_labels(opened, labels)
    refuse_run_folder(path)
    source = FolderSource(path, split=split, labels=labels)
    refuse_folder_of_runs(path, source)
    if len(source) == 0 and ".tar" in source.others:
        below = files_below(path)
        shards = [name for name in below if suffix(name) == ".tar" and not is_hidden(name)]
        if shards:
            urls = [str(path / name) for name in sorted(shards)]
            return TarSource(str(path), urls, split=split, labels=labels)
    if len(source) == 0 and ".parquet" in source.others:
        return _with_own_labels(open_parquet(path, split=split), labels)
    return source


def _shards(data: str) -> list[str]:
    """Every shard that a pattern names, with ``{000..099}`` and ``*`` expanded, in order."""
    patterns = _braces(data)
    found = [one for pattern in patterns for one in _matching(pattern, len(patterns) > 1)]
    if not found:
        raise SourceNotFound(f"{data}: no such file. Use the path or the address of shards")
    if all(suffix(one) in EXTENSIONS for one in found):
        raise DataError(f"{data}: these are images, not tar shards. Use their folder")
    return found


def _matching(pattern: str, is_one_of_many: bool) -> list[str]:
    if not is_address(pattern):
        pattern = str(expanded(pattern))
    if not glob.has_magic(pattern):
        # a missing shard of a range is reported by its name when it is opened
        is_there = is_one_of_many or is_address(pattern) or Path(pattern).exists()
        return [pattern] if is_there else []
    if not is_address(pattern):
        return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (may be absolute)
    import fsspec

    place(pattern)  # refuses addresses while offline
    try:
        system, path = fsspec.url_to_fs(pattern)
        return sorted(system.unstrip_protocol(one) for one in system.glob(path))
    except Exception as error:  # every kind of address has its own errors
        raise DataError(f"{pattern}: cannot be listed ({error})") from error


def _braces(pattern: str) -> list[str]:
    """Expand shell braces of numbers, ``a-{00..11}.tar``.

    >>> _braces("a-{08..10}.tar")
    ['a-08.tar', 'a-09.tar', 'a-10.tar']
    """
    match = re.fullmatch(r"(.*?)\{(\d{1,19})\.\.(\d{1,19})\}(.*)", pattern, re.ASCII | re.DOTALL)
    if match is None:
        return [pattern]
    before, first, last, after = match.groups()
    tails = _braces(after)
    if (int(last) - int(first)) * len(tails) >= _MOST_SHARDS:
        raise DataError(f"{pattern}: names more than {_MOST_SHARDS:,} shards")
    numbers = [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
    return [before + number + tail for number in numbers for tail in tails]
