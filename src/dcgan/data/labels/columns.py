"""Columns of a table as labels of images: which hold classes, and why others do not.

N images · R rows
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.labels.folder_names import are_few, most_classes
from dcgan.data.labels.tables import cell

MOST_CLASSES = 1000
"""Of a column: as many as ImageNet has. More are names or numbers, or of no use here."""

MOST_NUMBERS = 100
"""Distinct whole numbers of a column that may be classes, where its name does not say so."""

MOST_FACTORS = 200
"""Columns of classes that are read: CelebA has 40."""

LONGEST = 100
"""Letters of a class; longer ones are captions."""

_MOST_SPELLINGS = 10 * MOST_CLASSES
"""Texts that mean these: ``1``, ``1.0`` and so on."""

NONE = -1

_LABEL_WORDS = {
    *("label", "labels", "class", "classes", "category", "categories", "target", "targets", "y"),
    *("class_name", "classname", "class_label", "label_name", "category_name", "cls"),
    *("class_id", "label_id", "category_id", "class_index", "target_name"),
}


class Column:
    """One column, filled row by row.

    Parameters
    ----------
    count : int
        N.

    Attributes
    ----------
    codes : int16 (N,)
        A number for each distinct text, in order of appearance; -1 where there is none.
    texts : list of str
    trouble : str
        Why this holds no classes; empty where it may.
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
        """How many of some images have several values; the first one counts."""
        return int(self._is_disputed[rows].sum())

    def put(self, rows: NDArray[np.int64], texts: Sequence[str]) -> None:
        """Values of images, (R,), as they stand in a table; empty ones are none."""
        if self.trouble or not self._know(dict.fromkeys(texts)):
            return
        codes = np.fromiter(map(self._spellings.__getitem__, texts), np.int16, len(texts))
        rows, codes = rows[codes != NONE], codes[codes != NONE]
        first_rows, first = np.unique(rows, return_index=True)
        is_free = self.codes[first_rows] == NONE
        self.codes[first_rows[is_free]] = codes[first[is_free]]
        self._is_disputed[rows[self.codes[rows] != codes]] = True

    def _know(self, texts: Iterable[str]) -> bool:
        """Number the classes among some texts; whether this may still hold classes."""
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
        """Hold no classes, for a reason, and no memory."""
        self.trouble = trouble
        self._numbers.clear()
        self._spellings.clear()
        self.codes = np.empty(0, np.int16)
        self._is_disputed = np.empty(0, np.bool_)


@dataclass
class Reading:
    """What a table tells of the images.

    Attributes
    ----------
    labels : dict of str to Labels
        Of the images at ``rows``.
    rows : int64 (M,)
        The images that have labels.
    main : str
        The column that is the factor ``label``; empty where there is none.
    refused : list of str
        Columns that were not read as classes, with the reason.
    """

    labels: dict[str, Labels] = field(default_factory=dict)
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    main: str = ""
    refused: list[str] = field(default_factory=list)


def read_columns(
    columns: dict[str, Column], scope: NDArray[np.int64], *, single: bool = False
) -> Reading:
    """Labels out of columns.

    A column of classes called ``label``, ``class``, ``category`` and the like is the factor
    ``label``, and so is the only one; the others keep their names. Columns of which exactly one is
    1 for each image, the others 0, are one factor.

    Parameters
    ----------
    columns : dict of str to Column
    scope : int64 (M,)
        The images that must have labels.
    single : bool, default False
        Whether one class for all images is a class, where the column's name says so.
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
    if main is not None:  # the first of the labels, whatever the order of columns
        reading.main = main
        reading.labels["label"] = _labels(usable.pop(main), reading.rows)
    for name, column in usable.items():
        if name in reading.labels:  # the same classes, as numbers beside words
            continue
        if (column.codes[reading.rows] == NONE).any():
            reading.refused.append(f"{name} (empty for some images)")
        else:
            reading.labels[name] = _labels(column, reading.rows)
    return reading


def _trouble(column: Column, scope: NDArray[np.int64], *, is_meant: bool, single: bool) -> str:
    """Why a column does not hold the classes of the images in scope; empty where it does."""
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
        "fractions": any(map(_is_fraction, texts)) and all(map(_is_number, texts)),
    }
    return next((trouble for trouble, is_so in troubles.items() if is_so), "")


def is_label_word(name: str) -> bool:
    """Whether a column's name says that it holds classes."""
    return name.strip().lower().replace(" ", "_").replace("-", "_") in _LABEL_WORDS


def _main_column(columns: dict[str, Column]) -> str | None:
    """The column of the classes: by its name; of several, one in words before numbers."""
    named = [name for name in columns if is_label_word(name)]
    in_words = [name for name in named if not all(map(_is_whole, columns[name].texts))]
    return next(iter([*in_words, *named]), None)


def _one_hot(columns: dict[str, Column], scope: NDArray[np.int64]) -> Labels | None:
    """Columns of 0 and 1, of which exactly one is 1 for each image, as one factor."""
    if len(columns) < 2 or any(set(one.texts) != {"0", "1"} for one in columns.values()):
        return None
    ones = np.stack([one.codes[scope] == one.texts.index("1") for one in columns.values()])
    if (ones.sum(axis=0) != 1).any():
        return None
    return Labels(ones.argmax(axis=0).astype(np.int64), tuple(columns))


def _labels(column: Column, rows: NDArray[np.int64]) -> Labels:
    """Classes of some images in order: numbers by size, words by letters; -1 and 1 are no and yes.

    The order is that of the values, so that it does not depend on the order of a table's rows.
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


def _is_fraction(text: str) -> bool:
    return _is_number(text) and not _is_whole(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
