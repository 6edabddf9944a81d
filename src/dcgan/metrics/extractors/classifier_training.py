"""Training a small classifier on labeled images, whose features metrics are then computed on.

N images · B batch · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from dcgan.metrics.extractors.weights import he_weights, with_any_weights
from dcgan.runtime.optimizers import SGD
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.wording import counted

NAME = "classifier"

FEWEST_IMAGES = 10
"""Images of each class: one is held out, and fewer than nine are too few to learn from."""

MOST_CLASSES = 1000
"""As many as ImageNet has; the network is too small for more."""

_HELD_OUT = 0.1

_BATCH = 128

_FEWEST_SEEN, _MOST_EPOCHS, _MOST_SEEN = 16_000, 20, 220_000
"""Images seen in training. Measured 2026-11-22 with one thread, on a core that others used too:
CIFAR-10 78.3 % accurate after 220,000 (6 minutes), MNIST 99.4 % after as many (5 minutes), the
1,797 digits 98.9 % after 32,000 (22 seconds)."""

_PEAK_RATE = 0.2
_WARM_UP = 0.25
"""Share of training in which the learning rate rises linearly; then it falls. One such cycle trains
small residual networks in few epochs (Smith & Topin 2018, arXiv:1708.07120)."""

_MOMENTUM = 0.9
_WEIGHT_DECAY = 5e-4

_LARGEST_SHIFT = 1 / 12
"""Part of a side by which training images are shifted at most. They are never mirrored, as letters
and digits would become others."""


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
    """Train a classifier on nine tenths of labeled images, and test it on the rest.

    The same images, seed, machine and number of threads give the same weights (on CUDA, as far as
    its convolutions are deterministic). Global random generators are neither used nor changed.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
        1 to 4 channels; sides of at least 16 pixels.
    labels : integers (N,)
        From 0 to K - 1.
    class_names : sequence of str
        K of them, from 2 to 1000; at least ten images of each class.
    seed : int, default 0
    device : torch.device, default CPU
    budget : int, optional
        Images seen in training; default 20 times each image, at least 16,000 and at most 220,000.
    shifted : bool
        Whether training images are shifted a little; choose False if labels are positions.
    reporter : Reporter, default silent
        Receives notes and progress.

    Returns
    -------
    Extractor
        Its ``about`` states the accuracy on the held-out images.

    Raises
    ------
    DataError
        Labels or images that no classifier can be trained on.
    """
    _check_data(images, labels, class_names)
    random = np.random.Generator(np.random.Philox(derived_seed(seed, NAME)))
    train_rows, test_rows = _split(labels, random)
    budget = budget or min(max(_MOST_EPOCHS * len(train_rows), _FEWEST_SEEN), _MOST_SEEN)
    card = Card(
        channels=images.shape[1],
        size=(images.shape[2], images.shape[3]),
        classes=tuple(class_names),
        trained_on=len(train_rows),
        held_out=len(test_rows),
    )
    reporter.note(
        f"training a classifier of {len(card.classes)} classes as feature extractor:"
        f" {budget:,} images, once for this dataset"
    )
    network = with_any_weights(lambda: Classifier(card))
    he_weights(network, random)
    steps = max(budget // _BATCH, 1)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for rows in row_batches(train_rows, steps, _BATCH, random, drop_last=False):
            pixels = _shifted(images[rows], random) if shifted else images[rows]
            yield torch.from_numpy(pixels), torch.from_numpy(labels[rows].astype(np.int64))

    device = torch.device(device)
    place(network, device)
    # neither biases nor the scales of batch norm decay: they do not make a network more complex
    groups: list[dict[str, Any]] = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": _WEIGHT_DECAY},
        {"params": [p for p in network.parameters() if p.ndim <= 1]},
    ]
    optimizer = SGD(groups, lr=_PEAK_RATE, momentum=_MOMENTUM, nesterov=True)
    cycle = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _share_of_rate((step + 1) / (steps + 1))
    )
    network.train()
    for step in fit(lambda pixel_BCHW: network(pixel_BCHW)[1], optimizer, batches(), device):
        cycle.step()
        reporter.progress("training the classifier", step * _BATCH, steps * _BATCH)
    parts = np.split(test_rows, range(1024, len(test_rows), 1024))
    tested = as_extractor(network, device)(images[part] for part in parts)
    assert tested.probabilities is not None
    right = int((tested.probabilities.argmax(axis=1) == labels[test_rows]).sum())
    network.card = replace(card, right=right)
    reporter.note(f"the classifier: {network.card}")
    return as_extractor(network, device)


def held_out_of(count: int) -> int:
    """How many images of a class of ``count`` are held out to test a classifier."""
    return round(_HELD_OUT * count)


def row_batches(
    rows: NDArray[np.int64],
    count: int,
    batch: int,
    random: np.random.Generator,
    *,
    drop_last: bool,
) -> Iterator[NDArray[np.int64]]:
    """``count`` batches (B,) of rows (N,), which are shuffled anew whenever they are used up.

    Rows that are left at the end of an epoch are dropped, or start the next batch.
    """
    ahead = rows[:0]
    for _ in range(count):
        while len(ahead) < batch:
            shuffled = random.permutation(rows)
            ahead = shuffled if drop_last else np.concatenate([ahead, shuffled])
        chosen, ahead = ahead[:batch], ahead[batch:]
        yield chosen


def fit(
    logits_of: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    batches: Iterable[tuple[Tensor, Tensor]],
    device: torch.device,
) -> Iterator[int]:
    """Minimize the cross-entropy of a classifier, one step per batch; yields the number of steps.

    ``logits_of`` maps pixels, uint8 (B, C, H, W), to logits (B, K); a batch holds pixels and
    classes, int64 (B,).
    """
    for step, (pixel_BCHW, class_B) in enumerate(batches, start=1):
        loss = cross_entropy(logits_of(pixel_BCHW.to(device)), class_B.to(device))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        yield step


def as_extractor(network: Classifier, device: torch.device | str) -> Extractor:
    """A trained classifier as an extractor."""
    card = network.card
    place(network, torch.device(device))
    return Extractor(NAME, network, about=str(card), classes=card.classes, device=device)


def _check_data(images: NDArray[np.uint8], labels: NDArray[Any], names: Sequence[str]) -> None:
    if images.dtype != np.uint8 or images.ndim != 4:
        raise DataError(f"images: {images.dtype} {images.shape}, but must be uint8 (N, C, H, W)")
    check_shape(images.shape[1], images.shape[2:])
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"labels of {labels.dtype} {labels.shape} for {len(images):,} images: one class number"
            " for each image is needed"
        )
    if not 2 <= len(names) <= MOST_CLASSES:
        raise DataError(
            f"{len(names):,} classes: a classifier needs from 2 to {MOST_CLASSES:,}. Choose another"
            " label, or `extractor=pretrained`, which needs none"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(names):
        raise DataError(
            f"labels from {labels.min()} to {labels.max()}, but {len(names)} class names. Number"
            f" the classes from 0 to {len(names) - 1}"
        )
    counts = np.bincount(labels, minlength=len(names))
    if counts.min() < FEWEST_IMAGES:
        rarest = int(counts.argmin())
        raise DataError(
            f"class {names[rarest]!r} has {counted(int(counts[rarest]), 'image')}; a classifier"
            f" needs at least {FEWEST_IMAGES} of each class. Leave the class out, or set"
            " `extractor=pretrained`"
        )


def _split(
    labels: NDArray[Any], random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on, and rows held out: a tenth of each class. Both in ascending order."""
    is_held_out = np.zeros(len(labels), dtype=bool)
    for number in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == number))
        is_held_out[rows[: held_out_of(len(rows))]] = True
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _shifted(pixel_BCHW: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Each image shifted at random; the pixels at the edge are repeated."""
    count, _, *sides = pixel_BCHW.shape
    places = []
    for side in sides:
        most = round(side * _LARGEST_SHIFT)
        moved = np.arange(side) + random.integers(-most, most, (count, 1), endpoint=True)
        places.append(moved.clip(0, side - 1))
    image, (row, column) = np.arange(count)[:, None, None], places
    shifted_BHWC = pixel_BCHW[image, :, row[:, :, None], column[:, None, :]]
    return np.ascontiguousarray(shifted_BHWC.transpose(0, 3, 1, 2))


def _share_of_rate(done: float) -> float:
    """The part of the peak rate after a share of training: up linearly, then down to 0."""
    return min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP))
