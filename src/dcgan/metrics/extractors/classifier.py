"""A classifier as an extractor: trained once, written whole or not at all, checked when read.

N images · C channels · H, W sides
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors import SafetensorError

from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor, digest_of
from dcgan.metrics.extractors.classifier_network import Card, Classifier
from dcgan.metrics.extractors.classifier_training import (
    FEWEST_IMAGES,
    MOST_CLASSES,
    as_extractor,
    train_classifier,
)
from dcgan.metrics.extractors.weights import without_weights
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import as_json, folder_written_whole
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.tensors import load_tensors, save_tensors

__all__ = [
    "FEWEST_IMAGES",
    "MOST_CLASSES",
    "cached_classifier",
    "is_kept",
    "load_classifier",
    "save_extractor",
    "train_classifier",
]

FORMAT = 1
"""Raised whenever training or reading changes: what was kept before is trained anew."""

_WEIGHTS, _CARD = "weights.safetensors", "classifier.json"

Labelled = tuple[NDArray[np.uint8], NDArray[Any], Sequence[str]]
"""What :func:`~dcgan.metrics.extractors.classifier_training.train_classifier` learns from."""


def save_extractor(extractor: Extractor, folder: Path) -> None:
    """Write a classifier's weights and card; what the folder held before is replaced.

    Parameters
    ----------
    extractor : Extractor
        From :func:`~dcgan.metrics.extractors.classifier_training.train_classifier`.
    folder : Path
        Appears by one rename, when everything is on disk.

    Raises
    ------
    DataError
        An extractor of another kind: those are made anew, or lie in a file already.
    """
    network = extractor.network
    if not isinstance(network, Classifier):
        raise DataError(f"{extractor.label}: only trained classifiers are kept in folders")
    card = {"format": FORMAT, "digest": digest_of(network), **asdict(network.card)}
    shutil.rmtree(folder, ignore_errors=True)
    with folder_written_whole(folder) as unfinished:
        save_tensors(network.state_dict(), unfinished / _WEIGHTS, shown=folder)
        (unfinished / _CARD).write_text(as_json(card), "utf-8")


def load_classifier(folder: Path, device: torch.device | str = "cpu") -> Extractor:
    """A classifier that :func:`save_extractor` wrote: the same weights and the same digest.

    Raises
    ------
    DataError
        Missing, damaged, altered, or of another version.
    """
    try:
        card = read_json(folder / _CARD)
        stored, digest = card.pop("format"), card.pop("digest")
        if stored != FORMAT:
            raise DataError(
                f"{folder}: of format {stored}, this version reads {FORMAT}; train it again"
            )
        card["size"], card["classes"] = tuple(card["size"]), tuple(card["classes"])
        network = without_weights(lambda: Classifier(Card(**card)))
        network.load_state_dict(load_tensors(folder / _WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder}: no whole classifier ({error}); train it again") from error
    except (RuntimeError, SafetensorError) as error:
        raise DataError(f"{folder}: damaged weights ({error}); train it again") from error
    if digest_of(network) != digest:
        raise DataError(f"{folder}: altered since it was written; train it again")
    return as_extractor(network, device)


def cached_classifier(
    key: str,
    read: Callable[[], Labelled],
    *,
    device: torch.device | str = "cpu",
    budget: int | None = None,
    shifted: bool = True,
    reporter: Reporter = SILENT,
) -> Extractor:
    """The classifier of a set of pictures: trained once, and kept where ``DCGAN_CACHE`` says.

    One process trains, others wait for it. Where nothing can be kept, it is trained all the same.

    Parameters
    ----------
    key : str
        What tells these pictures and labels from all others, fit for a folder's name.
    read : callable
        Gives images, labels and class names; called only when there is something to train.
    device : torch.device, default CPU
    budget, shifted, reporter, progress
        As in :func:`~dcgan.metrics.extractors.classifier_training.train_classifier`.

    Raises
    ------
    DataError
        What ``read`` gives cannot be learned from.
    """

    def trained() -> Extractor:
        return train_classifier(
            *read(), device=device, budget=budget, shifted=shifted, reporter=reporter
        )

    folder = cache_folder() / "extractors" / key
    kept = _kept(folder, device)
    if kept is not None:
        return kept
    lock = FileLock(folder.with_name(f".{key}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            reporter.note("another process trains the classifier to measure with; waiting for it")
            lock.acquire()
    except OSError as error:
        reporter.note(
            f"{folder.parent}: cannot be written ({error}); the classifier will not be kept"
        )
        return trained()
    try:
        kept = _kept(folder, device)
        if kept is None:
            kept = trained()
            _keep(kept, folder, reporter)
        return kept
    finally:
        lock.release()


def is_kept(key: str) -> bool:
    """Whether :func:`cached_classifier` has one of this key, whole or not."""
    return (cache_folder() / "extractors" / key / _CARD).is_file()


def _kept(folder: Path, device: torch.device | str) -> Extractor | None:
    """What a folder holds; None where there is nothing, or something damaged."""
    try:
        return load_classifier(folder, device)
    except DataError:
        return None


def _keep(extractor: Extractor, folder: Path, reporter: Reporter) -> None:
    try:
        save_extractor(extractor, folder)
    except OSError as error:  # minutes of training are not lost for that
        reporter.note(f"{folder}: cannot be written ({error}); the classifier is not kept")
