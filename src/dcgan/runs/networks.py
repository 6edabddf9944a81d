"""The networks of a run as data: what ``networks.json`` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from dcgan.data.scale import PixelScale
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.init import Initialisation
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Everything needed to build both networks of a run.

    Parameters
    ----------
    generator, discriminator : tuple of Layer
    image_shape : (C, H, W)
    latent : LatentSpace
    latent_shape : (int, int, int), optional
        How the generator views a latent; default (Z, 1, 1).
    scale : PixelScale
    """

    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    image_shape: tuple[int, int, int]
    latent: LatentSpace = field(default_factory=LatentSpace)
    latent_shape: tuple[int, int, int] | None = None
    scale: PixelScale = field(default_factory=PixelScale)

    def build_generator(self, init: Initialisation = "default") -> Generator:
        """A generator with fresh weights."""
        return Generator(
            self.generator,
            latent_dim=self.latent.dim,
            latent_shape=self.latent_shape,
            init=init,
        )

    def build_discriminator(self, init: Initialisation = "default") -> Discriminator:
        """A discriminator with fresh weights."""
        return Discriminator(self.discriminator, self.image_shape, init=init)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "generator": [layer.to_json() for layer in self.generator],
            "discriminator": [layer.to_json() for layer in self.discriminator],
            "image_shape": list(self.image_shape),
            "latent": {"dim": self.latent.dim, "distribution": self.latent.distribution},
            "latent_shape": list(self.latent_shape) if self.latent_shape else None,
            "scale": self.scale.to_json(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        shape = stored["latent_shape"]
        channels, height, width = stored["image_shape"]
        return cls(
            generator=tuple(Layer.from_json(row) for row in stored["generator"]),
            discriminator=tuple(Layer.from_json(row) for row in stored["discriminator"]),
            image_shape=(channels, height, width),
            latent=LatentSpace(**stored["latent"]),
            latent_shape=(shape[0], shape[1], shape[2]) if shape else None,
            scale=PixelScale.from_json(stored["scale"]),
        )
