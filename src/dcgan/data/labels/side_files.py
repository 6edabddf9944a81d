"""Labels from files beside the images: which are read, and what they say.

Layouts that are read: tables with a column that names images (CSV, TSV, text, JSON lines; among
them Kaggle's, and ``metadata.csv`` and ``metadata.jsonl`` of the Hugging Face hub), StyleGAN's
``dataset.json``, COCO's annotations, and JSON that maps names to classes.
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

_CHUNK = 2**16
"""Rows that are looked up in one go."""

_COLUMN_BYTES = 2**30
"""What all columns of a table may take in memory."""

_MOST_TRIED, _MOST_OF_A_GROUP = 30, 200
"""Files that are looked into: many more are no tables of labels."""

_MOST_NAMED = 5

_TELLING = (
    *("dataset.json", "metadata.", "label", "class", "attr", "annot", "target", "categor"),
    *("train", "data", "index"),
)
"""Parts of the names of files with labels, the most telling first."""

_LOOKS_LIKE_LABELS = 8
"""So many of these are worth a line when they are not read."""

_LESS_TELLING = ("bbox", "landmark", "partition", "submission", "split", "readme", "license")

_NAMING = ("file", "image", "img", "path", "name", "id")
"""Parts of the names of columns that name images; the first columns are looked at anyway."""

_FIRST_COLUMNS = 10
_ENOUGH = 0.9
"""Share of a table's first rows that settles which column names images."""

_CURE = (
    "give a CSV, TSV, JSON or JSONL file with a column of the images' names and a column of"
    " classes, or leave it out"
)


@dataclass(frozen=True)
class SideFile:
    """A file beside the images.

    Attributes
    ----------
    name : str
        Its path within the collection.
    size : int
        In bytes.
    open : callable
        Gives a context with its content.
    """

    name: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


@dataclass
class SideLabels:
    """What side files tell.

    Attributes
    ----------
    reading : Reading or None
        Labels of the images; None where no file gives any.
    settles : bool
        Whether folders are no classes, whatever the files say.
    notes : list of str
    """

    reading: Reading | None = None
    settles: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scope:
    """The images that a side file may tell about.

    Attributes
    ----------
    rows : int64 (M,)
    base : str
        The folder from which it counts paths, with a ``/`` at the end; empty for the root.
    """

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
    """Labels from the file that most looks like holding them.

    Parameters
    ----------
    files : sequence of SideFile
        All that may hold some.
    names : sequence of str
        Paths of all images.
    scope_of : callable
        Of a file's name.
    rows : int64 (M,)
        The images that are used.
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
    """Labels from the file that a user names.

    Raises
    ------
    ConfigError
        It cannot be read, or tells no classes of these images.
    """
    result, columns = SideLabels(settles=True), dict[str, Column]()
    try:
        with file.open() as content:
            table = read_table(suffix(file.name), content, file.size)
            match = _match(table, ImageIndex(names, rows))
            if match is None:
                raise NoTable("no column names the images")
            _fill(columns, match, ImageIndex(names, rows), len(names))
    except (NoTable, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError("data.labels", file.name, f"{reason}; {_CURE}") from error
    _take(columns, rows, file.name, result)
    if result.reading is None:
        told = result.notes[0].removeprefix(f"{file.name}: ") if result.notes else ""
        reason = told or "no column beside the images' names"
        raise ConfigError("data.labels", file.name, f"{reason}; {_CURE}")
    return result


def _read_one(
    file: SideFile,
    names: Sequence[str],
    scope: Scope,
    columns: dict[str, Column],
    result: SideLabels,
) -> None:
    """Fill columns from a file; once another gave labels, only say that this one has some, too."""
    index = ImageIndex(names, scope.rows, scope.base)
    try:
        with file.open() as content:
            table = read_table(suffix(file.name), content, file.size)
            result.settles |= table.settles
            match = _match(table, index)
            if match is None:
                if looks_telling(file.name) and table.head:
                    result.notes.append(
                        f"{file.name} is not read as labels: no column names the images"
                    )
            elif result.reading is not None:
                result.notes.append(f"{file.name} is not read: labels come from another file")
            else:
                _fill(columns, match, index, len(names))
            if table.note:
                result.notes.append(f"{file.name} is not read as labels: {table.note}")
    except (NoTable, OSError) as error:
        if looks_telling(file.name):
            result.notes.append(f"{file.name} is not read as labels: {error}")


def _match(table: Table, index: ImageIndex) -> _Match | None:
    """The column that names most images, and how; None where none does."""
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
    """Put every row of a table at the image that it names."""
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
        shortest = min(map(len, rows), default=0)
        for place, column in others:
            if not column.trouble:
                texts = (
                    [row[place] for row in rows]
                    if place < shortest
                    else ([_at(row, place) for row in rows])
                )
                column.put(found[places], texts)


def _take(
    columns: dict[str, Column], rows: NDArray[np.int64], name: str, result: SideLabels
) -> None:
    reading = read_columns(columns, rows)
    if reading.refused:
        refused = ", ".join(reading.refused[:_MOST_NAMED])
        more = ", …" if len(reading.refused) > _MOST_NAMED else ""
        result.notes.append(f"{name}: not read as classes: {refused}{more}")
    if reading.labels:
        result.reading = reading
        result.notes.append(f"labels from {name}: {_in_words(reading)}")


def _in_words(reading: Reading) -> str:
    """Such as ``2 classes (blue, red)``."""
    if len(reading.labels) == 1:
        (labels,) = reading.labels.values()
        return f"{len(labels.names):,} classes ({listed(labels.names)})"
    return f"{len(reading.labels):,} factors ({listed(list(reading.labels))})"


def listed(words: Sequence[str], most: int = _MOST_NAMED) -> str:
    """The first of many words."""
    return ", ".join(words[:most]) + (", …" if len(words) > most else "")


def _rank(name: str) -> int:
    """How much a file's name says that it holds labels: less is more."""
    short = "/".join(name.lower().split("/")[-2:])
    if any(word in short for word in _LESS_TELLING):
        return len(_TELLING) + 1
    return next((rank for rank, word in enumerate(_TELLING) if word in short), len(_TELLING))


def looks_telling(name: str) -> bool:
    """Whether a file is worth a line when it is not read."""
    return _rank(name) < _LOOKS_LIKE_LABELS


def _group(name: str) -> str:
    """The same for files that tell the same of different splits or folders."""
    words = split_of(name.rpartition("/")[2].rpartition(".")[0])[1]
    return " ".join(words) + suffix(name)


def _at(row: Row, place: int) -> str:
    return row[place] if place < len(row) else ""
