"""One measured number with everything it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from dcgan.vocabulary import Better

Protocol = tuple[str, str, int, int, str, int]
"""Measure, extractor, real and generated images, split, seed."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number and its protocol: what was measured, on which features, of how many images.

    Parameters
    ----------
    measure : str
        Such as ``frechet_distance``.
    value : float
    floor : float, optional
        The same measure with real images in place of generated ones, at the same n: what a
        perfect generator would get. None where nothing real is left to compare with.
    error : float, optional
        Standard error of ``value``.
    better : {"lower", "higher", "zero", "real"}
        The last two: nearest to 0, or to what real images get.
    extractor : str
        Name and digest (:attr:`dcgan.metrics.Extractor.label`), or ``pixels``.
    real, generated : int
        How many images of each.
    split : str
        Which real images.
    seed : int
        Of the latents.
    """

    measure: str
    value: float
    floor: float | None = None
    error: float | None = None
    better: Better = "lower"
    extractor: str = "pixels"
    real: int = 0
    generated: int = 0
    split: str = ""
    seed: int = 0

    @property
    def name(self) -> str:
        """For people, such as ``kernel distance (random:3f2a91c07b5d)``."""
        return f"{self.measure.replace('_', ' ')} ({self.extractor})"

    @property
    def protocol(self) -> Protocol:
        """What two numbers must share to be compared."""
        return (
            self.measure,
            self.extractor,
            self.real,
            self.generated,
            self.split,
            self.seed,
        )

    def beats(self, other: Score | None) -> bool:
        """Whether this is the better of two numbers of the same protocol, or the only one."""
        return other is None or self.badness < other.badness

    @property
    def badness(self) -> float:
        """What is least where the score is best."""
        match self.better:
            case "lower":
                return self.value
            case "higher":
                return -self.value
            case "zero":
                return abs(self.value)
        return abs(self.value - (self.floor or 0.0))

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**stored)
