"""The classes of a conditional run, from the labels of its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from dcgan.config.tree import RunConfig
from dcgan.data import ImageDataset
from dcgan.data.labels import Labels
from dcgan.errors import ConfigError, DataError, nearest_of
from dcgan.runs.networks import Networks


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
