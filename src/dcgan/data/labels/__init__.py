"""Labels and splits of a dataset, from folder names, tables, arrays and files next to images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Labels:
    """One label per image.

    Parameters
    ----------
    values : (N,)
        Class numbers, or measurements when there are no names.
    names : tuple of str
        The classes' names; empty for a continuous factor.
    """

    values: NDArray[Any]
    names: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.int64]) -> Labels:
        """The labels of some images."""
        return Labels(self.values[rows], self.names)
