"""One score with everything that it depends on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from dcgan.metrics.registry import BETTER, label_of
from dcgan.runtime.wording import digits
from dcgan.vocabulary import Better

Protocol = tuple[str, str, int, int, str, int]
"""Metric, extractor, real and generated images, split, seed."""

_OLD_KEYS = {"measure": "metric", "floor": "baseline"}
"""JSON keys of earlier versions, with those of today."""


def in_words(value: float, better: Better, count: int = 3) -> str:
    """A score of so many digits. An unbiased estimate of a distance near 0 may be negative.

    >>> in_words(0.12345, "lower"), in_words(-4e-5, "lower"), in_words(-0.2, "zero")
    ('0.123', 'about 0', '-0.2')
    """
    return "about 0" if value < 0 and better == "lower" else digits(value, count)


@dataclass(frozen=True, kw_only=True)
class Score:
    """The value of a metric, the images and the features that it was computed on.

    Parameters
    ----------
    metric : str
        Such as ``frechet_distance``; see :data:`dcgan.metrics.METRICS`.
    value : float
        The score itself.
    baseline : float, optional
        The real-image baseline: the score of as many real images.
    error : float, optional
        Standard error of ``value``. Of a kernel distance that is computed while training, that of
        images as good as real ones: see :func:`dcgan.metrics.kernel.chance_error`.
    better : {"lower", "higher", "zero", "real"}
        Which values are better: lower ones, higher ones, those closer to 0, or those closer to the
        score of real images.
    extractor : str
        Name and digest (:attr:`dcgan.metrics.Extractor.label`), or ``pixels``.
    real, generated : int
        Numbers of real and of generated images.
    split : str
        A description of the real images.
    seed : int
        The seed of the latents.
    """

    metric: str
    value: float
    baseline: float | None = None
    error: float | None = None
    better: Better = "lower"
    extractor: str = "pixels"
    real: int = 0
    generated: int = 0
    split: str = ""
    seed: int = 0

    @property
    def label(self) -> str:
        """The metric for people, such as ``Fréchet distance``."""
        return label_of(self.metric)

    @property
    def name(self) -> str:
        """Metric and extractor for people, such as ``kernel distance (random:3f2a91c07b5d)``."""
        return f"{self.label} ({self.extractor})"

    def __str__(self) -> str:
        """Such as ``Fréchet distance 0.39; real images score 0.04; lower is better``."""
        real = ""
        if self.baseline is not None:
            real = f" real images score {in_words(self.baseline, self.better, 2)};"
        value = in_words(self.value, self.better)
        return f"{self.label} {value};{real} {BETTER[self.better]} is better"

    @property
    def protocol(self) -> Protocol:
        """What two scores must share to be compared."""
        return self.metric, self.extractor, self.real, self.generated, self.split, self.seed

    def beats(self, other: Score | None) -> bool:
        """Whether this is the better of two scores of one protocol, or the only one."""
        return other is None or self.badness < other.badness

    @property
    def badness(self) -> float:
        """A number that is lower if the score is better."""
        match self.better:
            case "lower":
                return self.value
            case "higher":
                return -self.value
            case "zero":
                return abs(self.value)
        return abs(self.value - (self.baseline or 0.0))

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`; reads what earlier versions wrote, too."""
        return cls(**in_new_words(stored))


def in_new_words(stored: dict[str, Any]) -> dict[str, Any]:
    """A score's JSON with today's keys and split, so that it compares with today's scores."""
    score = {_OLD_KEYS.get(key, key): value for key, value in stored.items()}
    if isinstance(score.get("split"), str):
        score["split"] = score["split"].replace("pictures", "images")
    return score
