"""Datasets of the Hugging Face hub, and Parquet files in its format."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcgan.data.labels.hub_columns import read_hub_columns
from dcgan.data.labels.splits import choose_files, refuse_split
from dcgan.data.labels.tables import suffix
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.image_folder import files_below
from dcgan.data.sources.named import Request
from dcgan.data.sources.paths import digest, file_stamp, is_hidden, unreadable
from dcgan.errors import ConfigError, DataError, SourceNotFound, UnreadableImage
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.changes import state_of
from dcgan.runtime.network import offline
from dcgan.runtime.shell import install
from dcgan.runtime.split_names import ALL, AUTO, canonical

_CACHES = {
    "HF_HUB_CACHE": "files",
    "HF_XET_CACHE": "xet",
    "HF_ASSETS_CACHE": "assets",
    "HF_DATASETS_CACHE": "datasets",
    "HF_MODULES_CACHE": "modules",
}
"""Folders of the library in our cache; the user's login stays where it is."""

_LONGEST_MESSAGE = 300


def open_hub(request: Request) -> HubSource:
    """Images of a dataset on the hub, downloaded into the cache once.

    The name is ``hub:OWNER/NAME[:SPLIT][:COLUMN]``, or ``hub:OWNER/NAME/CONFIG`` for one of several
    configurations. The default split is ``train``, or the only one; ``all`` joins all splits. The
    column may be left out where only one holds images.

    Raises
    ------
    SourceNotFound
        A malformed address; no such dataset, split or column; or no network, and the dataset is
        not in the cache.
    DataError
        No images, or several columns of them; or the package ``datasets`` is missing.
    """
    data, wanted = request.name, request.split
    address, split, column = ([*data.removeprefix("hub:").split(":"), "", ""])[:3]
    parts = address.split("/")
    if data.count(":") not in {1, 2, 3} or len(parts) not in {2, 3} or not all(parts):
        raise SourceNotFound(
            f"{data}: must be hub:OWNER/NAME[/CONFIG][:SPLIT][:COLUMN], such as hub:ylecun/mnist"
        )
    name = "/".join(parts[:2])
    with _library(data) as library:
        if Path(name).exists():  # the library would read it as a path
            name = f"hf://datasets/{name}"
        splits = library.load_dataset(
            name, *parts[2:], cache_dir=str(cache_folder() / "hub" / "datasets")
        )
        split = split or ("" if wanted == AUTO else wanted)
        split = split or ("train" if "train" in splits or len(splits) != 1 else next(iter(splits)))
        if split == ALL and ALL not in splits:
            rows = library.concatenate_datasets(list(splits.values()))
        else:
            same = [split, *(one for one in splits if canonical(one) == canonical(split))]
            rows = next((splits[one] for one in same if one in splits), None)
            if rows is None:
                known = ", ".join(splits)
                raise SourceNotFound(f"{data}: no split {split}. The splits are {known}")
    return HubSource(data, rows, column, f"hub:{address}:{split}:COLUMN")


def open_parquet(path: Path, *, split: str = AUTO) -> HubSource:
    """Images of a Parquet file, or of all those in a folder in order of their names.

    The rows are copied into the cache once, for access to single rows. Names of files or folders
    may contain splits, such as ``train-00000-of-00002.parquet``. The name of a column in place of
    a split chooses among several columns of images.

    Raises
    ------
    DataError
        As for :func:`open_hub`; or no Parquet file, or a damaged one.
    ConfigError
        Neither a split nor a column has that name.
    """
    files = [path]
    if path.is_dir():
        below = sorted(name for name in files_below(path) if suffix(name) == ".parquet")
        files = [path / name for name in below if not is_hidden(name)]
    if not files:
        raise DataError(f"{path}: holds no .parquet file")
    column = ""
    try:
        kept, notes = _of_split(files, split, path)
    except ConfigError as error:  # it may be the column of FILE.parquet:COLUMN
        kept, notes = _of_split(files, AUTO, path)
        columns, column = _columns(kept[0]), split
        if column not in columns:
            listed = f"The columns are {', '.join(columns)}"
            raise ConfigError("data.split", split, f"{error.problem}. {listed}") from None
    # the library compares only a file's path and time of modification
    state = digest(map(state_of, map(Path, kept)))
    with _library(str(path)) as library:
        rows = library.Dataset.from_parquet(
            kept, cache_dir=str(cache_folder() / "hub" / "datasets" / state)
        )
    base = path if path.is_dir() else path.parent
    return HubSource(str(path), rows, column, f"{path}:COLUMN", base, notes)


def _of_split(files: Sequence[Path], split: str, path: Path) -> tuple[list[str], list[str]]:
    """The files of a split, and notes; raises ``ConfigError`` without that split."""
    kept, notes, has_splits = choose_files([str(file) for file in files], split, str(path))
    if not has_splits:
        refuse_split(split, str(path))
    return kept, notes


def _columns(file: str) -> list[str]:
    """The columns of a Parquet file, from its header."""
    with _library(file):
        from pyarrow.parquet import read_schema

        return list(read_schema(file).names)


class HubSource(EncodedSource):
    """The images in one column of a table; columns of classes become labels.

    Columns of classes are declared by the table, or hold few distinct words or whole numbers.
    Columns with missing values are ignored.

    Parameters
    ----------
    rows : datasets.Dataset
    column : str
        The column of images; empty for the only one.
    syntax : str
        How a user chooses a column, for messages.
    base : Path, optional
        Folder of files that rows name instead of holding them.
    """

    def __init__(
        self,
        name: str,
        rows: Any,
        column: str,
        syntax: str,
        base: Path | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        column = _image_column(name, rows.features, column, syntax)
        labels, refused = read_hub_columns(rows)
        super().__init__(name, labels=labels, notes=[*notes, *refused])
        self._column = rows.data.column(column)
        self._files = [Path(file["filename"]) for file in rows.cache_files]
        self._base = base or Path()
        self._title = column

    def __len__(self) -> int:
        return len(self._column)

    def fetch(self, index: int) -> bytes:
        try:
            value = self._column[index].as_py()
            if isinstance(value, dict):
                data, path = value.get("bytes"), value.get("path")
                value = data if data or not path else self._read_file(path)
        except OSError as error:
            raise unreadable(error, error.strerror or "cannot be read") from error
        except ValueError as error:  # what pyarrow's errors derive from
            raise UnreadableImage(f"damaged in the table: {error}") from error
        if not value:
            raise UnreadableImage("this row holds no image")
        return bytes(value)

    def title(self, index: int) -> str:
        return f"{self._title}[{index}]"

    def stamp(self) -> str | None:
        if not self._files or self._names_files():
            return None
        # the library names these files after what they were made from
        return digest((self._title, file_stamp(self._files)))

    def _names_files(self) -> bool:
        """Whether images are in other files, where they may change unnoticed."""
        return str(self._column.type).startswith("struct") and any(
            chunk.field("bytes").null_count for chunk in self._column.chunks
        )

    def _read_file(self, path: str) -> bytes:
        """A file that a row names, next to the table or in the cache."""
        file = self._base / path
        if not file.is_file():
            raise UnreadableImage(f"this row names the file {path}, which does not exist")
        return file.read_bytes()


def _image_column(name: str, features: Any, wanted: str, syntax: str) -> str:
    """The column of encoded images; raises ``DataError`` without exactly one."""
    found = _image_columns(features)
    if wanted in found:
        return wanted
    if wanted and wanted not in features:
        raise SourceNotFound(f"{name}: no column {wanted}. The columns are {', '.join(features)}")
    if wanted:
        raise DataError(
            f"{name}: column {wanted} holds {_kind(features[wanted])}, not encoded images"
        )
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{name}: images in the columns {', '.join(found)}. Choose one of them: {syntax}"
        )
    columns = ", ".join(f"{column} ({_kind(features[column])})" for column in features)
    raise DataError(
        f"{name}: no column holds encoded images. The columns are {columns}. Save arrays as a .npy"
        " file"
    )


def _image_columns(features: Any) -> list[str]:
    """Columns declared as images; else those of bytes with a path; else those of bytes."""
    by_kind: tuple[list[str], list[str], list[str]] = ([], [], [])
    for column, feature in features.items():
        if _kind(feature) == "Image":
            by_kind[0].append(column)
        elif isinstance(feature, dict) and "bytes" in feature:
            by_kind[1].append(column)
        elif getattr(feature, "dtype", "") in {"binary", "large_binary"}:
            by_kind[2].append(column)
    return next((columns for columns in by_kind if columns), [])


def _kind(feature: Any) -> str:
    kind = type(feature).__name__
    return str(feature.dtype) if kind == "Value" else kind


@contextmanager
def _library(data: str) -> Iterator[Any]:
    """The optional package of the extra ``hub``, silenced, with its errors in one line."""
    for variable, folder in _CACHES.items():  # read when it is imported, so this comes before
        os.environ.setdefault(variable, str(cache_folder() / "hub" / folder))
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{data}: needs the package datasets. Install it: {install('hub')}"
        ) from error
    try:
        with _configured(datasets):
            yield datasets
    except DataError:
        raise
    except ConnectionError as error:
        why = "DCGAN_OFFLINE is set" if offline() else "no network?"
        raise SourceNotFound(
            f"{data}: the hub cannot be reached ({why}), and the dataset is not in"
            f" {cache_folder()}/hub. Download it once with a network, or use a .parquet file"
        ) from error
    except Exception as error:  # the library raises errors of many kinds
        reason = error.__cause__ or error  # the outer error may give no reason
        message = " ".join(str(reason).split())[:_LONGEST_MESSAGE] or type(reason).__name__
        kind = SourceNotFound if isinstance(error, FileNotFoundError) else DataError
        raise kind(f"{data}: {message}") from error


@contextmanager
def _configured(datasets: Any) -> Iterator[None]:
    """The library without progress bars and log, and offline if this package is."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels, had_bars = [one.level for one in loggers], datasets.are_progress_bars_disabled()
    was_offline = datasets.config.HF_HUB_OFFLINE  # its variable is read only when it is imported
    datasets.config.HF_HUB_OFFLINE = was_offline or offline()
    datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = was_offline
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if not had_bars:
            datasets.enable_progress_bars()
