"""Configuration → layer tables of both networks, written out or planned, and checked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dcgan.config.model import DiscriminatorConfig, NetworkConfig
from dcgan.config.tree import RunConfig, resolved
from dcgan.errors import ConfigError, GeometryError
from dcgan.models.geometry import layer_shapes, plan_discriminator, plan_generator, table_from
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer
from dcgan.runs.networks import Networks
from dcgan.runtime.wording import shape_text, size_text


def resolve_networks(config: RunConfig, *, has_discriminator: bool = True) -> Networks:
    """The layer tables of a resolved configuration, checked against its size and channels.

    Without a discriminator, its table is empty.

    Raises
    ------
    GeometryError
        Shapes do not fit; the key is the setting's.
    ConfigError
        A setting that the networks depend on says ``auto``.
    """
    size, channels = resolved(config.data.size), resolved(config.data.channels)
    image_shape = (channels, *size)
    latent = config.model.latent
    made = generated_shape(config)
    if made != image_shape:
        raise GeometryError(
            "data.size",
            size_text(size),
            f"the layer table of recipe {config.recipe!r} makes images of {shape_text(made)}, not"
            f" {shape_text(image_shape)}. Leave `data.size` and `data.channels` as the"
            " recipe has them, or use `recipe=auto`, which plans networks for any size",
        )
    return Networks(
        generator=_generator_table(config),
        discriminator=_discriminator_table(config, image_shape) if has_discriminator else (),
        image_shape=image_shape,
        latent=LatentSpace(
            latent.dim,
            latent.distribution,
            categorical=latent.categorical,
            continuous=latent.continuous,
        ),
        latent_shape=latent.shape,
    )


def generated_shape(config: RunConfig) -> tuple[int, ...]:
    """The shape after the generator's last layer, (C, H, W) of an image.

    Raises
    ------
    GeometryError
        The shapes of its layers do not fit together.
    ConfigError
        A planned generator whose size, channels or width are ``auto``.
    """
    latent = config.model.latent
    input_shape = latent.shape or (latent.dim, 1, 1)
    return _shapes(_generator_table(config), input_shape, "model.generator")[-1]


def _generator_table(config: RunConfig) -> tuple[Layer, ...]:
    """The generator's layer table, written out or planned."""
    network = config.model.generator
    if network.layers is not None:
        return table_from(network.rows())
    if config.model.latent.shape is not None:
        raise ConfigError(
            "model.latent.shape",
            list(config.model.latent.shape),
            "a planned generator starts from a vector. A latent with a shape needs"
            " `model.generator.layers` in a recipe file",
        )
    return plan_generator(
        resolved(config.data.size),
        resolved(config.data.channels),
        upsampling=network.upsampling,
        **_plan_settings(network),
    )


def _discriminator_table(config: RunConfig, image_shape: tuple[int, int, int]) -> tuple[Layer, ...]:
    """The discriminator's layer table, written out or planned, for images of a shape."""
    network: DiscriminatorConfig = config.model.discriminator
    if network.layers is not None:
        layers = table_from(network.rows())
    else:
        layers = plan_discriminator(
            resolved(config.data.size),
            minibatch_stddev=network.minibatch_stddev,
            hidden=resolved(network.hidden),
            **_plan_settings(network),
        )
    if layers:
        layers = replace(layers[0], pack=network.pack), *layers[1:]
    last = _shapes(layers, image_shape, "model.discriminator")[-1]
    if last not in {(1,), (1, 1, 1)}:
        raise GeometryError(
            "model.discriminator.layers",
            shape_text(last),
            f"a discriminator of images of {shape_text(image_shape)} ends in one logit. End its"
            " table with {linear: 1}, or correct the strides and paddings",
        )
    return layers


def _plan_settings(network: NetworkConfig) -> dict[str, Any]:
    """Settings that both planners take under the same name."""
    names = ("max_width", "norm", "activation", "order", "dropout", "noise", "slope")
    bias = None if network.bias == "auto" else network.bias
    settings = {name: getattr(network, name) for name in names}
    return settings | {"width": resolved(network.width), "bias": bias}


def _shapes(
    layers: tuple[Layer, ...], input_shape: tuple[int, ...], key: str
) -> list[tuple[int, ...]]:
    if not layers:
        raise GeometryError(f"{key}.layers", [], "must have at least one layer, or be left out")
    try:
        return layer_shapes(layers, input_shape)
    except GeometryError as error:
        raise GeometryError(f"{key}.{error.key}", error.value, error.problem) from error
