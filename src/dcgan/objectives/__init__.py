"""Adversarial losses and penalties: pure functions of logits and images."""

from dcgan.objectives.adversarial import OBJECTIVES, LossName, Objective
from dcgan.objectives.information import code_loss
from dcgan.objectives.penalties import (
    PENALTIES,
    Penalty,
    PenaltyName,
    clip_weights,
    one_centred_penalty,
    zero_centred_penalty,
)

__all__ = [
    "OBJECTIVES",
    "PENALTIES",
    "LossName",
    "Objective",
    "Penalty",
    "PenaltyName",
    "clip_weights",
    "code_loss",
    "one_centred_penalty",
    "zero_centred_penalty",
]


def __dir__() -> list[str]:
    return __all__
