"""The classes of a conditional run, from the labels of its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from dcgan.config.tree import RunConfig
from dcgan.data import HeldDataset, ImageDataset
from dcgan.data.labels import Labels
from dcgan.data.labels.side_files import listed
from dcgan.data.quality.likeness import LOOKED_AT, Unlike, unlike_classes
from dcgan.errors import ConfigError, DataError, nearest_of
from dcgan.runs.networks import Networks
from dcgan.vocabulary import CLUSTERS

_MOST_CLASSES, _IMAGES_OF_CLASS = 100, 50
"""Classes that ``auto`` learns at most, and how many images they have at least, on average."""

_CLUSTERED = (1500, 100_000)
"""Images that ``auto`` sorts into clusters, at least and at most: clusters made images
worse with 1,000 photographs (benchmarks/search.md), and all of more may take long to read."""

_LARGEST = 0.55
"""Share of the images in one class above which classes teach less than clusters. It was 60 % where
that was measured (benchmarks/search.md); two nearly equal classes remain classes."""

_NAMED = 5
"""Classes that a message names."""

_SIDE = 8
"""Of thumbnails."""


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


class Condition(NamedTuple):
    """The factor whose classes are learned, or None, and why."""

    factor: str | None
    reason: str = ""


def choose_condition(
    config: RunConfig, counts: Mapping[str, Mapping[str, int]], count: int
) -> Condition:
    """The factor whose classes ``auto`` trains on, from the number of images in each class.

    It is the only factor, with 2 to 100 classes of at least 50 images on average. If there is no
    such factor, or if most images are in one class, a ``count`` of 1,500 to 100,000 images is
    sorted into clusters. With several factors, nothing is chosen: latents should vary all of them.
    Packs and latents with a shape leave no room for classes, and codes are to be found without
    them. Labels named ``clusters`` are never learned: the name means clusters of similar images.

    Returns
    -------
    Condition
        Its reason is a phrase, empty if there is nothing to choose from.
    """
    latent = config.model.latent
    has_codes = bool(latent.categorical) or latent.continuous > 0
    has_room = latent.shape is None and config.model.discriminator.pack == 1
    if has_codes or not has_room:
        return Condition(None)
    sizes = {
        factor: {name: count for name, count in images.items() if count}
        for factor, images in counts.items()
    }
    sizes = {factor: images for factor, images in sizes.items() if len(images) > 1}
    if len(sizes) > 1:
        one = next(factor for factor in sizes if factor != CLUSTERS)
        return Condition(
            None,
            f"no classes, as there are {len(sizes)} kinds of labels ({listed(list(sizes), _NAMED)};"
            f" `model.condition={one}` learns one)",
        )
    if CLUSTERS in sizes:
        return Condition(None, f"no classes, as labels named {CLUSTERS} cannot be learned")
    instead = in_place_of_classes(count)
    why_not = ""
    for factor, images in sizes.items():
        why_not = _why_not(factor, tuple(images.values()))
        if not why_not and instead is not None:
            why_not = _says_little(factor, images)
        if not why_not:
            return Condition(factor, f"{len(images)} classes ({factor})")
    if instead is None:
        return Condition(None, why_not)
    found = "clusters of similar images"
    return Condition(instead, f"{found} ({why_not})" if why_not else found)


def in_place_of_classes(count: int) -> str | None:
    """What ``auto`` learns of so many images without classes: clusters, or None."""
    least, most = _CLUSTERED
    return CLUSTERS if least <= count <= most else None


def _why_not(factor: str, images: Sequence[int]) -> str:
    """Why classes with so many images are not learned; empty if they are."""
    if len(images) > _MOST_CLASSES:
        return f"no classes, as {len(images):,} ({factor}) are more than {_MOST_CLASSES}"
    if sum(images) < _IMAGES_OF_CLASS * len(images):
        return (
            f"no classes, as those of {factor} have {sum(images) / len(images):.0f} images on"
            f" average, fewer than {_IMAGES_OF_CLASS}"
        )
    return ""


def _says_little(factor: str, images: Mapping[str, int]) -> str:
    """Why classes with so many images say little about most of them; empty if they say more."""
    name = max(images, key=lambda name: images[name])
    share = images[name] / sum(images.values())
    if share <= _LARGEST:
        return ""
    return (
        f"{share:.0%} of the images are in one class, {name}; `model.condition={factor}` learns the"
        " classes"
    )


def unlike_their_classes(dataset: ImageDataset, factor: str) -> str | None:
    """That images do not look like their classes, in words; None if they do, or if images are few.

    See :func:`dcgan.data.quality.likeness.unlike_classes`.
    """
    least, most = LOOKED_AT
    if factor == CLUSTERS or len(dataset) < least or not isinstance(dataset, HeldDataset):
        return None
    pixels = (torch.from_numpy(part).float() for part in dataset.spread(most))
    thumbnail_NF = torch.cat([adaptive_avg_pool2d(part, _SIDE) for part in pixels]).flatten(1)
    class_N = dataset.labels[factor].values[dataset.rows(dataset.spread_indices(most))]
    unlike = unlike_classes(thumbnail_NF, class_N)
    return None if unlike is None else unlike_in_words(factor, unlike)


def unlike_in_words(factor: str, unlike: Unlike) -> str:
    """What is wrong with classes that images do not look like."""
    return (
        f"the classes ({factor}) may say nothing about the images: the most similar image has the"
        f" same class in {unlike.same:.0%} of cases, by chance in {unlike.by_chance:.0%}. Such"
        " classes make images worse."
    )


def refuse_missing_condition(wanted: str, labels: Mapping[str, Labels]) -> None:
    """Raise ConfigError if training shall be conditional on labels that the images do not have."""
    named = [name for name, one in labels.items() if one.names]
    if wanted in {*named, CLUSTERS}:
        return
    near = nearest_of(wanted, [*named, CLUSTERS]) or (named[0] if named else "")
    raise ConfigError(
        "model.condition",
        wanted,
        f"no such factor. The factors are {', '.join(named)}. Use `model.condition={near}`"
        if named
        else "these images have no labels. Sort them into one folder per class, or train a new run"
        f" with `model.condition={CLUSTERS}` (of similar images) or `model.condition=none`",
    )


def refuse_labels_named_clusters(labels: Mapping[str, Labels]) -> None:
    """Raise ConfigError if clusters shall be learned of images that have labels of that name."""
    if CLUSTERS in labels and len(labels[CLUSTERS].names) > 1:
        raise ConfigError(
            "model.condition",
            CLUSTERS,
            "these images have labels of this name, which means clusters of similar images. To"
            " learn the labels, give them another name. To learn clusters of similar images, use"
            " `data.labels=none`",
        )


def refuse_other_classes(ours: Networks, stored: Networks, folder: Path) -> None:
    """Refuse to resume a conditional run with other classes, or other images in them.

    Raises
    ------
    DataError
        Class names or shares differ.
    """
    if ours.class_names != stored.class_names:
        there, here = stored.class_names, ours.class_names
        gone = [name for name in there if name not in here]
        added = [name for name in here if name not in there]
        changes = [
            f"{what} {listed(names, _NAMED)}"
            for what, names in (("without", gone), ("with", added))
            if names
        ]
        raise DataError(
            f"{folder}: was started with other classes. The data now is"
            f" {' and '.join(changes) or 'in another order'}. Restore the labels, or"
            " choose another `out`"
        )
    if ours.latent.classes != stored.latent.classes:
        raise DataError(
            f"{folder}: was started with other numbers of images in its classes. Restore the"
            " labels, or choose another `out`"
        )
