"""The networks of a run as data, as stored in ``networks.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import Annotated, Any, Self

from pydantic import Field, Strict

from dcgan.data.pixels.scale import PixelScale
from dcgan.errors import GeometryError, RunError
from dcgan.models.amount import count_weights
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.geometry import layer_shapes
from dcgan.models.latents import LatentSpace
from dcgan.models.spectral import table_without_spectral_norm
from dcgan.models.table import Layer
from dcgan.runs.schema import Flag, Natural, Number, Positive, Share, Stored, Text
from dcgan.runtime.memory import shortage
from dcgan.vocabulary import (
    Activation,
    ClassPooling,
    Distribution,
    Initialization,
    Interpolation,
    Operation,
    Order,
)


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Everything needed to build both networks of a run.

    Images are (C, H, W); ``latent_shape`` is that of a latent at the generator's input, by default
    (Z, 1, 1); ``class_names`` are those of a conditional run. For ``class_pooling`` see
    :class:`dcgan.models.Discriminator`. An imported generator may have no discriminator: its table
    is empty.
    """

    generator: tuple[Layer, ...]
    discriminator: tuple[Layer, ...]
    image_shape: tuple[int, int, int]
    latent: LatentSpace = field(default_factory=LatentSpace)
    latent_shape: tuple[int, int, int] | None = None
    class_names: tuple[str, ...] = ()
    class_pooling: ClassPooling = "sum"
    scale: PixelScale = field(default_factory=PixelScale)

    def build_generator(self, init: Initialization = "default") -> Generator:
        """A generator with new weights; ``RunError`` if they do not fit into memory."""
        given = self.latent_shape or (self.latent.width, 1, 1)
        _refuse_beyond_memory("generator", count_weights(self.generator, given))
        return Generator(
            self.generator,
            latent_dim=self.latent.width,
            latent_shape=self.latent_shape,
            init=init,
        )

    def build_discriminator(self, init: Initialization = "default") -> Discriminator:
        """A discriminator with new weights.

        ``RunError`` if they do not fit into memory, or for an imported generator without one.
        """
        self.refuse_no_discriminator()
        count = count_weights(self.discriminator, self.image_shape)
        _refuse_beyond_memory("discriminator", count)
        return Discriminator(
            self.discriminator,
            self.image_shape,
            init=init,
            classes=len(self.latent.classes),
            class_pooling=self.class_pooling,
            codes=sum(self.latent.categorical) + self.latent.continuous,
        )

    def refuse_no_discriminator(self) -> None:
        """Raise ``RunError`` for an imported generator without a discriminator."""
        if not self.discriminator:
            raise RunError(
                "this run was imported without a discriminator, which is needed here. Import both:"
                " dcgan import GENERATOR DISCRIMINATOR --out RUN"
            )

    def without_spectral_norm(self) -> Self:
        """The networks for weights of :func:`dcgan.models.spectral.plain_weights`."""
        return replace(
            self,
            generator=table_without_spectral_norm(self.generator),
            discriminator=table_without_spectral_norm(self.discriminator),
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
        """The inverse of :meth:`to_json`; raises ``ValueError`` for anything else."""
        checked = _StoredNetworks.read(stored)
        networks = cls(
            generator=tuple(row.layer() for row in checked.generator),
            discriminator=tuple(row.layer() for row in checked.discriminator),
            image_shape=checked.image_shape,
            latent=LatentSpace(**checked.latent.model_dump()),
            class_names=checked.class_names,
            class_pooling=checked.class_pooling,
            latent_shape=checked.latent_shape,
            scale=PixelScale(**checked.scale.model_dump()),
        )
        networks._refuse_misfits()
        return networks

    def _refuse_misfits(self) -> None:
        latent, channels = self.latent, self.image_shape[0]
        if len(self.class_names) not in {0, len(latent.classes)}:
            raise ValueError(
                f"class_names has {len(self.class_names)} names for {len(latent.classes)} classes"
            )
        for name in ("mean", "deviation"):
            if len(getattr(self.scale, name)) not in {1, channels}:
                raise ValueError(f"scale.{name} is not of {channels} channels")
        if self.latent_shape is not None and prod(self.latent_shape) != latent.width:
            raise ValueError(f"latent_shape does not hold {latent.width} numbers")
        try:
            made = layer_shapes(self.generator, self.latent_shape or (latent.width, 1, 1))[-1]
            layer_shapes(self.discriminator, self.image_shape)
        except GeometryError as error:
            raise ValueError(str(error)) from None
        if made != self.image_shape:
            raise ValueError("the generator's table does not end in image_shape")


def _refuse_beyond_memory(network: str, weights: int) -> None:
    lacking = shortage(4 * weights)
    if lacking:
        raise RunError(
            f"the {network}'s weights need {lacking}. Use narrower networks or a machine with more"
            " memory"
        )


_NORM = r"^(none|(spectral|batch|pixel)(\+(batch|pixel))*|(spectral\+)?(group|instance|layer))$"


class _StoredLayer(Stored):
    """A row of a layer table, as :class:`dcgan.models.table.Layer`."""

    operation: Operation
    channels: Positive
    kernel: tuple[Positive, Positive] = (1, 1)
    stride: tuple[Positive, Positive] = (1, 1)
    padding: tuple[Natural, Natural] = (0, 0)
    output_padding: tuple[Natural, Natural] = (0, 0)
    end_padding: tuple[Natural, Natural] | None = None
    reshape: tuple[Positive, Positive, Positive] | None = None
    bias: Flag = True
    norm: Annotated[str, Field(pattern=_NORM)] = "none"
    eps: Annotated[Number, Field(gt=0)] = 1e-5
    norm_groups: Positive = 8
    norm_features: Flag = False
    activation: Activation = "none"
    slope: Annotated[Number, Field(ge=0)] = 0.2
    order: Order = "norm-activation"
    dropout: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    noise: Annotated[Number, Field(ge=0)] = 0.0
    resize: tuple[Positive, Positive] | None = None
    interpolation: Interpolation = "bilinear"
    pack: Positive = 1
    minibatch_stddev: Flag = False

    def layer(self) -> Layer:
        return Layer(**self.model_dump())


class _StoredLatent(Stored):
    """As :class:`dcgan.models.latents.LatentSpace`."""

    dim: Positive
    distribution: Distribution
    classes: tuple[Share, ...] = ()
    categorical: tuple[Annotated[int, Strict(), Field(ge=2, lt=2**31)], ...] = ()
    continuous: Natural = 0


class _StoredScale(Stored):
    """As :class:`dcgan.data.pixels.scale.PixelScale`."""

    mean: Annotated[tuple[Number, ...], Field(min_length=1)]
    deviation: Annotated[tuple[Annotated[Number, Field(gt=0)], ...], Field(min_length=1)]


class _StoredNetworks(Stored):
    """The content of ``networks.json``."""

    generator: Annotated[tuple[_StoredLayer, ...], Field(min_length=1)]
    discriminator: tuple[_StoredLayer, ...]
    image_shape: tuple[Annotated[Positive, Field(le=4)], Positive, Positive]
    latent: _StoredLatent
    latent_shape: tuple[Positive, Positive, Positive] | None
    class_names: tuple[Text, ...] = ()
    class_pooling: ClassPooling = "mean"  # of earlier versions, which did not store it
    scale: _StoredScale


def _but_defaults(latent: LatentSpace) -> dict[str, Any]:
    """The latent space for JSON, without classes and codes that it does not have."""
    always = {"dim", "distribution"}
    return {key: value for key, value in asdict(latent).items() if key in always or value}
