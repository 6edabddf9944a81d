"""Feature extractors by name, for a dataset."""

from __future__ import annotations

import hashlib
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data import ImageDataset, Labels
from dcgan.data.stream import STREAMED
from dcgan.errors import ConfigError, DataError, did_you_mean
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.chance import is_clearly_above_chance
from dcgan.metrics.extractors.classifier import cached_classifier, is_kept
from dcgan.metrics.extractors.classifier_network import Classifier
from dcgan.metrics.extractors.classifier_training import (
    FEWEST_IMAGES,
    MOST_CLASSES,
    held_out_of,
)
from dcgan.metrics.extractors.inception import inception_extractor
from dcgan.metrics.extractors.module import module_extractor
from dcgan.metrics.extractors.pretrained import pretrained_extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.runtime.files import expanded
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.wording import counted
from dcgan.vocabulary import CLUSTERS, EXTRACTORS

_MOST_IMAGES = 60_000
"""Images that a classifier is trained on: as many as MNIST has."""

_MOST_BYTES = 1_500_000_000
"""Bytes of images that are held while it is trained."""

_BRIEF = 40_000
"""Images seen by a classifier that only labels samples: that of the digits is 98.9 % accurate after
32,000."""

_LOOKED_AT = 64
"""Images whose pixels tell whether a streamed dataset has changed."""


def open_extractor(
    wanted: str,
    dataset: ImageDataset,
    *,
    device: torch.device | str = "cpu",
    download: bool = False,
    reporter: Reporter = SILENT,
) -> Extractor:
    """A feature extractor by its name, or from a file.

    Parameters
    ----------
    wanted : str
        ``pretrained``, a small network that comes with this package; ``classifier``, trained once
        on the dataset's labels and kept in the cache; ``random``, fixed random convolutions;
        ``inception``, the standard weights if they are in the cache; ``auto``, classifier if there
        are labels, else pretrained; or a file: Inception weights (``.pth``), TorchScript, or an
        exported program (``.pt2``). Instead of a classifier that is not clearly better than
        guessing (see :mod:`dcgan.metrics.extractors.chance`), pretrained is used; where the numbers
        of images already show that none can be, none is trained.
    dataset : ImageDataset
        Provides the size, the channels and the labels.
    device : torch.device, default CPU
    download : bool
        Whether to download the Inception weights if they are missing.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    ConfigError
        ``wanted`` is neither a name nor a file.
    DataError
        ``classifier`` without labels, or a file that is no extractor.
    """
    refuse_unknown(wanted)
    channels, height, width = dataset.shape
    if wanted == "auto":
        problem = _no_classes_to_learn(dataset)
        if problem:
            reporter.note(f"using the feature extractor pretrained: {problem}")
        wanted = "pretrained" if problem else "classifier"
    if wanted == "classifier":
        found = classes_of(dataset)
        if found is None:
            raise DataError(
                "the images have no labels to train a classifier on. Set `extractor=pretrained`, or"
                " sort the images into one folder per class"
            )
        problem = _too_unequal(dataset, found[1])
        if not problem:
            classifier = factor_classifier(dataset, *found, device=device, reporter=reporter)
            problem = _near_chance(classifier, dataset, found[1])
            if not problem:
                return classifier
        reporter.note(f"using the feature extractor pretrained: {problem}")
        wanted = "pretrained"
    if wanted == "pretrained":
        return pretrained_extractor(channels, (height, width), device=device)
    if wanted == "random":
        return random_extractor(channels, (height, width), device=device)
    if wanted == "inception":
        return inception_extractor(None, device=device, download=download)
    path = expanded(wanted)
    if path.suffix == ".pth":
        return inception_extractor(path, device=device)
    return module_extractor(path, device=device)


def refuse_unknown(wanted: str, key: str = "extractor") -> None:
    """Raise ``ConfigError`` for what is neither an extractor's name nor a file.

    :func:`open_extractor` does this itself; call it earlier, before images are decoded. ``key`` is
    the setting that the error names.
    """
    if wanted in EXTRACTORS or expanded(wanted).is_file():
        return
    if Path(wanted).suffix or len(Path(wanted).parts) > 1:
        raise ConfigError(
            key, wanted, f"no such file. Use a file, or one of {', '.join(EXTRACTORS)}"
        )
    raise ConfigError(key, wanted, f"neither a name nor a file; {did_you_mean(wanted, EXTRACTORS)}")


def classes_of(dataset: ImageDataset, factor: str | None = None) -> tuple[str, Labels] | None:
    """The factor whose classes a classifier learns: ``label``, or the first that has named classes.

    With ``factor``, only that one. Without, clusters do not count, as nobody named them.
    """
    named = {name: labels for name, labels in dataset.labels.items() if labels.names}
    if factor is not None:
        return (factor, named[factor]) if factor in named else None
    named.pop(CLUSTERS, None)
    if "label" in named:
        return "label", named["label"]
    return next(iter(named.items()), None)


def _no_classes_to_learn(dataset: ImageDataset) -> str:
    """Why no classifier can be trained on the labels; empty if one can."""
    found = classes_of(dataset)
    if found is None:
        return "the images have no labels to train a classifier on"
    names = found[1].names
    if not 2 <= len(names) <= MOST_CLASSES:
        return (
            f"{counted(len(names), 'class', 'classes')}; a classifier needs 2 to {MOST_CLASSES:,}"
        )
    _, classes = _training_part(dataset, found[1])
    counts = np.bincount(classes, minlength=len(names))
    if counts.min() >= FEWEST_IMAGES:
        return ""
    rarest = int(counts.argmin())
    return (
        f"class {names[rarest]} has {counted(int(counts[rarest]), 'image')}; a classifier needs"
        f" {FEWEST_IMAGES} of each"
    )


def _too_unequal(dataset: ImageDataset, labels: Labels) -> str:
    """Why no classifier of these classes can clearly beat guessing; empty if one can."""
    _, classes = _training_part(dataset, labels)
    counts = np.bincount(classes, minlength=len(labels.names))
    held_out = sum(map(held_out_of, counts.tolist()))
    majority = float(counts.max()) / len(classes)
    if is_clearly_above_chance(held_out, held_out, majority):
        return ""
    return (
        f"{majority:.1%} of the images are of the class {labels.names[int(counts.argmax())]}. With"
        f" {held_out:,} held-out images, even a perfect classifier cannot be shown to be better"
        " than always choosing it"
    )


def _near_chance(extractor: Extractor, dataset: ImageDataset, labels: Labels) -> str:
    """Why a classifier's features say nothing; empty if it has learned its classes."""
    network = extractor.network
    if not isinstance(network, Classifier):
        return ""
    card = network.card
    _, classes = _training_part(dataset, labels)
    majority = float(np.bincount(classes).max()) / len(classes)
    if is_clearly_above_chance(card.right, card.held_out, majority):
        return ""
    return (
        f"the classifier labels {card.right:,} of {card.held_out:,} held-out images correctly"
        f" ({card.accuracy:.1%}), not clearly more than always choosing the most frequent class"
        f" ({majority:.1%})"
    )


def _training_part(
    dataset: ImageDataset, labels: Labels
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows (N,) that a classifier is trained on, and their classes (N,)."""
    rows = chosen_order(len(dataset))[: min(_MOST_IMAGES, _MOST_BYTES // prod(dataset.shape))]
    return rows, labels.values[dataset.rows(rows)].astype(np.int64)


def factor_classifier(
    dataset: ImageDataset,
    factor: str,
    labels: Labels,
    *,
    device: torch.device | str = "cpu",
    shifted: bool = True,
    brief: bool = False,
    reporter: Reporter = SILENT,
) -> Extractor:
    """A classifier of images by one factor, trained once and kept in the cache.

    Parameters
    ----------
    dataset : ImageDataset
    factor : str
        Its name.
    labels : Labels
        The classes of all images by this factor.
    device : torch.device, default CPU
    shifted : bool
        Whether it is also trained on shifted images: better, unless the factor is a position.
    brief : bool
        Whether a short training suffices, as for labeling samples without computing scores.
    reporter : Reporter, default silent
        Receives notes and progress.
    """
    rows, classes = _training_part(dataset, labels)
    key = hashlib.sha256(f"{dataset.fingerprint} {dataset.shape} {factor}".encode())
    key.update(classes.tobytes())
    key.update(f"{labels.names}".encode())  # a classifier names its classes
    if not shifted:
        key.update(b"still")
    if dataset.fingerprint.startswith(STREAMED):  # made of file names: the pixels may change
        key.update(take(dataset, rows[:_LOOKED_AT]).tobytes())
    budget = None
    if brief and not is_kept(_name(key)):
        budget = _BRIEF
        key.update(b"brief")
    return cached_classifier(
        _name(key),
        lambda: (take(dataset, rows), classes, labels.names),
        device=device,
        budget=budget,
        shifted=shifted,
        reporter=reporter,
    )


def _name(key: hashlib._Hash) -> str:
    return key.hexdigest()[:24]
