"""Configuration → layer tables, written out or planned, and checked against the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.config.model import DiscriminatorConfig, NetworkConfig
from dcgan.config.tree import RunConfig, resolved
from dcgan.data import ImageDataset
from dcgan.data.labels import Labels
from dcgan.errors import ConfigError, DataError, GeometryError, nearest_of
from dcgan.models.geometry import layer_shapes, plan_discriminator, plan_generator, table_from
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer
from dcgan.runs.networks import Networks


def resolve_networks(config: RunConfig) -> Networks:
    """The layer tables of a resolved configuration, checked against its size and channels.

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
    input_shape = latent.shape or (latent.dim, 1, 1)
    generator = generator_table(config)
    discriminator = discriminator_table(config)
    shapes = _shapes(generator, input_shape, "model.generator")
    if shapes[-1] != image_shape:
        made = "×".join(map(str, shapes[-1]))
        raise GeometryError(
            "data.size",
            f"{size[0]}x{size[1]}",
            f"the layer table of recipe {config.recipe!r} makes images of {made}, not"
            f" {'×'.join(map(str, image_shape))}. Leave `data.size` and `data.channels` as the"
            " recipe has them, or use `recipe=auto`, which plans networks for any size",
        )
    last = _shapes(discriminator, image_shape, "model.discriminator")[-1]
    if last not in {(1,), (1, 1, 1)}:
        raise GeometryError(
            "model.discriminator.layers",
            "×".join(map(str, last)),
            "a discriminator ends in one logit. End its table with {linear: 1}",
        )
    return Networks(
        generator=generator,
        discriminator=discriminator,
        image_shape=image_shape,
        latent=LatentSpace(
            latent.dim,
            latent.distribution,
            categorical=latent.categorical,
            continuous=latent.continuous,
        ),
        latent_shape=latent.shape,
    )


def with_classes(networks: Networks, config: RunConfig, dataset: ImageDataset) -> Networks:
    """The networks with the classes of the images, if training is conditional.

    The share of each class among generated images is that among the real ones.

    Raises
    ------
    ConfigError
        The images have no such labels.
    """
    wanted = config.model.condition
    if wanted is None:
        return networks
    refuse_missing_condition(wanted, dataset.labels)
    labels = dataset.labels[wanted]
    numbers = labels.values[dataset.rows(np.arange(len(dataset)))].astype(np.int64)
    counts = np.bincount(numbers, minlength=len(labels.names))
    shares = tuple(float(share) for share in counts / counts.sum())
    return replace(
        networks, latent=replace(networks.latent, classes=shares), class_names=labels.names
    )


def refuse_missing_condition(wanted: str | None, labels: Mapping[str, Labels]) -> None:
    """Raise ConfigError if training shall be conditional on labels that the images do not have."""
    named = [name for name, one in labels.items() if one.names]
    if wanted is None or wanted in named:
        return
    near = nearest_of(wanted, named) or (named[0] if named else "")
    raise ConfigError(
        "model.condition",
        wanted,
        f"no such factor. The factors are {', '.join(named)}. Use `model.condition={near}`"
        if named
        else "these images have no labels. Sort them into one folder per class, or leave"
        " `model.condition` out",
    )


def refuse_other_classes(ours: Networks, stored: Networks, folder: Path) -> None:
    """Refuse to resume a conditional run with other classes, or other images in them.

    Raises
    ------
    DataError
        Class names or shares differ.
    """
    if ours.class_names != stored.class_names:
        there, here = (", ".join(one.class_names[:5]) or "none" for one in (stored, ours))
        raise DataError(
            f"{folder}: was started with the classes {there}, and the data now has {here}. Restore"
            " the labels, or choose another `out`"
        )
    if ours.latent.classes != stored.latent.classes:
        raise DataError(
            f"{folder}: was started with other numbers of images in its classes. Restore the"
            " labels, or choose another `out`"
        )


def generator_table(config: RunConfig) -> tuple[Layer, ...]:
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


def discriminator_table(config: RunConfig) -> tuple[Layer, ...]:
    """The discriminator's layer table, written out or planned."""
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
    return replace(layers[0], pack=network.pack), *layers[1:]


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
