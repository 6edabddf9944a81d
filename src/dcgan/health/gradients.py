"""The gradients of the discriminator by layer, and losses that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dcgan.health.finding import Finding
from dcgan.health.history import Curve, History, Setup
from dcgan.health.step import even_rates, restrained, retrain, slower, with_adam
from dcgan.runtime.wording import rounded

_FIRST = 3
"""Log lines at the start, one per step, whose median a gradient is compared with: gradients can
explode within ten steps."""

_VANISHED = 3e-4
"""Part of its first size at which a gradient counts as vanished; healthy ones fall to a tenth."""

_TINY = 1e-7
"""Mean gradient of a weight from which Adam's steps are noise (its epsilon is 1e-8)."""

_USUAL = 2e-3
"""The largest learning rate of a recipe of this package."""

_EXPLODED = 100.0
"""Times its first size at which a gradient counts as exploded."""


def vanishing_gradients(history: History) -> Iterator[Finding]:
    """A layer of D gets almost no gradient."""
    for layer, curve in history.layers("gradient_mean").items():
        if not len(curve.values):
            continue
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
            f"Layer {layer} of the discriminator gets almost no gradient. It learns nothing more,"
            " and less of the gradient reaches the generator.",
            retrain(
                history.setup,
                slower(history.setup, "discriminator") | _leaky(history.setup),
                "the discriminator learns too fast",
            ),
            {"gradient": late.last, "first_gradient": first},
            held.until,
        )
        return  # one layer says it all


def exploding_gradients(history: History) -> Iterator[Finding]:
    """A layer of D gets ever larger gradients."""
    for layer, curve in history.layers("gradient_mean").items():
        if not len(curve.values):
            continue
        first = _first(curve)
        late = curve.smoothed()
        held = history.longest(late.images, late.values > _EXPLODED * first)
        if held is None:
            continue
        yield Finding(
            "exploding-gradients",
            "warning",
            held.since,
            f"The discriminator became unstable: the gradient of its layer {layer} is"
            f" {_times(late.values.max() / first)} as large as at the start. Up to"
            f" {_EXPLODED:.0f} times is usual.",
            retrain(
                history.setup,
                slower(history.setup, "discriminator") | restrained(history.setup),
                "the discriminator learns too fast",
            ),
            {"gradient": late.last, "first_gradient": first},
            held.until,
        )
        return


def _times(ratio: float) -> str:
    return f"{rounded(ratio):,} times" if ratio < 1e6 else "more than a million times"


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
        f"{_what(events[0])}. Training started again from an earlier checkpoint {returns} times,"
        " with halved learning rates each time" + (", and then stopped." if ended else "."),
        retrain(history.setup, _safe_rates(history.setup), "learning rates that are too large"),
        {"times": float(len(events))},
        None if ended else int(events[-1]["images"]),
    )


def _what(event: Mapping[str, Any]) -> str:
    what = str(event.get("what", "a loss is not finite"))
    for name, words in (("loss_d", "the discriminator's loss"), ("loss_g", "the generator's loss")):
        what = what.replace(name, words)
    what = what.replace("beyond", "rose above")
    return what[:1].upper() + what[1:]


def _safe_rates(setup: Setup) -> dict[str, float]:
    """A twentieth of the rates, and at most a usual one: an eighth has failed already."""
    if even := even_rates(setup):
        return even
    rates = {
        f"optim.{name}.lr": rate
        for name in ("generator", "discriminator")
        if (rate := setup.get(f"optim.{name}.lr"))
    }
    safe = {key: float(f"{min(0.05 * rate, _USUAL):.2g}") for key, rate in rates.items()}
    return safe | with_adam(setup, "generator", "discriminator")


def _leaky(setup: Setup) -> dict[str, str]:
    """An activation of D that lets gradients through, where it has one that does not."""
    key = "model.discriminator.activation"
    return {key: "leaky_relu"} if setup.get(key) in {"tanh", "sigmoid", "relu"} else {}


def _first(curve: Curve) -> float:
    return max(float(np.median(curve.values[:_FIRST])), 1e-30)
