"""Training a small classifier of the very pictures that are measured, where they have labels.

N images · B batch · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.classifier_network import Card, Classifier, place
from dcgan.metrics.extractors.pixels import check_shape
from dcgan.metrics.extractors.weights import he_weights, without_weights
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed

NAME = "classifier"


FEWEST_IMAGES = 10
"""Of each class: one is held out, and fewer than nine teach nothing."""

MOST_CLASSES = 1000
"""As many as ImageNet has: ten thousand persons are too many for so small a network."""

_HELD_OUT = 0.1

_BATCH = 128

_FEWEST_IMAGES, _MOST_EPOCHS, _MOST_IMAGES = 16_000, 20, 220_000
"""Images seen in training. Measured 2026-11-22 with one thread, on a core that others used too:
CIFAR-10 78.3 % right after 220,000 (6 minutes), MNIST 99.4 % after as many (5 minutes), the 1,797
digits 98.9 % after 32,000 (22 seconds)."""

_PEAK_RATE = 0.2
_WARM_UP = 0.25
"""Share of training in which the learning rate rises, in a line, to fall for the rest: one cycle
trains small residual networks in a few epochs (Smith & Topin 2018, arXiv:1708.07120)."""

_MOMENTUM = 0.9
_WEIGHT_DECAY = 5e-4

_LARGEST_SHIFT = 1 / 12
"""Of a side: pictures are moved by up to so much while training. Nothing is mirrored, since
letters and digits would become others."""


def train_classifier(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    class_names: Sequence[str],
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    budget: int | None = None,
    shifted: bool = True,
    reporter: Reporter = SILENT,
) -> Extractor:
    """Train a classifier on nine tenths of labelled pictures, and test it on the rest.

    The same pictures, seed, machine and number of threads give the same weights (on CUDA, as far
    as its convolutions are deterministic). Global random generators are neither used nor changed.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
        1 to 4 channels; sides of at least 16 pixels.
    labels : integers (N,)
        From 0 to K - 1.
    class_names : sequence of str
        K of them, from 2 to 1000; of each class there are at least ten pictures.
    seed : int, default 0
    device : torch.device, default CPU
    budget : int, optional
        Images to see in training; default: 20 times each picture, at least 16,000 and at most
        220,000.
    shifted : bool
        Whether pictures are moved a little while it learns; not where labels say where things are.
    reporter : Reporter, default silent
        Receives notes and progress.

    Returns
    -------
    Extractor
        Its ``about`` states the accuracy on the pictures held out.

    Raises
    ------
    DataError
        Labels or images that no classifier can be trained on.
    """
    _check_data(images, labels, class_names)
    random = np.random.Generator(np.random.Philox(derived_seed(seed, NAME)))
    train_rows, test_rows = _split(labels, random)
    budget = budget or min(max(_MOST_EPOCHS * len(train_rows), _FEWEST_IMAGES), _MOST_IMAGES)
    card = Card(
        channels=images.shape[1],
        size=(images.shape[2], images.shape[3]),
        classes=tuple(class_names),
        trained_on=len(train_rows),
        held_out=len(test_rows),
    )
    reporter.note(
        f"training a classifier of {len(card.classes)} classes to measure with:"
        f" {budget:,} images, once for these pictures"
    )
    network = without_weights(lambda: Classifier(card))
    he_weights(network, random)
    count = max(budget // _BATCH, 1)
    batches = _batches(images, labels, train_rows, count, random, shifted=shifted)
    _fit(network, batches, count, torch.device(device), reporter)
    network.card = replace(card, right=_count_right(network, images, labels, test_rows, device))
    reporter.note(f"the classifier to measure with: {network.card}")
    return as_extractor(network, device)


def as_extractor(network: Classifier, device: torch.device | str) -> Extractor:
    """A trained classifier as an extractor."""
    card = network.card
    place(network, torch.device(device))
    return Extractor(NAME, network, about=str(card), classes=card.classes, device=device)


def _check_data(images: NDArray[np.uint8], labels: NDArray[Any], names: Sequence[str]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise DataError(
            f"images of {images.dtype} {images.shape}: give uint8 of shape (N, C, H, W)"
        )
    check_shape(images.shape[1], images.shape[2:])
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"labels of {labels.dtype} {labels.shape} for {len(images):,} images: give one class"
            " number for each"
        )
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(
            f"{len(names):,} classes: a classifier tells from 2 to {MOST_CLASSES:,} apart; take"
            " another label, or the random extractor, which needs none"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        raise DataError(
            f"labels from {labels.min()} to {labels.max()}, but {len(names)} class names: number"
            f" the classes from 0 to {len(names) - 1}"
        )
    counts = np.bincount(labels, minlength=len(names))
    if counts.min() < FEWEST_IMAGES:
        rarest = int(counts.argmin())
        raise DataError(
            f"class {names[rarest]!r} has {counts[rarest]} pictures, a classifier needs at least"
            f" {FEWEST_IMAGES} of each; leave that class out, or take the random extractor"
        )


def _split(
    labels: NDArray[Any], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from, and rows held out: a tenth of each class, both in order."""
    is_held_out = np.zeros(len(labels), dtype=bool)
    for number in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == number))
        is_held_out[rows[: round(_HELD_OUT * len(rows))]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _batches(
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    rows: NDArray[np.int64],
    count: int,
    random: np.random.Generator,
    *,
    shifted: bool,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of pictures and their labels, through all rows in one order after another."""
    ahead = np.empty(0, np.int64)
    for _ in range(count):
        while len(ahead) < _BATCH:
            ahead = np.concatenate([ahead, random.permutation(rows)])
        chosen, ahead = ahead[:_BATCH], ahead[_BATCH:]
        shown = _shifted(images[chosen], random) if shifted else images[chosen]
        yield torch.from_numpy(shown), torch.from_numpy(labels[chosen].astype(np.int64))


def _shifted(pixel_BCHW: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Each picture moved at random; what comes in is what stood at the edge."""
    count, _, *sides = pixel_BCHW.shape
    places = []
    for side in sides:
        most = round(side * _LARGEST_SHIFT)
        moved = np.arange(side) + random.integers(-most, most, (count, 1), endpoint=True)
        places.append(moved.clip(0, side - 1))
    image, (row, column) = np.arange(count)[:, None, None], places
    shifted_BHWC = pixel_BCHW[image, :, row[:, :, None], column[:, None, :]]
    return np.ascontiguousarray(shifted_BHWC.transpose(0, 3, 1, 2))


def _fit(
    network: Classifier,
    batches: Iterator[tuple[Tensor, Tensor]],
    count: int,
    device: torch.device,
    reporter: Reporter,
) -> None:
    place(network, device).train()
    # neither biases nor batch norm's scales decay: they do not make a network more complex
    groups: list[dict[str, Any]] = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": _WEIGHT_DECAY},
        {"params": [p for p in network.parameters() if p.ndim <= 1]},
    ]
    optimizer = torch.optim.SGD(groups, lr=_PEAK_RATE, momentum=_MOMENTUM, nesterov=True)
    for step, (pixel_BCHW, label_B) in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = _PEAK_RATE * _share_of_rate((step + 1) / (count + 1))
        _, logit_BK = network(pixel_BCHW.to(device))
        optimizer.zero_grad()
        loss = cross_entropy(logit_BK, label_B.to(device))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        reporter.progress("training the classifier", (step + 1) * _BATCH, count * _BATCH)


def _share_of_rate(done: float) -> float:
    """Of the peak rate, when a share of training is done: up in a line, then down to nothing."""
    return min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP))


def _count_right(
    network: Classifier,
    images: NDArray[np.uint8],
    labels: NDArray[Any],
    rows: NDArray[np.int64],
    device: torch.device | str,
) -> int:
    found = as_extractor(network, device)(
        images[part] for part in np.split(rows, range(1024, len(rows), 1024))
    )
    assert found.probabilities is not None
    return int((found.probabilities.argmax(axis=1) == labels[rows]).sum())
