"""One measured number with everything it rests on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self


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
    better : {"lower", "higher"}
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
    better: Literal["lower", "higher"] = "lower"
    extractor: str = "pixels"
    real: int = 0
    generated: int = 0
    split: str = ""
    seed: int = 0

    def beats(self, other: Score | None) -> bool:
        """Whether this is the better of two numbers of the same protocol, or the only one."""
        if other is None:
            return True
        return self.value < other.value if self.better == "lower" else self.value > other.value

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(**stored)
