"""Which arrays of an ``.npz`` file are images, of which split, and which are their labels.

N images · K classes
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from dcgan.data.labels.columns import (
    MOST_FACTORS,
    Column,
    Reading,
    class_texts,
    is_label_word,
    read_columns,
)
from dcgan.data.labels.side_files import listed
from dcgan.data.labels.splits import choose, in_order, refuse_split, split_of, splits_note
from dcgan.data.labels.tables import Row, cell, read_table
from dcgan.errors import ConfigError

_IMAGE_WORDS = ("images", "image", "imgs", "img", "x", "pictures", "faces", "data")
"""Names of arrays of images, the most certain first; else the first array of 3 or 4 axes."""

_NUMBERS = "buif"

_CURE = "Use a NumPy, CSV, TSV, JSON or JSONL file with a label for each image in order"


_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Compressions that NumPy writes; of others ``zipfile`` unpacks gigabytes to read a header."""

_HEADER_BYTES = 16_384
"""No header that NumPy reads is longer."""


@dataclass(frozen=True)
class Header:
    """Shape and type of an array, read without its values."""

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    split: str | None = None
    words: tuple[str, ...] = ()

    @property
    def may_be_images(self) -> bool:
        return len(self.shape) in {3, 4} and self.dtype.kind in _NUMBERS

    @property
    def may_be_labels(self) -> bool:
        """Whether its name says so."""
        return not self.may_be_images and any(is_label_word(word) for word in self.words)


@dataclass
class Chosen:
    """Keys of the arrays of images to read, and of the labels of each by factor."""

    images: list[str] = field(default_factory=list)
    labels: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_headers(file: NpzFile) -> list[Header]:
    """Shapes and types of all arrays of a file, without reading their values."""
    headers: list[Header] = []
    archive = file.zip
    if archive is None:
        raise ValueError("closed")
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        if member.compress_type not in _METHODS:
            raise ValueError(f"{member.filename} has a compression that NumPy does not write")
        with archive.open(member) as file_of_array:
            content = io.BytesIO(file_of_array.read(_HEADER_BYTES))
        version = np.lib.format.read_magic(content)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(content)
        key = member.filename.removesuffix(".npy")
        headers.append(Header(key, tuple(shape), dtype, *split_of(key)))
    return headers


def choose_arrays(name: str, headers: Sequence[Header], split: str) -> Chosen:
    """Choose the images of a split and their labels; raises ``ConfigError`` without that split."""
    by_split: dict[str, list[Header]] = {}
    for header in headers:
        if header.may_be_images:
            by_split.setdefault(header.split or "", []).append(header)
    images = {one: min(found, key=_likeness) for one, found in by_split.items()}
    counts = in_order({one: header.shape[0] for one, header in images.items() if one})
    chosen = Chosen()
    if not counts:
        refuse_split(split, name)
        used = [""] if images else []
    elif "images" in {header.key for header in headers if header.may_be_images}:
        refuse_split(split, name)  # an array of all images
        used = [""]
    else:
        kept = choose(counts, split, name, "images")
        used = [one for one in counts if one in kept]
        if len(counts) > 1:
            chosen.notes.append(splits_note(counts, kept, "images"))
    read: set[str] = set()
    for one in used:
        chosen.images.append(images[one].key)
        labels = _labels_of(images[one], headers)
        chosen.labels.append(labels)
        read.update(labels.values())
    unread = [
        f"{header.key} {header.shape}"
        for header in headers
        if header.may_be_labels and header.key not in read and (header.split or "") in used
    ]
    if unread:
        chosen.notes.append(f"not read as labels: {listed(unread)}")
    return chosen


def labels_in_order(arrays: Mapping[str, Sequence[NDArray[Any]]], count: int) -> Reading:
    """Labels of N images, from the arrays of each factor in order."""
    columns = {name: _column(parts, count) for name, parts in arrays.items()}
    return read_columns(columns, np.arange(count), single=True)


def labels_of_rows(path: Path, given: str, count: int) -> Reading:
    """Labels of N images in order from a file, ``given`` as the user named it: an array, or a
    table with a row for each image; raises ``ConfigError`` if it has no N labels.
    """
    try:
        columns = _columns_of_file(path, count)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError("data.labels", given, f"{reason}. {_CURE}") from error
    reading = read_columns(columns, np.arange(count))
    if not reading.labels:
        reason = f"no classes in {listed(reading.refused)}" if reading.refused else "no labels"
        raise ConfigError("data.labels", given, f"{reason}. {_CURE}")
    return reading


def _columns_of_file(path: Path, count: int) -> dict[str, Column]:
    if path.suffix.lower() in {".npy", ".npz"}:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {"label": loaded}
        else:
            with loaded:
                keys = [one.key for one in read_headers(loaded) if one.shape[:1] == (count,)]
                arrays = {key: loaded[key] for key in keys if loaded[key].ndim <= 2}
        arrays = {name: array for name, array in arrays.items() if len(array) == count}
        if not arrays:
            raise ValueError(f"no array of {count:,} labels, as many as there are images")
        return {name: _column([array], count) for name, array in arrays.items()}
    with path.open("rb") as file:
        table = read_table(path.suffix.lower(), file, path.stat().st_size, in_order=True)
        rows = list(islice(table.rows(), count + 2))
    names = table.columns
    if names is None and len(rows) == count + 1 and _is_header(rows[0], rows[1:]):
        names = [cell(name) for name in rows.pop(0)]
    if len(rows) != count:
        more = "more than " if len(rows) > count else ""
        raise ValueError(f"{more}{min(len(rows), count):,} rows for {count:,} images")
    width = max(map(len, rows), default=0)
    names = names or [f"column {place + 1}" for place in range(width)]
    columns = {name: Column(count) for name in names[:MOST_FACTORS]}
    for place, column in enumerate(columns.values()):
        texts = [row[place] if place < len(row) else "" for row in rows]
        column.put(np.arange(count), texts)
    return columns


def _is_header(first: Row, others: Sequence[Row]) -> bool:
    """Whether a row names columns: with numbers from 0, as pandas does, or with texts that are not
    below it in their columns, as classes are."""
    names = {place: text for place, text in enumerate(first) if text}
    if list(names.values()) == [str(number) for number in range(len(names))]:
        return True
    return not any(
        text in {row[place] for row in others if place < len(row)} for place, text in names.items()
    )


def _labels_of(images: Header, headers: Sequence[Header]) -> dict[str, str]:
    """Keys of the labels of some images, by factor: of the same split and length."""
    found = {
        "_".join(header.words): header.key
        for header in headers
        if header.may_be_labels
        and header.split == images.split
        and header.shape[:1] == images.shape[:1]
        and len(header.shape) <= 2
        and header.dtype.kind in f"{_NUMBERS}US"
    }
    return {"label": next(iter(found.values()))} if len(found) == 1 else found


def _column(parts: Sequence[NDArray[Any]], count: int) -> Column:
    """Arrays, one after another."""
    column, start = Column(count), 0
    for part in parts:
        texts = class_texts(part)
        if isinstance(texts, str):
            column.give_up(texts)
            break
        column.put(np.arange(start, start + len(texts)), texts)
        start += len(texts)
    return column


def _likeness(header: Header) -> int:
    """The rank of an array among those that may hold the images: lower is more likely."""
    ranks = [_IMAGE_WORDS.index(word) for word in header.words if word in _IMAGE_WORDS]
    return min(ranks, default=len(_IMAGE_WORDS))
