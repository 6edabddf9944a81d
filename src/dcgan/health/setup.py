"""The networks' layers, the dataset and its loading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dcgan.health.finding import Finding
from dcgan.health.history import History, Network, Setup
from dcgan.health.step import Step, retrain, slower
from dcgan.health.variety import start

_GAP = 0.4
"""Difference between images made with the final statistics and with those of a training batch, in
standard deviations of the pixels; healthy runs with batches of 32 have 0.04 to 0.2."""

_SMALL_BATCH = 8
"""Images from which on the statistics of a batch resemble those of all images (Wu & He 2018,
arXiv:1803.08494, figure 1)."""

_LENGTHS = 3
"""Times the images that recognizable ones need, which a run with larger batches gets at least."""

_DEAD = 0.3
"""Share of the channels after a ReLU that are always zero."""

_WAITING = 0.4
"""Share of the time in which training waits for images."""

_FEW = 500
"""Images below which a GAN mostly repeats or copies them: Karras et al. 2020 (arXiv:2006.06676)
need augmentation from a few thousand on."""


def batch_norm_mismatch(history: History) -> Iterator[Finding]:
    """Batch norm behaves differently in training and afterwards."""
    gap, batch = history.sign("batch_norm_gap"), history.setup.batch
    if len(gap.values) < 2 or (gap.values[-2:].min() < _GAP and batch >= _SMALL_BATCH):
        return
    is_large = gap.values > _GAP
    yield Finding(
        "batch-norm-mismatch",
        "warning",
        start(gap.images, is_large) if is_large[-1] else 0,
        f"Batches of {batch} images are too small for batch norm, which needs at least"
        f" {_SMALL_BATCH}: images generated after training do not look as they did during training."
        if batch < _SMALL_BATCH
        else "Because of batch norm, images generated after training differ from those during"
        f" training, by {gap.last:.0%} of their contrast.",
        retrain(history.setup, _larger_batch(history.setup)),
        {"batch_norm_gap": gap.last, "batch": float(batch)},
    )


def _larger_batch(setup: Setup) -> dict[str, int]:
    """Twice the least that batch norm needs, and more images, because there are fewer steps."""
    changes = {"optim.batch": max(2 * _SMALL_BATCH, 2 * setup.batch)}
    enough = _LENGTHS * (setup.usual or 0)
    return changes | ({"length.images": enough} if 0 < (setup.images or 0) < enough else {})


def dead_units(history: History) -> Iterator[Finding]:
    """Channels that are zero for every image."""
    players: tuple[Network, ...] = ("generator", "discriminator")
    for network in players:
        name = f"dead_{network}"
        dead = history.sign(name)
        if not len(dead.values) or dead.values[-2:].min() <= _DEAD:
            continue
        yield Finding(
            "dead-units",
            "warning",
            start(dead.images, dead.values > _DEAD),
            f"{dead.last:.0%} of the {network}'s channels are zero for every image that was"
            " generated. They are unused.",
            retrain(history.setup, slower(history.setup, network)),
            {name: dead.last},
        )


def slow_data(history: History) -> Iterator[Finding]:
    """Training waits for images."""
    waiting = history.curve("waiting")
    if len(waiting.values) < 10 or np.median(waiting.values[5:]) < _WAITING:
        return
    share = float(np.median(waiting.values[5:]))
    yield Finding(
        "slow-data",
        "warning",
        int(waiting.images[5]),
        f"Training spends {share:.0%} of its time waiting for images: reading and decoding them is"
        " slower than the networks.",
        Step("Decode the images once, and train on the result", "prepare"),
        {"waiting": share},
    )


def unlike_classes(history: History) -> Iterator[Finding]:
    """Training began with classes that the images do not look like."""
    found = [event for event in history.events if event.get("event") == "unlike-classes"]
    if found:
        said, instead = found[-1]["said"], found[-1].get("instead") or "none"
        step = retrain(history.setup, {"model.condition": instead})
        if instead == "none":
            step = replace(step, advice="Start a new run without its classes")
        yield Finding("unlike-classes", "note", 0, f"{said[:1].upper()}{said[1:]}", step)


def too_few_images(history: History) -> Iterator[Finding]:
    """A small dataset, which is seen again and again."""
    count = history.setup.dataset_images
    if not 0 < count < _FEW:
        return
    yield Finding(
        "too-few-images",
        "note",
        0,
        f"The dataset has {count:,} images. With fewer than {_FEW}, a generator mostly repeats or"
        " copies them.",
        Step("Add images"),
        {"dataset_images": float(count), "epochs": history.images_seen / count},
    )
