"""Whether the generator makes many kinds of images, and whether it copies the training images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dcgan.health.finding import Finding
from dcgan.health.history import History, Setup
from dcgan.health.step import Step, even_rates, restrained, retrain, slower
from dcgan.runtime.wording import counted

_STEPS = 600
"""Steps after which something can be recognized, and not before two epochs, where it is not known
better."""

_COLLAPSED = 0.6
"""Share of images that repeat another one (real images: 0.05) at which a generator collapsed."""

_LEAVING = 0.8
"""Ratio of the gap to the score of real images, over three scores, below which images that look
alike become better fast."""

_ALIKE = 0.3
"""Variance of the features, divided by that of real images, below which one kind of image is left;
above it there are several."""

_NARROW = 0.35
"""Rank of the features, divided by that of real images, at which modes are missing."""

_LITTLE = 0.1
"""Coverage below which images resemble nothing after twice the images that recognizable ones need;
healthy runs then have 0.2 and more."""

_WORSE = 1.5
"""Times the first distance to real images, that of noise: training made images worse than that."""

_EPOCHS = 20
"""Epochs before which nothing is memorized."""

_LATENT = 32
"""Numbers of a latent from which on it does not limit variety."""

_PACK = "model.discriminator.pack"
_WITHOUT_PACKS = ("model.condition", "model.latent.categorical", "model.latent.continuous")
"""Settings with which the images of a pack cannot be judged together."""

NOTHING = 0.05
"""Coverage and recall of the real images (0.97 and 0.9 for other real images) below which images
resemble nothing; healthy runs have more of one of them after a third of the images that
recognizable ones need."""

_NEAR = 0.75
"""Median distance to the nearest training image, divided by that between real images, at which
images count as copies. A perfect generator has 1."""


def mode_collapse(history: History) -> Iterator[Finding]:
    """G makes one image, or few, again and again; or its images vary in few ways."""
    repeats, rank = history.sign("repeats"), history.sign("rank")
    if not has_begun(history) or not len(repeats.values):
        return
    excess = history.excess().values[-3:]
    if not has_begun(history, part=1) and excess[-1] < _LEAVING * excess[0]:
        return  # fog that takes shape: every image looks alike at first
    diversity = history.sign("diversity")
    is_repeated = repeats.values > _COLLAPSED
    is_full = is_repeated & (diversity.values < _ALIKE)
    is_narrow = is_repeated | (rank.values < _NARROW)
    evidence = {"repeats": repeats.last, "rank": rank.last, "diversity": diversity.last}
    if is_full[-1]:
        yield Finding(
            "mode-collapse",
            "failure",
            start(repeats.images, is_full),
            f"All generated images look alike: {repeats.last:.0%} of them have a near-copy among"
            " the others. Among real images, 5% have one.",
            retrain(
                history.setup,
                slower(history.setup, "generator") | restrained(history.setup),
                "the generator learns too fast",
            ),
            evidence,
        )
    elif is_narrow[-1]:
        yield Finding(
            "partial-mode-collapse",
            "warning",
            start(rank.images, is_narrow),
            f"The generator makes only a few kinds of images, each many times: {repeats.last:.0%}"
            " of the images have a near-copy among the others. Among real images, 5% have one."
            if repeats.last > _COLLAPSED
            else f"Some kinds of images are missing: generated images vary in {rank.last:.0%} as"
            " many ways as real ones.",
            retrain(
                history.setup,
                _wider_latent(history.setup) or _varied(history.setup),
                _why_alike(history.setup),
            ),
            evidence,
        )


def not_learning(history: History) -> Iterator[Finding]:
    """Images resemble none of the real ones, after more than enough training."""
    resembling = history.resemblance()
    is_late = has_begun(history, part=1)
    is_nothing = resembling.values < (_LITTLE if has_begun(history, part=2) else NOTHING)
    if len(resembling.values) < 3 or not is_nothing[-3:].all() or not has_begun(history):
        return
    excess = history.excess().values
    if not is_late and np.median(excess[-3:]) < _WORSE * excess[0]:
        return
    yield Finding(
        "not-learning",
        "failure",
        start(resembling.images, is_nothing),
        f"The generated images do not look like real ones after {history.images_seen:,} images"
        f" seen. Usually they do so after about {needed_for(history):,}.",
        retrain(history.setup, even_rates(history.setup)),
        {"coverage": history.sign("coverage").last, "recall": history.sign("recall").last},
    )


def copying(history: History) -> Iterator[Finding]:
    """Images are nearer to training images than these are to each other."""
    epochs = _EPOCHS * history.setup.dataset_images
    if not epochs:
        return
    distance = history.sign("distance").after(epochs)
    coverage = history.sign("coverage")
    is_near = distance.values < _NEAR
    if len(is_near) < 3 or not is_near[-3:].all():
        return
    yield Finding(
        "copying",
        "warning",
        start(distance.images, is_near),
        "Most generated images are closer to a training image than training images are to each"
        " other: the generator probably copies them. No test can distinguish copying from"
        " generating only typical images, and tests miss some copies.",
        Step(
            "Look at the pairs of generated and training images that this command shows", "evaluate"
        ),
        {"distance": distance.last, "coverage": coverage.last},
    )


def _why_alike(setup: Setup) -> str:
    dim = setup.get("model.latent.dim")
    if _wider_latent(setup):
        numbers = counted(dim, "number")
        return f"a latent (the generator's random input) of only {numbers} allows little variety"
    return "the generator learns too fast"


def _wider_latent(setup: Setup) -> dict[str, int]:
    """A latent of a usual size, where it has only few numbers and no shape, which fixes them."""
    dim = setup.get("model.latent.dim")
    is_small = isinstance(dim, int) and dim < _LATENT and not setup.get("model.latent.shape")
    return {"model.latent.dim": _LATENT} if is_small else {}


def _varied(setup: Setup) -> dict[str, Any]:
    """A slower generator and, where it can, a discriminator that looks at pairs of images: pairs
    have no classes and codes, and fill the batch."""
    is_paired = (setup.get(_PACK) or 1) > 1
    can_pair = not any(setup.get(key) for key in _WITHOUT_PACKS) and setup.batch % 2 == 0
    pairs = {_PACK: 2} if can_pair and not is_paired and not setup.has_table else {}
    return slower(setup, "generator") | pairs


def has_begun(history: History, part: float = 1 / 3) -> bool:
    """Whether images have begun to look like something, after a part of the images needed for
    that: early fog is no collapse."""
    return history.images_seen >= part * needed_for(history)


def needed_for(history: History) -> int:
    """Images seen after which something can be recognized."""
    setup = history.setup
    return setup.needed or max(_STEPS * setup.batch, 2 * setup.dataset_images)


def start(images_N: np.ndarray, holds_N: np.ndarray) -> int:
    """Images seen at the start of the stretch that holds at the end."""
    breaks = np.flatnonzero(~holds_N)
    first = int(breaks[-1]) + 1 if len(breaks) else 0
    return int(images_N[first])
