"""Adversarial losses and penalties: pure functions of logits and images."""

from dcgan.objectives.adversarial import OBJECTIVES, Objective
from dcgan.objectives.information import code_loss
from dcgan.objectives.penalties import (
    PENALTIES,
    Penalty,
    around_images,
    between_images,
    clip_weights,
    one_centered_penalty,
    zero_centered_penalty,
)
from dcgan.objectives.targets import noisy_targets
from dcgan.vocabulary import LossName, PenaltyName

__all__ = [
    "OBJECTIVES",
    "PENALTIES",
    "LossName",
    "Objective",
    "Penalty",
    "PenaltyName",
    "around_images",
    "between_images",
    "clip_weights",
    "code_loss",
    "noisy_targets",
    "one_centered_penalty",
    "zero_centered_penalty",
]


def __dir__() -> list[str]:
    return __all__
