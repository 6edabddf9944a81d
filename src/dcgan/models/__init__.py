"""Generator, discriminator, latents and EMA, without any configuration."""

from dcgan.models.discriminator import Discriminator
from dcgan.models.ema import AveragedGenerator
from dcgan.models.generator import Generator
from dcgan.models.geometry import layer_shapes, plan_discriminator, plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer

__all__ = [
    "AveragedGenerator",
    "Discriminator",
    "Generator",
    "LatentSpace",
    "Layer",
    "layer_shapes",
    "plan_discriminator",
    "plan_generator",
]


def __dir__() -> list[str]:
    return __all__
