"""Learning rates over the course of a run."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sqrt

from dcgan.training.rules import Players
from dcgan.vocabulary import LearningRateSchedule


@dataclass(frozen=True)
class RateSchedule:
    """How both learning rates fall; their ratio stays.

    Parameters
    ----------
    shape : {"constant", "linear", "cosine"}
        Cosine: Loshchilov & Hutter 2017 (arXiv:1608.03983), equation 5, without restarts.
    base : (float, float)
        The rates of G and D at the start.
    start : float in [0, 1)
        Share of the run after which they fall.
    end : float in [0, 1]
        Share of the rates at the end.
    fade_from : int, default 0
        Images seen from which the rates also fall as 1 / square root of the images seen, as in
        Vaswani et al. 2017 (arXiv:1706.03762), equation 3; 0 means never.
    """

    shape: LearningRateSchedule
    base: tuple[float, float]
    start: float = 0.0
    end: float = 0.0
    fade_from: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether the rates stay."""
        return self.shape == "constant" and self.fade_from == 0

    def factor(self, progress: float, images_seen: int = 0) -> float:
        """Factor of the rates when this share of the run, 0 to 1, is done.

        >>> RateSchedule("linear", (1e-3, 1e-3), start=0.5, end=0.2).factor(0.75)
        0.6
        >>> RateSchedule("constant", (1e-3, 1e-3), fade_from=50_000).factor(0.75, 200_000)
        0.5
        """
        faded = sqrt(self.fade_from / max(images_seen, self.fade_from)) if self.fade_from else 1.0
        return faded * self._shaped(progress)

    def _shaped(self, progress: float) -> float:
        if self.shape == "constant" or progress <= self.start:
            return 1.0
        fallen = (progress - self.start) / (1 - self.start)
        if self.shape == "cosine":
            fallen = (1 - cos(pi * fallen)) / 2
        return 1 - (1 - self.end) * fallen

    def set(
        self, players: Players, progress: float, images_seen: int = 0, also: float = 1.0
    ) -> None:
        """Set the present rates, times ``also``, in both optimizers."""
        factor = also * self.factor(progress, images_seen)
        optimizers = (players.generator_optimizer, players.discriminator_optimizer)
        for optimizer, rate in zip(optimizers, self.base, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
