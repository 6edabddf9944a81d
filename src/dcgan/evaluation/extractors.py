"""Extractors by the name a person gives, for a run's pictures."""

from __future__ import annotations

import hashlib
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from dcgan.data import ImageDataset, Labels
from dcgan.data.stream import STREAMED
from dcgan.errors import ConfigError, DataError, did_you_mean
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.chance import is_clearly_above_chance
from dcgan.metrics.extractors.classifier import (
    FEWEST_IMAGES,
    MOST_CLASSES,
    cached_classifier,
    is_kept,
)
from dcgan.metrics.extractors.classifier_network import Classifier
from dcgan.metrics.extractors.inception import inception_extractor
from dcgan.metrics.extractors.module import module_extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.runtime.files import expanded
from dcgan.runtime.reporting import SILENT, Reporter

NAMES = ("auto", "random", "classifier", "inception")

_MOST_TAUGHT = 60_000
"""Pictures that a classifier is trained on: as many as MNIST has."""

_TAUGHT_BYTES = 1_500_000_000
"""Of pictures that are held while it learns."""

_BRIEF = 40_000
"""Images that a classifier sees which only reads samples: the digits' is 98.9 % right after
32,000."""

_LOOKED_AT = 64
"""Pictures whose pixels tell a streamed collection from a changed one of the same names."""


def open_extractor(
    wanted: str,
    dataset: ImageDataset,
    *,
    device: torch.device | str = "cpu",
    download: bool = False,
    reporter: Reporter = SILENT,
) -> Extractor:
    """An extractor by its name, or from a file.

    Parameters
    ----------
    wanted : str
        ``random``; ``classifier``, trained once on the pictures' own labels and kept;
        ``inception``, the standard weights where they are in the cache; ``auto``, the classifier
        where there are labels, else random; or a file: a ``.pth`` of Inception weights, or
        TorchScript or an exported program that only computes on tensors. A classifier that is not
        clearly better than guessing (see :mod:`dcgan.metrics.extractors.chance`) is not used:
        random takes its place.
    dataset : Pictures
        Give the size, the channels and the labels.
    device : torch.device, default CPU
    download : bool
        Whether Inception's weights may be fetched.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    ConfigError
        Neither a name nor a file.
    DataError
        ``classifier`` without labels, or a file that is no such extractor.
    """
    refuse_unknown(wanted)
    channels, height, width = dataset.shape
    match wanted:
        case "auto":
            name = "classifier" if _can_be_taught(dataset) else "random"
            return open_extractor(name, dataset, device=device, reporter=reporter)
        case "random":
            return random_extractor(channels, (height, width), device=device)
        case "classifier":
            found = classes_of(dataset)
            if found is None:
                raise DataError(
                    "these pictures have no labels to train a classifier on; take --extractor"
                    " random, or sort them into one folder per class"
                )
            classifier = factor_classifier(dataset, *found, device=device, reporter=reporter)
            trouble = _near_chance(classifier, dataset, found[1])
            if trouble:
                reporter.note(f"measuring with the extractor random: {trouble}")
            return (
                random_extractor(channels, (height, width), device=device)
                if trouble
                else classifier
            )
        case "inception":
            return inception_extractor(None, device=device, download=download)
    path = expanded(wanted)
    if path.suffix == ".pth":
        return inception_extractor(path, device=device)
    return module_extractor(path, device=device)


def refuse_unknown(wanted: str, key: str = "extractor") -> None:
    """Raise ``ConfigError`` for what is neither an extractor's name nor a file.

    Parameters
    ----------
    wanted : str
        As for :func:`open_extractor`, which asks this itself: ask before anything is decoded.
    key : str
        The setting to name.
    """
    if wanted not in NAMES and not expanded(wanted).is_file():
        raise ConfigError(key, wanted, f"neither a file nor a name; {did_you_mean(wanted, NAMES)}")


def classes_of(dataset: ImageDataset, factor: str | None = None) -> tuple[str, Labels] | None:
    """The factor by which pictures are classified: ``label`` or the first that has names.

    Parameters
    ----------
    factor : str, optional
        Only this one.
    """
    named = {name: labels for name, labels in dataset.labels.items() if labels.names}
    if factor is not None:
        return (factor, named[factor]) if factor in named else None
    if "label" in named:
        return "label", named["label"]
    return next(iter(named.items()), None)


def _can_be_taught(dataset: ImageDataset) -> bool:
    found = classes_of(dataset)
    if found is None:
        return False
    numbers = found[1].values[dataset.rows(_taught_rows(dataset))].astype(np.int64)
    counts = np.bincount(numbers, minlength=len(found[1].names))
    return 2 <= len(counts) <= MOST_CLASSES and bool(counts.min() >= FEWEST_IMAGES)


def _near_chance(extractor: Extractor, dataset: ImageDataset, labels: Labels) -> str:
    """Why a classifier's features mean nothing; empty where it has learned its classes."""
    network = extractor.network
    if not isinstance(network, Classifier):
        return ""
    card = network.card
    numbers = labels.values[dataset.rows(_taught_rows(dataset))].astype(np.int64)
    majority = float(np.bincount(numbers).max()) / len(numbers)
    if is_clearly_above_chance(card.right, card.held_out, majority):
        return ""
    return (
        f"the classifier of the labels is right on {card.right:,} of {card.held_out:,} held-out"
        f" images ({card.accuracy:.1%}), not clearly more than naming the most frequent class"
        f" always ({majority:.1%})"
    )


def _taught_rows(dataset: ImageDataset) -> NDArray[np.int64]:
    most = min(_MOST_TAUGHT, _TAUGHT_BYTES // prod(dataset.shape))
    return chosen_order(len(dataset))[:most]


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
    """A classifier of pictures by one factor, trained once on them and kept.

    Parameters
    ----------
    dataset : Pictures
    factor : str
        Its name.
    labels : Labels
        The classes of all pictures by it.
    device : torch.device, default CPU
    shifted : bool
        Whether it learns from pictures moved a little, too: better, unless the factor is a place.
    brief : bool
        Where it has to be trained, only so long that it can be read by: it measures nothing.
    reporter : Reporter, default silent
        Receives notes and progress.

    Raises
    ------
    DataError
        Too few pictures of a class, or too many classes.
    """
    rows = _taught_rows(dataset)
    numbers = labels.values[dataset.rows(rows)].astype(np.int64)
    key = hashlib.sha256(f"{dataset.fingerprint} {dataset.shape} {factor}".encode())
    key.update(numbers.tobytes())
    if not shifted:
        key.update(b"still")
    if dataset.fingerprint.startswith(STREAMED):  # made of names: pixels may change under them
        key.update(take(dataset, rows[:_LOOKED_AT]).tobytes())
    budget = None
    if brief and not is_kept(_name(key)):
        budget = _BRIEF
        key.update(b"brief")
    return cached_classifier(
        _name(key),
        lambda: (take(dataset, rows), numbers, labels.names),
        device=device,
        budget=budget,
        shifted=shifted,
        reporter=reporter,
    )


def _name(key: hashlib._Hash) -> str:
    return key.hexdigest()[:24]
