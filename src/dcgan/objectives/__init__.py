"""Adversarial losses and penalties: pure functions of logits and images."""

from dcgan.objectives.adversarial import OBJECTIVES, Objective
from dcgan.objectives.penalties import r1_penalty

__all__ = ["OBJECTIVES", "Objective", "r1_penalty"]
