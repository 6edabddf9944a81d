"""Labels from files next to the images: which are read, and what they contain.

Layouts: tables with a column that names images (CSV, TSV, text, JSON lines; among them Kaggle's,
and ``metadata.csv`` and ``metadata.jsonl`` of the Hugging Face hub), StyleGAN's ``dataset.json``,
COCO's annotations, and JSON that maps names to classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels.columns import MOST_FACTORS, Column, Reading, read_columns
from dcgan.data.labels.image_index import FORMS, Form, ImageIndex
from dcgan.data.labels.splits import split_of
from dcgan.data.labels.tables import NoTable, Row, Table, cell, read_table, suffix
from dcgan.errors import ConfigError
from dcgan.runtime.wording import counted

_CHUNK = 2**16  # rows looked up at once
_COLUMN_BYTES = 2**30  # of all columns of a table in memory
_MOST_TRIED, _MOST_OF_A_GROUP = 30, 200
"""Files that are opened: many more are no tables of labels."""

_MOST_NAMED = 5

_LIKELY = (
    *("dataset.json", "metadata.", "label", "class", "attr", "annot", "target", "categor"),
    *("train", "data", "index"),
)
"""Parts of the names of files with labels, the most likely first."""

_LOOKS_LIKE_LABELS = 8
"""A file with one of the first 8 is worth a note when it is not read."""

_UNLIKELY = ("bbox", "landmark", "partition", "submission", "split", "readme", "license")

_NAMING = ("file", "image", "img", "path", "name", "id")
"""Parts of the names of columns that name images; the first 10 columns are tried anyway."""

_FIRST_COLUMNS = 10
_ENOUGH = 0.9
"""Share of a table's first rows from which on no looser form is tried."""

_CURE = "Use a CSV, TSV, JSON or JSONL file with a column of image names and one of classes"


@dataclass(frozen=True)
class SideFile:
    """A file that may hold labels: its path within the dataset, its size in bytes, and a function
    that opens it."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


@dataclass
class SideLabels:
    """Labels from side files; with ``replaces_folders``, folders are no classes."""

    reading: Reading | None = None
    replaces_folders: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scope:
    """The images that a side file may describe, and the folder to which its paths are relative,
    such as ``train/``."""

    rows: NDArray[np.int64]
    base: str = ""


@dataclass
class _Match:
    """How a table names images."""

    column: int
    form: Form
    columns: list[str]
    rows: Iterator[Row]


def read_side_files(
    files: Sequence[SideFile],
    names: Sequence[str],
    scope_of: Callable[[str], Scope],
    rows: NDArray[np.int64],
) -> SideLabels:
    """Read the labels of the images ``rows`` from the file that most likely holds them.

    ``scope_of`` gives the images that a file may describe, by its name.
    """
    result = SideLabels()
    groups: dict[str, list[SideFile]] = {}
    for file in sorted(files, key=lambda one: (_rank(one.name), one.name.count("/"), one.name)):
        groups.setdefault(_group(file.name), []).append(file)
    for group in islice(groups.values(), _MOST_TRIED):
        columns: dict[str, Column] = {}
        for file in group[:_MOST_OF_A_GROUP]:
            scope = scope_of(file.name)
            if len(scope.rows):
                _read_one(file, names, scope, columns, result)
        if columns and result.reading is None:
            more = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
            _take(columns, rows, group[0].name + more, result)
    return result


def read_given_file(file: SideFile, names: Sequence[str], rows: NDArray[np.int64]) -> SideLabels:
    """Read labels from the file that a user names; raises ``ConfigError`` if it has none."""
    result, columns = SideLabels(replaces_folders=True), dict[str, Column]()
    try:
        with file.open() as content:
            table = read_table(suffix(file.name), content, file.size)
            index = ImageIndex(names, rows)
            match = _match(table, index)
            if match is None:
                raise NoTable("no column names the images")
            _fill(columns, match, index, len(names))
    except (NoTable, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError("data.labels", file.name, f"{reason}. {_CURE}") from error
    _take(columns, rows, file.name, result)
    if result.reading is None:
        reason = result.notes[0].removeprefix(f"{file.name}: ") if result.notes else ""
        reason = reason or "no column besides the image names"
        raise ConfigError("data.labels", file.name, f"{reason}. {_CURE}")
    return result


def _read_one(
    file: SideFile,
    names: Sequence[str],
    scope: Scope,
    columns: dict[str, Column],
    result: SideLabels,
) -> None:
    """Fill columns from a file, or only note that it has labels if another file provided them."""
    index = ImageIndex(names, scope.rows, scope.base)
    problem = ""
    try:
        with file.open() as content:
            table = read_table(suffix(file.name), content, file.size)
            result.replaces_folders |= table.replaces_folders
            match = _match(table, index)
            if match is None:
                problem = "no column names the images" if table.head else ""
            elif result.reading is not None:
                result.notes.append(f"{file.name} is not read: labels come from another file")
            else:
                _fill(columns, match, index, len(names))
            if table.note:
                result.notes.append(f"{file.name} is not read as labels: {table.note}")
    except (NoTable, OSError) as error:
        problem = str(error)
    if problem and may_hold_labels(file.name):
        result.notes.append(f"{file.name} is not read as labels: {problem}")


def _match(table: Table, index: ImageIndex) -> _Match | None:
    """The column that names most images, and how; None if no column does."""
    head = table.head
    if not head:
        return None
    width = max(len(row) for row in head)
    likely = [
        number
        for number in range(width)
        if number < _FIRST_COLUMNS
        or any(word in _at(table.columns or head[0], number).lower() for word in _NAMING)
    ]
    best = 0, 0, FORMS[0]
    for form in FORMS:
        for number in likely:
            found = index.find(form, (_at(row, number) for row in head))
            times = len(np.unique(found[found >= 0]))
            # any count matches some numbers
            if times > best[0] and (form != "number" or 2 * times > min(len(head), len(index))):
                best = times, number, form
        if best[0] >= _ENOUGH * min(len(head), len(index)):
            break
    times, number, form = best
    if not times:
        return None
    columns, rows = table.columns, table.rows()
    if columns is None and index.find(form, [_at(head[0], number)])[0] < 0:
        columns = [cell(name) for name in next(rows)]
    named = [
        (columns[place] if columns and place < len(columns) else "") or f"column {place + 1}"
        for place in range(width)
    ]
    return _Match(number, form, named, rows)


def _fill(columns: dict[str, Column], match: _Match, index: ImageIndex, count: int) -> None:
    """Put the values of every row of a table into columns, at the image that it names."""
    most = min(MOST_FACTORS, _COLUMN_BYTES // (2 * max(count, 1)))
    others = [
        (place, columns.setdefault(name, Column(count)))
        for place, name in enumerate(match.columns)
        if place != match.column and (name in columns or len(columns) < most)
    ]
    while chunk := list(islice(match.rows, _CHUNK)):
        found = index.find(match.form, (_at(row, match.column) for row in chunk))
        places = np.flatnonzero(found >= 0)
        rows = [chunk[place] for place in places.tolist()]
        for place, column in others:
            if not column.trouble:
                column.put(found[places], [_at(row, place) for row in rows])


def _take(
    columns: dict[str, Column], rows: NDArray[np.int64], name: str, result: SideLabels
) -> None:
    reading = read_columns(columns, rows)
    if reading.refused:
        result.notes.append(f"{name}: not read as classes: {listed(reading.refused)}")
    if reading.labels:
        result.reading = reading
        result.notes.append(f"labels from {name}: {_in_words(reading)}")


def _in_words(reading: Reading) -> str:
    """Such as ``2 classes (blue, red)``."""
    if len(reading.labels) == 1:
        (labels,) = reading.labels.values()
        return f"{counted(len(labels.names), 'class', 'classes')} ({listed(labels.names)})"
    return f"{len(reading.labels):,} factors ({listed(list(reading.labels))})"


def listed(words: Sequence[str], most: int = _MOST_NAMED) -> str:
    """The first of many words, such as ``red, blue, …``."""
    return ", ".join(words[:most]) + (", …" if len(words) > most else "")


def _rank(name: str) -> int:
    """How likely a file holds labels, by its name: lower is more likely."""
    short = "/".join(name.lower().split("/")[-2:])
    if any(word in short for word in _UNLIKELY):
        return len(_LIKELY) + 1
    return next((rank for rank, word in enumerate(_LIKELY) if word in short), len(_LIKELY))


def may_hold_labels(name: str) -> bool:
    """Whether a file is worth a note when it is not read."""
    return _rank(name) < _LOOKS_LIKE_LABELS


def _group(name: str) -> str:
    """The same text for files about different splits or folders."""
    words = split_of(name.rpartition("/")[2].rpartition(".")[0])[1]
    return " ".join(words) + suffix(name)


def _at(row: Row, place: int) -> str:
    return row[place] if place < len(row) else ""
