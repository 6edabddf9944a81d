"""A classifier as feature extractor: trained once, kept in the cache, and checked when it is read.

N images · C channels · H, W sides
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
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
from dcgan.metrics.extractors.classifier_training import as_extractor, train_classifier
from dcgan.metrics.extractors.weights import with_any_weights
from dcgan.runtime.cache import cache_folder
from dcgan.runtime.files import as_json, folder_written_whole
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.tensors import load_tensors, save_tensors

FORMAT = 1
"""Raised whenever training or reading changes; classifiers of another format are trained again."""

_WEIGHTS, _CARD = "weights.safetensors", "classifier.json"

Labeled = tuple[NDArray[np.uint8], NDArray[Any], Sequence[str]]
"""Images, labels and class names: the arguments of ``train_classifier``."""


def save_extractor(extractor: Extractor, folder: Path) -> None:
    """Write a classifier's weights and card; an existing folder is replaced.

    The folder appears by one rename when everything is on disk. Raises ``DataError`` for an
    extractor of another kind.
    """
    network = extractor.network
    if not isinstance(network, Classifier):
        raise DataError(f"{extractor.label}: only trained classifiers can be saved")
    card = {"format": FORMAT, "digest": digest_of(network), **asdict(network.card)}
    shutil.rmtree(folder, ignore_errors=True)
    with folder_written_whole(folder) as unfinished:
        save_tensors(network.state_dict(), unfinished / _WEIGHTS, shown=folder)
        (unfinished / _CARD).write_text(as_json(card), "utf-8")


def load_classifier(folder: Path, device: torch.device | str = "cpu") -> Extractor:
    """A classifier that :func:`save_extractor` wrote, with the same digest.

    Raises ``DataError`` if it is missing, damaged, changed, or of another version.
    """
    try:
        card = read_json(folder / _CARD)
        stored, digest = card.pop("format"), card.pop("digest")
        if stored != FORMAT:
            raise DataError(
                f"{folder}: its format is {stored}; this version reads {FORMAT}. Train it again"
            )
        card["size"], card["classes"] = tuple(card["size"]), tuple(card["classes"])
        network = with_any_weights(lambda: Classifier(Card(**card)))
        network.load_state_dict(load_tensors(folder / _WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder}: no complete classifier ({error}). Train it again") from error
    except (RuntimeError, SafetensorError) as error:
        raise DataError(f"{folder}: damaged weights ({error}). Train it again") from error
    if digest_of(network) != digest:
        raise DataError(f"{folder}: changed since it was written. Train it again")
    return as_extractor(network, device)


def cached_classifier(
    key: str,
    read: Callable[[], Labeled],
    *,
    device: torch.device | str = "cpu",
    budget: int | None = None,
    shifted: bool = True,
    reporter: Reporter = SILENT,
) -> Extractor:
    """The classifier of a dataset, trained once and kept in the cache.

    One process trains, others wait for it. If the cache cannot be written, it is trained each time.

    Parameters
    ----------
    key : str
        Identifies the images and labels; part of a folder's name.
    read : callable
        Returns images, labels and class names; called only to train.
    device, budget, shifted, reporter
        As for :func:`~dcgan.metrics.extractors.classifier_training.train_classifier`.
    """

    def trained() -> Extractor:
        return train_classifier(
            *read(), device=device, budget=budget, shifted=shifted, reporter=reporter
        )

    folder = cache_folder() / "extractors" / key
    with suppress(DataError):
        return load_classifier(folder, device)
    lock = FileLock(folder.with_name(f".{key}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            reporter.note("waiting for another process, which trains the classifier")
            lock.acquire()
    except OSError as error:
        reporter.note(f"{folder.parent}: cannot be written ({error}); the classifier is not kept")
        return trained()
    try:
        with suppress(DataError):  # another process may have trained it
            return load_classifier(folder, device)
        classifier = trained()
        try:
            save_extractor(classifier, folder)
        except OSError as error:  # minutes of training are not lost for that
            reporter.note(f"{folder}: cannot be written ({error}); the classifier is not kept")
        return classifier
    finally:
        lock.release()


def is_kept(key: str) -> bool:
    """Whether :func:`cached_classifier` has one of this key; it may be damaged."""
    return (cache_folder() / "extractors" / key / _CARD).is_file()
