"""The gradients of the discriminator by layer, and losses that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dcgan.health.finding import Finding
from dcgan.health.history import Curve, History

_FIRST = 3
"""Log lines at the start, one per step, whose median a gradient is compared with: gradients can
explode within ten steps."""

_VANISHED = 3e-4
"""Part of its first size at which a gradient counts as vanished; healthy ones fall to a tenth."""

_TINY = 1e-7
"""Mean gradient of a weight from which Adam's steps are noise (its epsilon is 1e-8)."""

_EXPLODED = 100.0
"""Times its first size at which a gradient counts as exploded."""


def vanishing_gradients(history: History) -> Iterator[Finding]:
    """A layer of D gets almost no gradient."""
    for layer, curve in history.layers("gradient_mean").items():
        first = _first(curve)
        late = curve.smoothed()
        held = history.longest(
            late.images, (late.values < _VANISHED * first) | (late.values < _TINY)
        )
        if held is None:
            continue
        yield Finding(
            "vanishing-gradients",
            "warning",
            held.since,
            f"Layer {layer} of the discriminator gets almost no gradient: it learns nothing more,"
            " and what passes through it to the generator fades, too.",
            "Start a new run with a smaller `optim.discriminator.lr`,"
            " `model.discriminator.activation=leaky_relu` and `model.discriminator.norm=spectral`",
            {"gradient": late.last, "first_gradient": first},
            held.until,
        )
        return  # one layer says it all


def exploding_gradients(history: History) -> Iterator[Finding]:
    """A layer of D gets ever larger gradients."""
    for layer, curve in history.layers("gradient_mean").items():
        first = _first(curve)
        late = curve.smoothed()
        held = history.longest(late.images, late.values > _EXPLODED * first)
        if held is None:
            continue
        yield Finding(
            "exploding-gradients",
            "warning",
            held.since,
            f"The gradient of layer {layer} of the discriminator has grown"
            f" {late.values.max() / first:,.0f} times: its weights grow without bound, and training"
            " becomes unstable.",
            "Start a new run with a smaller `optim.discriminator.lr`, or with `objective.r1=1` or"
            " `model.discriminator.norm=spectral`",
            {"gradient": late.last, "first_gradient": first},
            held.until,
        )
        return


def diverged(history: History) -> Iterator[Finding]:
    """Losses or weights stopped being finite, or grew beyond any use."""
    events = [event for event in history.events if event.get("event") == "diverged"]
    if not events:
        return
    returns = sum(event.get("event") == "rollback" for event in history.events)
    ended = events[-1]["images"] >= history.images_seen
    yield Finding(
        "diverged",
        "failure",
        int(events[0]["images"]),
        f"Training diverged ({events[0].get('what', 'a loss is not finite')}). It returned to an"
        f" earlier checkpoint with half the learning rates {returns} times.",
        "Start a new run with `optim.generator.lr` and `optim.discriminator.lr` ten times smaller",
        {"times": float(len(events))},
        None if ended else int(events[-1]["images"]),
    )


def _first(curve: Curve) -> float:
    return max(float(np.nanmedian(curve.values[:_FIRST])), 1e-30)
