"""The networks of a run as data: what ``networks.json`` holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from dcgan.data.scale import PixelScale
from dcgan.models.discriminator import ClassPooling, Discriminator
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
    class_names : tuple of str
        Of the latent's classes, where training was conditional.
    class_pooling : {"sum", "mean"}
        See :class:`dcgan.models.Discriminator`. Files that do not say, of earlier versions, mean
        "mean".
    scale : PixelScale
    """

    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    image_shape: tuple[int, int, int]
    latent: LatentSpace = field(default_factory=LatentSpace)
    latent_shape: tuple[int, int, int] | None = None
    class_names: tuple[str, ...] = ()
    class_pooling: ClassPooling = "sum"
    scale: PixelScale = field(default_factory=PixelScale)

    def build_generator(self, init: Initialisation = "default") -> Generator:
        """A generator with fresh weights."""
        return Generator(
            self.generator,
            latent_dim=self.latent.width,
            latent_shape=self.latent_shape,
            init=init,
        )

    def build_discriminator(self, init: Initialisation = "default") -> Discriminator:
        """A discriminator with fresh weights."""
        return Discriminator(
            self.discriminator,
            self.image_shape,
            init=init,
            classes=len(self.latent.classes),
            class_pooling=self.class_pooling,
            codes=sum(self.latent.categorical) + self.latent.continuous,
        )

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "generator": [layer.to_json() for layer in self.generator],
            "discriminator": [layer.to_json() for layer in self.discriminator],
            "image_shape": list(self.image_shape),
            "latent": _but_defaults(self.latent),
            "latent_shape": list(self.latent_shape) if self.latent_shape else None,
            "class_names": list(self.class_names),
            "class_pooling": self.class_pooling,
            "scale": self.scale.to_json(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        shape = stored["latent_shape"]
        channels, height, width = stored["image_shape"]
        latent: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in stored["latent"].items()
        }
        return cls(
            generator=tuple(Layer.from_json(row) for row in stored["generator"]),
            discriminator=tuple(Layer.from_json(row) for row in stored["discriminator"]),
            image_shape=(channels, height, width),
            latent=LatentSpace(**latent),
            class_names=tuple(stored.get("class_names", ())),
            class_pooling=stored.get("class_pooling", "mean"),
            latent_shape=(shape[0], shape[1], shape[2]) if shape else None,
            scale=PixelScale.from_json(stored["scale"]),
        )


def _but_defaults(latent: LatentSpace) -> dict[str, Any]:
    """What JSON says of a latent space: always its noise, conditions and codes where it has any."""
    always = {"dim", "distribution"}
    return {key: value for key, value in asdict(latent).items() if key in always or value}
