"""Scikit-learn's bundled digits: 1,797 real handwritten digits, 8×8 gray; needs no network."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.sources.base import ArraySource
from dcgan.data.sources.named import Request


def open_digits(_: Request) -> ArraySource:
    """The test half of the UCI set "Optical Recognition of Handwritten Digits" (Kaynak 1995).

    Its values are counts of ink from 0 to 16, which become gray values from 0 to 255.
    """
    table = _table()
    images = (table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).round().astype(np.uint8)
    labels = Labels(table[:, -1].astype(np.int64), tuple("0123456789"))
    return ArraySource("digits", images, labels={"label": labels})


@cache
def _table() -> NDArray[np.float64]:
    """A row for each image: 64 counts of ink and the digit.

    The file is read where scikit-learn has it: importing ``load_digits`` takes seconds.
    """
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None
    return np.loadtxt(Path(found.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
