"""Side files as tables: CSV, JSON, JSON lines and lists of words, read in bounded memory."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any, BinaryIO

from dcgan.errors import printable

TABLES = {".csv", ".tsv", ".txt", ".lst"}
LINES = {".jsonl", ".ndjson"}
ENDINGS = frozenset({*TABLES, *LINES, ".json"})
"""Of files that may hold labels."""

MOST_JSON = 2**26
"""Bytes of a JSON file, which takes up to 20 times as much memory when it is parsed."""

_LONGEST_LINE = 2**20
_HEAD = 1000  # rows that show what the columns are
_MOST_COLUMNS = 1000
_MISSING = {"", "nan", "null", "na", "n/a"}
_FILE, _LABEL = "file", "label"

OR_WINDOWS = "dcgan.or_windows_1252"
"""What ``decode`` does with bytes that are not UTF-8: they are letters as Excel on Windows writes
them in a CSV file."""


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(OR_WINDOWS, _as_windows)

Row = Sequence[str]


class NoTable(ValueError):
    """A file that is no table, with the reason."""


@dataclass
class Table:
    """Rows of text, of which the first 1,000 are kept.

    Attributes
    ----------
    columns : list of str or None
        Their names; None if the first row may hold them.
    replaces_folders : bool
        Whether the file replaces folders as classes (StyleGAN's ``dataset.json``).
    note : str
        What was left out, in words.
    """

    columns: list[str] | None
    head: list[Row]
    rest: Iterator[Row]
    replaces_folders: bool = False
    note: str = ""

    def rows(self) -> Iterator[Row]:
        """All rows, once."""
        return chain(self.head, self.rest)


def suffix(name: str) -> str:
    """How a file's name ends, in lower case.

    >>> suffix("a.b/Photo.JPG"), suffix("a.b/readme"), suffix(".hidden")
    ('.jpg', 'no suffix', 'no suffix')
    """
    file = name[name.rfind("/") + 1 :]
    dot = file.rfind(".")
    return file[dot:].lower() if 0 < dot < len(file) - 1 else "no suffix"


def read_table(ending: str, file: BinaryIO, size: int, *, in_order: bool = False) -> Table:
    """Read a file by its suffix, in lower case; it must stay open until the last row is read.

    Blank lines are skipped; with ``in_order``, those above the last row are rows without values.

    Raises
    ------
    NoTable
        With the reason. Reading further rows may raise it, too.
    """
    if ending == ".json":
        if size > MOST_JSON:
            raise NoTable(
                f"{size / 1e6:,.0f} MB. JSON may have at most {MOST_JSON / 1e6:,.0f} MB, CSV and"
                " JSONL any size"
            )
        return _of_json(_parsed(file.read(MOST_JSON + 1)))
    lines = _lines(file)
    if ending in LINES:
        return _of_records(_objects(lines))
    first = next(lines, None)
    if first is None:
        raise NoTable("it is empty")
    rows = _fields(chain([first], lines), _delimiter(first, ending))
    return _table(None, _up_to_the_last(rows) if in_order else filter(None, rows))


def cell(value: object) -> str:
    """A value as text, empty for no value: ``nan``, ``null``, lists and objects.

    >>> cell(3.0), cell(" red\\n"), cell("nan"), cell([1])
    ('3', 'red', '', '')
    """
    if isinstance(value, str):
        text = " ".join(value.split())
        if text.lower() in _MISSING:
            return ""
        whole, dot, zeros = text.partition(".")
        text = text if text.isprintable() else printable(text)
        is_whole = dot and zeros.strip("0") == "" and whole.lstrip("-").isdigit()
        return whole if is_whole else text
    if value is None or isinstance(value, dict | list | tuple):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return cell(str(value))


def _table(columns: list[str] | None, rows: Iterator[Row]) -> Table:
    return Table(columns, list(islice(rows, _HEAD)), rows)


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines as text, none of them longer than a megabyte."""
    start = file.read(4)
    encoding = "utf-8"
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if start.startswith(mark):
            start, encoding = start[len(mark) :], name
            break
    decoder = codecs.getincrementaldecoder(encoding)(
        OR_WINDOWS if encoding == "utf-8" else "replace"
    )
    text = decoder.decode(start)
    while True:
        *lines, text = text.split("\n")
        for line in lines:
            yield line.removesuffix("\r") + "\n"
        if len(text) > _LONGEST_LINE:
            raise NoTable("a line is longer than a megabyte")
        block = file.read(2**16)
        text += decoder.decode(block, final=not block)
        if not block:
            if text.strip():
                yield from (f"{line}\n" for line in text.split("\n"))
            return


def _delimiter(line: str, ending: str) -> str:
    """The most frequent of the usual ones; spaces only in plain text."""
    counts = {mark: line.count(mark) for mark in ",\t;|"}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] or ending not in {".txt", ".lst"} else " "


def _fields(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """The row of each line; empty for a blank one."""
    try:
        if delimiter == " ":
            yield from (line.split() for line in lines)
            return
        for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
            if len(row) > _MOST_COLUMNS:
                raise NoTable(f"{len(row):,} columns. At most {_MOST_COLUMNS:,} can be read")
            yield row
    except csv.Error as error:
        raise NoTable(f"not a readable table ({error})") from error


def _up_to_the_last(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows without the empty ones at the end."""
    empty = 0
    for row in rows:
        if not row:
            empty += 1
            continue
        yield from repeat((), empty)
        empty = 0
        yield row


def _objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            found = _parsed(line)
            if not isinstance(found, dict):
                raise NoTable(f"line {number} is no JSON object")
            yield found


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "nested too deeply"
        raise NoTable(f"not readable JSON ({reason})") from error


def _of_records(records: Iterator[dict[str, Any]]) -> Table:
    """Objects of one kind; the first 1,000 give the columns."""
    head = list(islice(records, _HEAD))
    columns = list(dict.fromkeys(str(key) for record in head for key in record))
    if not columns or len(columns) > _MOST_COLUMNS:
        raise NoTable("no objects with a few fields")
    return Table(
        columns,
        [_row(record, columns) for record in head],
        (_row(record, columns) for record in records),
    )


def _row(record: dict[str, Any], columns: Iterable[str]) -> Row:
    return [cell(record.get(column)) for column in columns]


def _of_json(found: Any) -> Table:
    """The layouts in use: see the guide."""
    if isinstance(found, dict):
        if isinstance(found.get("images"), list) and "annotations" in found:
            return _of_coco(found)
        if "labels" in found and _is_pairs(found["labels"]):
            return _of_stylegan(found["labels"] or [])
        lists = [value for value in found.values() if _is_records(value)]
        if len(lists) == 1:
            return _of_records(iter(lists[0]))
        if found and all(isinstance(value, dict) for value in found.values()):
            return _of_records({_FILE: name, **value} for name, value in found.items())
        rows = ((name, cell(value)) for name, value in found.items())
        return _table([_FILE, _LABEL], rows)
    if _is_records(found):
        return _of_records(iter(found))
    raise NoTable("JSON of no known layout")


def _is_records(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(one, dict) for one in found)


def _is_pairs(found: Any) -> bool:
    """Whether these are StyleGAN's labels: pairs, or none."""
    return found is None or (
        isinstance(found, list)
        and all(isinstance(one, list) and len(one) == 2 for one in found[:_HEAD])
    )


def _of_stylegan(pairs: list[Any]) -> Table:
    """``{"labels": [["00000/img00000000.png", 3], …]}``, or null (NVlabs/stylegan3)."""
    pairs = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    table = _table([_FILE, _LABEL], ((str(name), cell(value)) for name, value in pairs))
    table.replaces_folders = True
    if any(isinstance(value, list | dict) for _, value in pairs[:_HEAD]):
        table.note = "its labels are lists of numbers, not classes"
    return table


def _of_coco(found: dict[str, Any]) -> Table:
    """Images, their annotations and the categories of those (cocodataset.org, format-data).

    An image has a row for each annotation, the largest first.
    """
    try:
        names = {one["id"]: str(one["file_name"]) for one in found["images"]}
        categories = {one["id"]: cell(one["name"]) for one in found.get("categories") or []}
        annotations = sorted(found["annotations"], key=_area, reverse=True)
        rows = [
            (names[one["image_id"]], categories.get(one["category_id"], cell(one["category_id"])))
            for one in annotations
            if one.get("image_id") in names and "category_id" in one
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoTable(f"like COCO's layout, but damaged ({error!r})") from error
    return _table([_FILE, _LABEL], iter(rows))


def _area(annotation: dict[str, Any]) -> float:
    """Of an annotation's box or mask; 0 where it has none."""
    box = annotation.get("bbox")
    if isinstance(box, list) and len(box) == 4:
        return float(box[2]) * float(box[3])
    return float(annotation.get("area") or 0)
