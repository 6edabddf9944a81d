"""What a lab can score: its name, which direction is better, and how two scores are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dcgan.runtime.wording import digits

_LEAST = 1e-9
"""Below this, a Fréchet distance counts as this: its logarithm must be finite."""


@dataclass(frozen=True)
class Measure:
    """One score of a checkpoint.

    Parameters
    ----------
    key : str
        Its name among the stored scores: a metric, or a vital sign.
    label : str
        Its name for people.
    better : {"lower", "higher", "one"}
        Which scores are better; ``one``: those closer to 1, the score of real images.
    is_ratio : bool
        Whether scores are compared by their ratio, and not by their difference.
    """

    key: str
    label: str
    better: Literal["lower", "higher", "one"]
    is_ratio: bool = False

    def goodness(self, score_N: Sequence[float]) -> NDArray[np.float64]:
        """The scores (N,) on a scale on which higher is better and differences are compared."""
        found_N = np.asarray(score_N, dtype=np.float64)
        if self.is_ratio:
            found_N = np.log(found_N.clip(min=_LEAST))
        match self.better:
            case "lower":
                return -found_N
            case "one":
                return -np.abs(found_N - 1)
        return found_N

    def smallest(self, difference: float) -> float:
        """The smallest difference worth a verdict, on that scale."""
        return log(difference) if self.is_ratio else difference

    def in_words(self, difference: float) -> str:
        """A difference on that scale for people.

        >>> MEASURES["fd"].in_words(0.4055), MEASURES["recall"].in_words(-0.05)
        ('1.5 times', '−0.05')
        """
        if self.is_ratio:
            return f"{digits(exp(difference))} times"
        return f"{difference:+.2g}".replace("-", "−")

    @property
    def direction(self) -> str:
        """Which scores are better, in words."""
        return {
            "lower": "lower is better",
            "higher": "higher is better",
            "one": "closer to 1, the score of real images, is better",
        }[self.better]


MEASURES = {
    "fd": Measure("frechet_distance", "Fréchet distance", "lower", is_ratio=True),
    "recall": Measure("recall", "recall", "higher"),
    "precision": Measure("precision", "precision", "higher"),
    "coverage": Measure("coverage", "coverage", "higher"),
    "checkerboard": Measure("checkerboard", "checkerboard share", "lower"),
    "diversity": Measure("diversity", "diversity", "one"),
    "repeats": Measure("repeats", "share of repeats", "lower"),
}
"""The measures by the names that YAML files use."""
