"""Labels from the columns of a Hugging Face table."""

from __future__ import annotations

from typing import Any

import numpy as np

from dcgan.data.labels import Labels
from dcgan.data.labels.columns import Column, is_label_word, read_columns
from dcgan.data.labels.side_files import listed
from dcgan.data.labels.tables import cell

_CHUNK = 2**16

_PLAIN = ("string", "large_string", "bool", "int", "uint")
"""How the names of types begin that may be classes."""


def read_hub_columns(rows: Any) -> tuple[dict[str, Labels], list[str]]:
    """Labels of a ``datasets.Dataset`` by factor, and notes about columns that are not read."""
    labels: dict[str, Labels] = {}
    refused = []
    plain: dict[str, Column] = {}
    for name, feature in rows.features.items():
        values = rows.data.column(name)
        declared = tuple(getattr(feature, "names", None) or ())
        kind = str(getattr(feature, "dtype", ""))
        if declared:
            numbers = np.empty(0) if values.null_count else values.to_numpy()
            if len(numbers) and numbers.min() >= 0 and numbers.max() < len(declared):
                labels[name] = Labels(numbers.astype(np.int64), declared)
            else:
                refused.append(f"{name} (rows without a class)")
        elif kind.startswith(_PLAIN):
            plain[name] = _column(values)
        elif is_label_word(name):
            refused.append(f"{name} ({kind or type(feature).__name__})")
    reading = read_columns(plain, np.arange(len(rows)), single=True)
    if len(reading.rows) < len(rows) and reading.labels:
        refused += [f"{name} (empty for some images)" for name in reading.labels]
    else:
        own = {reading.main: "label"} if is_label_word(reading.main) else {}
        for name, found in reading.labels.items():
            given = (reading.main or name) if name == "label" else name
            labels.setdefault(own.get(given, given), found)
    refused += reading.refused
    return labels, [f"not read as classes: {listed(refused)}"] if refused else []


def _column(values: Any) -> Column:
    """Read a column in parts, until it proves to hold no classes."""
    column = Column(len(values))
    for start in range(0, len(values), _CHUNK):
        texts = [cell(value) for value in values.slice(start, _CHUNK).to_pylist()]
        column.put(np.arange(start, start + len(texts)), texts)
        if column.trouble:
            break
    return column
