"""Differentiable augmentation of what the discriminator sees, real and generated alike."""

from dcgan.augment.operations import OPERATIONS, Operation
from dcgan.augment.pipeline import Augment

__all__ = ["OPERATIONS", "Augment", "Operation"]


def __dir__() -> list[str]:
    return __all__
