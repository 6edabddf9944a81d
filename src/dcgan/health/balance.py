"""The balance of the two networks, from D's scores of real and generated images."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

import numpy as np
from numpy.typing import NDArray

from dcgan.health.finding import Finding, Severity
from dcgan.health.history import Curve, History, Setup, Stretch
from dcgan.health.step import faster, restrained, retrain, slower, with_few_images
from dcgan.health.variety import NOTHING, has_begun

_SURE = 0.95
"""D's mean probability of being right, on both sides, from which it wins: beyond it hardly any
gradient is left for G with the saturating loss (Goodfellow et al. 2014, section 3)."""

_LEVEL = 0.06
"""Largest difference between D's scores of real and generated images at which it tells nothing."""

_FOOLED = 0.1
"""By how much D's score of generated images exceeds that of real ones when garbage fools it."""

_SWING = 0.35
"""Distance between the high and low points of D's scores within a few log lines."""

_WRONG = 3.0
"""Times the loss of guessing: a D that is often sure and wrong."""

_FACTOR, _SCORE_SWINGS = 1.8, 2
"""Factor between high and low scores, and how many of them make an oscillation; scores of healthy
runs go up by a fifth at most."""

_SWINGS = 6
"""High and low points that make an oscillation."""

_OFTEN = 10
"""Epochs before which D cannot be overfitting."""

_CERTAIN = 0.9
"""Mean sign of D's logits of real images from which it is overfitting. Karras et al. 2020
(arXiv:2006.06676) augment from 0.6 on; healthy runs here stay below 0.8."""

_COVERED = 0.3
"""Coverage of the real images (0.97 for other real images) from which images are no garbage."""

_FEWEST_SCORES = 4
"""Scores from which on it shows that images do not improve: single ones are noise."""

_GAIN = 0.1
"""Part by which the best score must come closer to the real-image baseline to count as learning."""


_FAST = 0.3
"""The same, from which images improve fast enough although D is certain."""


def discriminator_wins(history: History) -> Iterator[Finding]:
    """D tells real from generated images perfectly, and the images do not improve."""
    if not history.setup.has_level:
        return
    held = _certain(history)
    if held is None:
        return
    severity: Severity
    if _is_bad(history, held):
        severity, learns = "failure", "cannot learn from it, and images do not improve"
    elif held.until is not None or not _is_most(history, held):
        return
    elif not history.scores:
        severity, learns = "warning", "learns little from it"
    elif _is_slow(history, held):
        severity, learns = "warning", "learns little from it, and images improve slowly"
    else:
        return
    real, fake = _smoothed(history, "score_real", "score_fake_after")
    yield Finding(
        "discriminator-wins",
        severity,
        held.since,
        "The discriminator recognizes every generated image with certainty. So the"
        f" generator {learns}.",
        retrain(
            history.setup,
            slower(history.setup, "discriminator") | restrained(history.setup),
            "the discriminator learns too fast",
        ),
        {"score_real": real.last, "score_fake": fake.last},
        held.until,
    )


def generator_fools_discriminator(history: History) -> Iterator[Finding]:
    """D takes bad images for real ones."""
    if not history.setup.has_level:
        return
    real, fake = _smoothed(history, "score_real", "score_fake_before")
    held = _without_gain(history, real.images, fake.values > real.values + _FOOLED)
    if held is None:
        return
    yield Finding(
        "generator-fools-discriminator",
        "failure",
        held.since,
        "The discriminator scores generated images higher than real ones, although they do not look"
        " like them. The generator's loss is low, but it learns nothing useful.",
        retrain(
            history.setup,
            faster(history.setup, "discriminator"),
            "the discriminator learns too slowly",
        ),
        {"score_real": real.last, "score_fake": fake.last},
        held.until,
    )


def discriminator_loses(history: History) -> Iterator[Finding]:
    """D cannot tell bad images from real ones."""
    if not history.setup.has_level:
        return
    real, fake, after = _smoothed(history, "score_real", "score_fake_before", "score_fake_after")
    is_even = (np.abs(real.values - fake.values) < _LEVEL) & (after.values < real.values + _FOOLED)
    held = _without_gain(history, real.images, is_even)
    if held is None:
        return
    yield Finding(
        "discriminator-loses",
        "failure",
        held.since,
        "The discriminator gives real and generated images the same score, although the generated"
        " images are clearly bad. So the generator cannot learn from it.",
        retrain(
            history.setup, _hindrances(history.setup) or faster(history.setup, "discriminator")
        ),
        {"score_real": real.last, "score_fake": fake.last},
        held.until,
    )


def oscillation(history: History) -> Iterator[Finding]:
    """The networks overtake each other again and again."""
    excess = history.excess()
    logs = Curve(excess.images, np.log(excess.values))
    held = _certain(history)
    if held is not None and held.until is None and _is_most(history, held):
        return  # the generator has not overtaken
    scores = _swings(logs, log(_FACTOR), _SCORE_SWINGS, history)
    turns: list[int] = []
    since, loss = 0, history.curve("loss_d").smoothed()
    if history.setup.has_level:
        real, fake = history.curves("score_real", "score_fake_before")
        gap = Curve(real.images, real.values - fake.values).after(history.least)
        turns = _swings(gap, _SWING, _SWINGS, history)
        if turns and _improves(history, turns[0]):  # as plain networks often do while they swing
            turns = []
    guessing = history.setup.loss_of_guessing or float("inf")
    held = history.longest(loss.images, loss.values > _WRONG * guessing)
    if held is not None and held.until is None:
        since = held.since
    elif turns or scores:
        since = min(turns + scores)
    else:
        return
    yield Finding(
        "oscillation",
        "warning",
        since,
        "The generator and the discriminator overtake each other again and again. Images change"
        " more than they improve.",
        retrain(
            history.setup,
            slower(history.setup, "generator", "discriminator"),
            "learning rates that are too large",
        ),
        {"turns": float(len(turns)), "score_turns": float(len(scores)), "loss_d": loss.last},
    )


def discriminator_overfits(history: History) -> Iterator[Finding]:
    """D is overfitting: it recognizes the training images instead of what makes images real."""
    setup = history.setup
    if not setup.dataset_images:
        return
    sign = history.curve("sign_real").smoothed().after(_OFTEN * setup.dataset_images)
    held = history.longest(sign.images, sign.values > _CERTAIN)
    if held is None:
        return
    yield Finding(
        "discriminator-overfits",
        "warning",
        held.since,
        f"The discriminator is overfitting: it is sure of almost all of its"
        f" {setup.dataset_images:,} training images, which it has seen many times. What the"
        " generator learns from it gets worse.",
        with_few_images(setup),
        {"sign_real": sign.last, "epochs": history.images_seen / setup.dataset_images},
        held.until,
    )


def _hindrances(setup: Setup) -> dict[str, float]:
    """Settings that hide images from D, with the values that switch them off."""
    keys = [f"model.discriminator.{name}" for name in ("dropout", "noise")]
    return {key: 0 for key in keys if setup.get(key)}


def _smoothed(history: History, *names: str) -> tuple[Curve, ...]:
    return tuple(curve.smoothed() for curve in history.curves(*names))


def _certain(history: History) -> Stretch | None:
    """The last long stretch in which D was right about all images, and sure."""
    if not history.setup.has_level:
        return None
    real, fake = _smoothed(history, "score_real", "score_fake_after")
    return history.longest(real.images, (real.values > _SURE) & (fake.values < 1 - _SURE))


def _is_most(history: History, held: Stretch) -> bool:
    """Whether it is more than half of the run."""
    return (held.until or history.images_seen) - held.since > history.images_seen // 2


def _is_slow(history: History, held: Stretch) -> bool:
    """Whether images cover little of the real ones, and became hardly better lately."""
    middle = (held.since + history.images_seen) // 2
    return history.sign("coverage").last < _COVERED and history.gain_since(middle) < _FAST


def _improves(history: History, since: int) -> bool:
    """Whether images resemble real ones, and lately came closer to them."""
    middle = (since + history.images_seen) // 2
    return history.resemblance().last > NOTHING and history.gain_since(middle) > _GAIN


def _without_gain(
    history: History, images_N: NDArray[np.int64], holds_N: NDArray[np.bool_]
) -> Stretch | None:
    """The last long stretch in which something held, if images were bad and did not improve."""
    held = history.longest(images_N, holds_N)
    return held if held is not None and _is_bad(history, held) else None


def _is_bad(history: History, held: Stretch) -> bool:
    """Whether images are far from the real ones, and became no better while something held.

    Without scores, nothing is known of them.
    """
    middle = held.since + ((held.until or history.images_seen) - held.since) // 2
    # only later: untrained fog can be near many real images
    coverage = history.sign("coverage").after(middle).values
    if len(coverage) and coverage.max() > _COVERED:
        return False
    resembling = history.resemblance().after(held.since).values
    if len(resembling) >= _FEWEST_SCORES and resembling.max() < NOTHING and has_begun(history):
        return True
    if len(history.excess().after(middle).values) < _FEWEST_SCORES:
        return False
    before = history.sign("coverage").values[history.sign("coverage").images <= middle]
    after = history.sign("coverage").after(middle).values
    if len(before) and len(after) and after.max() > (1 + _GAIN) * before.max():
        return False
    return not history.gain_since(middle) > _GAIN


def _swings(curve: Curve, least: float, count: int, history: History) -> list[int]:
    """Images seen at the high and low points of a curve; none, if fewer than ``count`` came after
    the first third of what has been seen."""
    places = [int(curve.images[place]) for place in _turns(curve.values, least)]
    late = [images for images in places if images > history.images_seen // 3]
    return places if len(late) >= count else []


def _turns(values_N: NDArray[np.float64], least: float) -> list[int]:
    """Places of the high and low points, each at least ``least`` from the one before."""
    turns: list[int] = []
    low = high = 0
    rising: bool | None = None
    for place, value in enumerate(values_N):
        high = place if value > values_N[high] else high
        low = place if value < values_N[low] else low
        if rising is not False and values_N[high] - value >= least:
            turns.append(high)
            rising, low = False, place
        elif rising is not True and value - values_N[low] >= least:
            turns.append(low)
            rising, high = True, place
    return turns
