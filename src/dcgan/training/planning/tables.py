"""Configuration → layer tables: spelled out or planned, checked against size and channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dcgan.config.fields import LayerRow
from dcgan.config.tree import DiscriminatorConfig, NetworkConfig, RunConfig, resolved
from dcgan.data import ImageDataset
from dcgan.errors import ConfigError, DataError, GeometryError
from dcgan.evaluation.extractors import classes_of
from dcgan.models.geometry import layer_shapes, plan_discriminator, plan_generator, wants_bias
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
        drawn = "×".join(map(str, shapes[-1]))
        raise GeometryError(
            "data.size",
            f"{size[0]}x{size[1]}",
            f"recipe {config.recipe!r} draws {drawn} by its layer table, not"
            f" {'×'.join(map(str, image_shape))}; leave --size and --data.channels as they are,"
            " or take --recipe auto, which plans networks for any size",
        )
    last = _shapes(discriminator, image_shape, "model.discriminator")[-1]
    if last not in {(1,), (1, 1, 1)}:
        raise GeometryError(
            "model.discriminator.layers",
            "×".join(map(str, last)),
            "a discriminator ends in one logit; end its table with {linear: 1}",
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
    """The networks with the pictures' classes, where training is conditional.

    Images are drawn of each class as often as there are pictures of it.

    Raises
    ------
    ConfigError
        The pictures have no such labels.
    """
    wanted = config.model.condition
    if wanted is None:
        return networks
    found = classes_of(dataset, wanted)
    if found is None:
        named = [name for name, labels in dataset.labels.items() if labels.names]
        there = f"there are {', '.join(named)}" if named else "these pictures have none"
        raise ConfigError(
            "model.condition",
            wanted,
            f"no labels of this name; {there}; sort pictures into one"
            " folder per class, or leave it out",
        )
    labels = found[1]
    numbers = labels.values[dataset.rows(np.arange(len(dataset)))].astype(np.int64)
    counts = np.bincount(numbers, minlength=len(labels.names))
    shares = tuple(float(share) for share in counts / counts.sum())
    return replace(
        networks, latent=replace(networks.latent, classes=shares), class_names=labels.names
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
            f"{folder}: was begun with the classes {there}, and the data now has {here}; restore"
            " the labels or take another --out"
        )
    if ours.latent.classes != stored.latent.classes:
        raise DataError(
            f"{folder}: was begun with other numbers of images in its classes; restore the labels"
            " or take another --out"
        )


def generator_table(config: RunConfig) -> tuple[Layer, ...]:
    """The generator's layer table, spelled out or planned."""
    network = config.model.generator
    if network.layers is not None:
        return _resolve_rows(network, network.layers)
    if config.model.latent.shape is not None:
        raise ConfigError(
            "model.latent.shape",
            list(config.model.latent.shape),
            "a planned generator begins from a vector; spell its layers out for a spatial latent",
        )
    return plan_generator(
        resolved(config.data.size),
        resolved(config.data.channels),
        width=resolved(network.width),
        max_width=network.max_width,
        norm=network.norm,
        activation=network.activation,
        order=network.order,
        bias=None if network.bias == "auto" else network.bias,
        dropout=network.dropout,
        noise=network.noise,
        slope=network.slope,
        upsampling=network.upsampling,
    )


def discriminator_table(config: RunConfig) -> tuple[Layer, ...]:
    """The discriminator's layer table, spelled out or planned."""
    network: DiscriminatorConfig = config.model.discriminator
    first, *rest = _discriminator_rows(config, network)
    return replace(first, pack=network.pack), *rest


def _discriminator_rows(config: RunConfig, network: DiscriminatorConfig) -> tuple[Layer, ...]:
    if network.layers is not None:
        return _resolve_rows(network, network.layers)
    return plan_discriminator(
        resolved(config.data.size),
        width=resolved(network.width),
        max_width=network.max_width,
        norm=network.norm,
        activation=network.activation,
        order=network.order,
        bias=None if network.bias == "auto" else network.bias,
        dropout=network.dropout,
        noise=network.noise,
        slope=network.slope,
        minibatch_stddev=network.minibatch_stddev,
        hidden=resolved(network.hidden),
    )


def _resolve_rows(network: NetworkConfig, rows: Iterable[LayerRow]) -> tuple[Layer, ...]:
    """Rows with the network's defaults filled in."""
    layers = []
    for row in rows:
        norm = row.norm if row.norm is not None else network.norm
        bias = row.bias if row.bias is not None else network.bias
        order = row.order or network.order
        layers.append(
            Layer(
                operation=row.operation,
                channels=row.channels,
                kernel=row.kernel,
                stride=row.stride,
                padding=row.padding,
                output_padding=row.output_padding,
                reshape=row.reshape,
                bias=wants_bias(norm, order) if bias == "auto" else bias,
                norm=norm,
                activation=row.activation or network.activation,
                slope=network.slope,
                order=order,
                dropout=row.dropout or 0.0,
                noise=row.noise or 0.0,
                resize=row.resize,
                minibatch_stddev=row.minibatch_stddev,
            )
        )
    return tuple(layers)


def _shapes(
    layers: tuple[Layer, ...], input_shape: tuple[int, ...], key: str
) -> list[tuple[int, ...]]:
    if not layers:
        raise GeometryError(f"{key}.layers", [], "an empty table; give it rows, or leave it out")
    try:
        return layer_shapes(layers, input_shape)
    except GeometryError as error:
        raise GeometryError(f"{key}.{error.key}", error.value, error.problem) from error
