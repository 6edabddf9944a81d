"""DATA as the user gives it: a path, an address, or a name."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dcgan.data.decode import EXTENSIONS
from dcgan.data.prepared import is_prepared
from dcgan.data.sources.arrays import open_array
from dcgan.data.sources.base import EncodedSource, Source
from dcgan.data.sources.celeba import open_celeba
from dcgan.data.sources.cifar10 import open_cifar10
from dcgan.data.sources.digits import open_digits
from dcgan.data.sources.frames import FramesSource
from dcgan.data.sources.hub import open_hub, open_parquet
from dcgan.data.sources.idx import open_idx
from dcgan.data.sources.image_folder import FolderSource, files_below
from dcgan.data.sources.lsun import LmdbSource, open_lsun
from dcgan.data.sources.paths import is_hidden, suffix
from dcgan.data.sources.prepared import PreparedSource
from dcgan.data.sources.run_folders import refuse_folder_of_runs, refuse_run_folder
from dcgan.data.sources.shapes import ShapesSource
from dcgan.data.sources.splits import refuse_split
from dcgan.data.sources.tar import TarSource
from dcgan.data.sources.tar_index import place
from dcgan.data.sources.zips import ZipSource
from dcgan.errors import ConfigError, DataError, SourceNotFound
from dcgan.runtime.arguments import is_address, is_name, refuse_no_data
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked
from dcgan.runtime.split_names import ALL, AUTO, NONE, canonical, with_split

_WITH_TEST = ("mnist", "fashion-mnist", "cifar10", "celeba")
"""Named sets that have a split ``test``."""

_MADE: dict[str, Callable[[], Source]] = {"digits": open_digits, "shapes": ShapesSource}

_MOST_SHARDS = 1_000_000

_Named = Callable[[str, Path | None, Reporter], Source]
_NAMED: dict[str, tuple[tuple[str, ...], _Named]] = {
    "mnist": (("train", "test"), partial(open_idx, "mnist")),
    "fashion-mnist": (("train", "test"), partial(open_idx, "fashion-mnist")),
    "cifar10": (("train", "test"), open_cifar10),
    "celeba": (("train", "valid", "test", "all"), lambda split, root, _: open_celeba(split, root)),
}
"""Splits, the first of which is the default, and who opens them."""


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
    """Open a collection of pictures.

    Parameters
    ----------
    data : str or path
        The path of a folder, a ``.zip``, ``.tar``, ``.npy``, ``.npz`` or ``.parquet`` file; a
        pattern or an address of tar shards (``shards/{000..099}.tar``, ``s3://…/*.tar``); or a
        name: ``digits``, ``shapes``, ``mnist``, ``fashion-mnist``, ``cifar10``, ``celeba``,
        ``lsun/CATEGORY``, ``hub:OWNER/NAME``. Names and paths take a split: ``mnist:test``,
        ``photos:val``.
    root : path, optional
        Folder in which named sets lie; default: the variable ``DCGAN_DATA``.
    frames : {"first", "all"}
        What animated pictures give.
    split : str, default "auto"
        ``train``, ``val``, ``test``, another one that is there, or ``all``; ``auto`` is ``train``
        where there are splits.
    labels : str, default "auto"
        ``auto``: what lies beside the pictures; ``none``; or a file.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    SourceNotFound
        Neither a known name nor an existing path.
    DataError
        A path that holds no picture, or a damaged file.
    ConfigError
        A split that is not there, or a file of labels that cannot be read.
    """
    data = os.fspath(data)
    refuse_no_data(data)
    known = _data_root(root)
    data, split = with_split(data, split)
    if is_name(data):
        source = _open_name(data, known, reporter, split)
        _refuse_label_file(source, labels)
    else:
        source = _open_path(data, split, labels)
    if labels == NONE:
        source.labels.clear()
    if len(source) == 0:
        raise DataError(
            f"{data}: holds no picture (other files: {_others(source)}); wants files such as"
            " .png, .jpg or .webp at any depth"
        )
    if frames == "all" and isinstance(source, EncodedSource):
        return FramesSource(source)
    return source


def _refuse_label_file(source: Source, labels: str) -> None:
    if labels not in {AUTO, NONE}:
        raise ConfigError(
            "data.labels",
            labels,
            f"{source.name} has labels of its own, or none; a file goes with a folder, zip, tar,"
            " .npy or .npz",
        )


def _data_root(root: StrPath | None) -> Path | None:
    given = root or os.environ.get("DCGAN_DATA")
    return expanded(given) if given else None


def _open_name(data: str, root: Path | None, reporter: Reporter, split: str) -> Source:
    name = data.partition(":")[0]
    if name == "hub":
        return open_hub(data, split)
    asked = "" if split == AUTO else split
    if name.startswith("lsun"):
        return open_lsun(name.partition("/")[2], canonical(asked) or "train", root)
    if name in _MADE:
        if asked not in {"", ALL}:
            raise SourceNotFound(f"{data}:{split}: {name} has no splits; say {name}")
        return _MADE[name]()
    splits, open_named = _NAMED[name]
    found = next((one for one in splits if canonical(one) == canonical(asked)), "")
    if asked and not found:
        listed = f"{', '.join(splits[:-1])} and {splits[-1]}"
        raise SourceNotFound(f"{data}:{split}: the splits are {listed}")
    return open_named(found or splits[0], root, reporter)


def _open_path(data: str, split: str, labels: str) -> Source:
    path = expanded(data)
    if not is_address(data) and path.is_dir():
        return _open_folder(path, split, labels)
    if is_address(data) or not path.exists():
        return TarSource(data, _shards(data), split=split, labels=labels)
    if not path.is_file():
        raise DataError(f"{data}: not a regular file or folder")  # a pipe would never end
    match path.suffix.lower():
        case ".zip":
            return ZipSource(path, split=split, labels=labels)
        case ".npy" | ".npz":
            return open_array(path, split=split, labels=labels)
        case ".tar":
            return TarSource(str(path), [str(path)], split=split, labels=labels)
        case ".parquet":
            return _without_file(open_parquet(path, split=split), labels)
    raise DataError(
        f"{data}: not a folder, .zip, .tar, .npy, .npz or .parquet; put single pictures into a"
        " folder, and unpack compressed archives"
    )


def _open_folder(path: Path, split: str, labels: str) -> Source:
    """A folder of pictures, unless it holds something that is opened as a whole."""
    if is_prepared(path) or (path / "data.mdb").is_file():
        refuse_split(split, str(path))
        opened = PreparedSource(path) if is_prepared(path) else LmdbSource(path)
        return _without_file(opened, labels)
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
        return _without_file(open_parquet(path, split=split), labels)
    return source


def _without_file(source: Source, labels: str) -> Source:
    _refuse_label_file(source, labels)
    return source


def _shards(data: str) -> list[str]:
    """Every shard that a pattern names, ``{000..099}`` and ``*`` filled in, in order."""
    patterns = _braces(data)
    found = [one for pattern in patterns for one in _matching(pattern, len(patterns) > 1)]
    if not found:
        raise SourceNotFound(f"{data}: no such file. Give the path or the address of shards")
    if all(suffix(one) in EXTENSIONS for one in found):
        raise DataError(f"{data}: names pictures, not tar shards; give their folder")
    return found


def _matching(pattern: str, is_one_of_many: bool) -> list[str]:
    if not is_address(pattern):
        pattern = str(expanded(pattern))
    if not glob.has_magic(pattern):
        # one that a range of numbers promises is missed by its name when it is opened
        is_there = is_one_of_many or is_address(pattern) or Path(pattern).exists()
        return [pattern] if is_there else []
    if not is_address(pattern):
        return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 (may be absolute)
    import fsspec

    place(pattern)  # refuses what may not be asked
    try:
        system, path = fsspec.url_to_fs(pattern)
        return sorted(system.unstrip_protocol(one) for one in system.glob(path))
    except Exception as error:  # every kind of address has errors of its own
        raise DataError(f"{pattern}: cannot be listed ({error})") from error


def _braces(pattern: str) -> list[str]:
    """Shell braces of numbers, ``a-{00..11}.tar``, filled in.

    >>> _braces("a-{08..10}.tar")
    ['a-08.tar', 'a-09.tar', 'a-10.tar']
    """
    before, brace, rest = pattern.partition("{")
    inner, closing, after = rest.partition("}")
    first, dots, last = inner.partition("..")
    if not (brace and closing and dots and _is_number(first) and _is_number(last)):
        return [pattern]
    tails = _braces(after)
    if (int(last) - int(first)) * len(tails) >= _MOST_SHARDS:
        raise DataError(f"{pattern}: names more than {_MOST_SHARDS:,} shards")
    numbers = [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
    return [before + number + tail for number in numbers for tail in tails]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _others(source: Source) -> str:
    """Such as ``2 .heic, 1 .txt``, the most frequent first."""
    most = sorted(source.others.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{count:,} {end}" for end, count in most) or "none"


def named_test_of(data: str) -> str | None:
    """The test split that belongs to a named training set.

    >>> named_test_of("mnist"), named_test_of("cifar10:train"), named_test_of("digits")
    ('mnist:test', 'cifar10:test', None)
    """
    name, _, split = data.partition(":")
    return f"{name}:test" if name in _WITH_TEST and split in {"", "train"} else None
