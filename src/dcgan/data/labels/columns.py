"""Columns of a table as labels: which hold classes, and why others do not.

N images · R rows
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.labels.folder_names import are_few, most_classes
from dcgan.data.labels.tables import cell

MOST_CLASSES = 1000  # ImageNet has as many
MOST_NUMBERS = 100
"""Distinct whole numbers that may be classes where the column's name does not say so."""

MOST_FACTORS = 200
"""Columns of classes that are read: CelebA has 40."""

LONGEST = 100
"""Characters of a class; longer texts are captions."""

_MOST_SPELLINGS = 10 * MOST_CLASSES  # of classes: 1, 1.0 and so on

NONE = -1

_LABEL_WORDS = {
    *("label", "labels", "class", "classes", "category", "categories", "target", "targets", "y"),
    *("class_name", "classname", "class_label", "label_name", "category_name", "cls"),
    *("class_id", "label_id", "category_id", "class_index", "target_name"),
}


class Column:
    """One column of a table, filled row by row.

    Attributes
    ----------
    codes : int16 (N,)
        A number for each distinct text, in order of appearance; -1 without a text.
    trouble : str
        Why this holds no classes; empty while it may.
    """

    def __init__(self, count: int) -> None:
        self.codes = np.full(count, NONE, np.int16)
        self.trouble = ""
        self._numbers: dict[str, int] = {}
        self._spellings: dict[str, int] = {"": NONE}
        self._is_disputed = np.zeros(count, np.bool_)

    @property
    def texts(self) -> list[str]:
        return list(self._numbers)

    def conflicts(self, rows: NDArray[np.int64]) -> int:
        """How many of some images have several values; the first is used."""
        return int(self._is_disputed[rows].sum())

    def put(self, rows: NDArray[np.int64], texts: Sequence[str]) -> None:
        """Set the values of images, (R,), as a table writes them; empty texts are no value."""
        if self.trouble or not self._know(dict.fromkeys(texts)):
            return
        codes = np.fromiter(map(self._spellings.__getitem__, texts), np.int16, len(texts))
        rows, codes = rows[codes != NONE], codes[codes != NONE]
        first_rows, first = np.unique(rows, return_index=True)
        is_free = self.codes[first_rows] == NONE
        self.codes[first_rows[is_free]] = codes[first[is_free]]
        self._is_disputed[rows[self.codes[rows] != codes]] = True

    def _know(self, texts: Iterable[str]) -> bool:
        """Number new classes; return whether the column may still hold classes."""
        for text in texts:
            if text in self._spellings:
                continue
            name = cell(text)
            if len(name) > LONGEST:
                self.give_up("long texts")
                return False
            self._spellings[text] = (
                self._numbers.setdefault(name, len(self._numbers)) if name else NONE
            )
            if len(self._numbers) > MOST_CLASSES or len(self._spellings) > _MOST_SPELLINGS:
                self.give_up(f"more than {MOST_CLASSES:,} distinct values")
                return False
        return True

    def give_up(self, trouble: str) -> None:
        """Record why this holds no classes, and free its memory."""
        self.trouble = trouble
        self._numbers.clear()
        self._spellings.clear()
        self.codes = np.empty(0, np.int16)
        self._is_disputed = np.empty(0, np.bool_)


@dataclass
class Reading:
    """Labels read from a table.

    Attributes
    ----------
    labels : dict of str to Labels
        Of the images at ``rows``.
    rows : int64 (M,)
        The images that have labels.
    main : str
        The column that is the factor ``label``; empty without one.
    refused : list of str
        Columns not read as classes, each with the reason.
    """

    labels: dict[str, Labels] = field(default_factory=dict)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    main: str = ""
    refused: list[str] = field(default_factory=list)


def read_columns(
    columns: dict[str, Column], scope: NDArray[np.int64], *, single: bool = False
) -> Reading:
    """Read the labels of the images ``scope`` from columns.

    A column named ``label``, ``class``, ``category`` or similar becomes the factor ``label``, and
    so does a single column; others keep their names. One-hot columns become one factor. With
    ``single``, a column of that name may hold the same class for all images.
    """
    reading = Reading()
    usable: dict[str, Column] = {}
    for name, column in columns.items():
        is_meant = len(columns) == 1 or is_label_word(name)
        trouble = _trouble(column, scope, is_meant=is_meant, single=single and is_meant)
        if trouble:
            reading.refused.append(f"{name} ({trouble})")
        elif len(usable) < MOST_FACTORS:
            usable[name] = column
    if not usable:
        return reading
    main = _main_column(usable)
    if main is None and (found := _one_hot(usable, scope)) is not None:
        reading.labels, reading.rows = {"label": found}, scope
        return reading
    if main is None and len(usable) == 1:
        main = next(iter(usable))
    known = np.stack([column.codes[scope] != NONE for column in usable.values()])
    has = known.any(axis=0) if main is None else usable[main].codes[scope] != NONE
    reading.rows = scope[has]
    if main is not None:  # the first label, whatever the order of columns
        reading.main = main
        reading.labels["label"] = _labels(usable.pop(main), reading.rows)
    for name, column in usable.items():
        if name in reading.labels:  # the same classes, as numbers next to words
            continue
        if (column.codes[reading.rows] == NONE).any():
            reading.refused.append(f"{name} (empty for some images)")
        else:
            reading.labels[name] = _labels(column, reading.rows)
    return reading


def _trouble(column: Column, scope: NDArray[np.int64], *, is_meant: bool, single: bool) -> str:
    """Why a column does not hold the classes of the images in scope; empty if it does."""
    if column.trouble:
        return column.trouble
    codes, texts = column.codes[scope], column.texts
    known = codes[codes != NONE]
    distinct, conflicts = len(np.unique(known)), column.conflicts(scope)
    most = most_classes(len(known))
    if not is_meant and all(map(_is_whole, texts)):
        most = min(most, MOST_NUMBERS)
    troubles = {
        "empty": distinct == 0,
        f"{conflicts:,} images have several values": not are_few(conflicts, len(known)),
        "one value for all images": distinct == 1 and not single,
        f"for {len(known):,} of {len(codes):,} images only": not are_few(
            len(codes) - len(known), len(codes)
        ),
        f"{distinct:,} distinct values in {len(known):,} images": distinct > most,
        "fractions": not all(map(_is_whole, texts)) and all(map(_is_number, texts)),
    }
    return next((trouble for trouble, is_so in troubles.items() if is_so), "")


def is_label_word(name: str) -> bool:
    """Whether a column's name means that it holds classes."""
    return name.strip().lower().replace(" ", "_").replace("-", "_") in _LABEL_WORDS


def _main_column(columns: dict[str, Column]) -> str | None:
    """The column of the classes by its name; words are preferred to numbers."""
    named = [name for name in columns if is_label_word(name)]
    in_words = [name for name in named if not all(map(_is_whole, columns[name].texts))]
    return next(iter([*in_words, *named]), None)


def _one_hot(columns: dict[str, Column], scope: NDArray[np.int64]) -> Labels | None:
    """One factor from columns of 0 and 1 of which exactly one is 1 for each image."""
    if len(columns) < 2 or any(set(one.texts) != {"0", "1"} for one in columns.values()):
        return None
    ones = np.stack([one.codes[scope] == one.texts.index("1") for one in columns.values()])
    if (ones.sum(axis=0) != 1).any():
        return None
    return Labels(ones.argmax(axis=0).astype(np.int64), tuple(columns))


def _labels(column: Column, rows: NDArray[np.int64]) -> Labels:
    """Classes of some images: numbers in numeric, words in alphabetic order; -1 and 1 are no and
    yes. So the order does not depend on the order of a table's rows.
    """
    codes, texts = column.codes[rows], column.texts
    used = [texts[code] for code in np.unique(codes)]
    names = sorted(used, key=int) if all(map(_is_whole, used)) else sorted(used)
    place = np.zeros(len(texts), np.int64)
    for number, name in enumerate(names):
        place[texts.index(name)] = number
    return Labels(place[codes], ("no", "yes") if names == ["-1", "1"] else tuple(names))


def _is_whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def class_texts(classes: NDArray[Any]) -> list[str] | str:
    """Classes as texts, from an array (N,), (N, 1) or one-hot (N, K); else the reason, a str."""
    if classes.ndim == 2 and classes.shape[1] == 1:
        classes = classes[:, 0]
    if classes.ndim == 2:
        is_one_hot = np.isin(classes, (0, 1)).all() and (classes.sum(axis=1) == 1).all()
        if classes.dtype.kind not in "buif" or not is_one_hot:
            return f"of shape {classes.shape}, and not one-hot"
        classes = classes.argmax(axis=1)
    if classes.ndim != 1:
        return f"of shape {classes.shape}"
    if classes.dtype.kind == "S":
        return [cell(text.decode("utf-8", "replace")) for text in classes.tolist()]
    return [cell(value) for value in classes.tolist()]
