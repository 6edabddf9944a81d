"""Whether more time will help: improving, at a plateau, or past the best checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dcgan.health.finding import Finding
from dcgan.health.history import Curve, History
from dcgan.health.step import onward, sample
from dcgan.health.variety import NOTHING, has_begun
from dcgan.runtime.wording import digits

_FEWEST = 5
"""Scores without which nothing is said about progress."""

_WORSE = 1.3
"""Times the best distance to the real-image baseline at which quality counts as degrading."""

_CLEARLY = 1.15
"""Times the best score itself: with few images both it and the baseline are high, and their
difference is noise."""

STEADY = 0.1
"""Part by which quality must improve to count as improving; with five or more scores, in the second
half of a run."""


def degrading(history: History) -> Iterator[Finding]:
    """Quality has peaked and falls: the distance to real images grows."""
    excess = history.excess()
    if len(excess.values) < _FEWEST:
        return
    best = int(excess.values.argmin())
    later = excess.values[best + 1 :]
    line = history.scores[best]
    if len(later) < 3 or np.median(later[-3:]) < _WORSE * excess.values[best]:
        return
    if np.median([one.value for one in history.scores[-3:]]) < _CLEARLY * line.value:
        return
    if max(line.signs.get("coverage", 1.0), line.signs.get("recall", 1.0)) < NOTHING:
        return  # it was never good
    yield Finding(
        "degrading",
        "warning",
        line.images,
        f"The {history.metric} was {digits(line.value)} after {line.images:,} images seen, and is"
        f" {digits(history.scores[-1].value)} now. {perfect(line.baseline)}",
        sample(
            "Use the best checkpoint, as all commands do. More training with these settings will"
            " not help"
        ),
        {"best": line.value, "last": history.scores[-1].value, "baseline": line.baseline},
    )


def improvement(history: History) -> Iterator[Finding]:
    """Still improving, with an estimate; or a plateau."""
    excess = history.excess()
    if len(excess.values) < _FEWEST:
        return
    if any(degrading(history)):
        return
    best = Curve(excess.images, np.minimum.accumulate(excess.values))
    end = int(excess.images[-1])
    middle = best.values[excess.images <= end / 2]
    if not len(middle):
        return
    gain = 1 - best.values[-1] / middle[-1]
    value, baseline = min(line.value for line in history.scores), history.scores[-1].baseline
    if gain >= STEADY:
        # a score may be better than the baseline, but more training does not make it worse
        expected = min(value, baseline + (value - baseline) * (1 - gain))
        yield Finding(
            "improving",
            "note",
            int(excess.images[0]),
            f"The {history.metric} is {digits(value)} after {history.images_seen:,} images seen;"
            f" about {digits(expected, 2)} is expected after twice as many. {perfect(baseline)}",
            onward(history),
            {"gain": float(gain), "score": value, "expected": float(expected)},
        )
        return
    if not has_begun(history, part=1):
        return  # what looks like a plateau may be the fog before anything can be recognized
    since = int(excess.images[int(np.argmax(best.values <= best.values[-1] / (1 - STEADY)))])
    yield Finding(
        "plateau",
        "note",
        since,
        f"The {history.metric} is {digits(value)}, and has hardly changed since {since:,} images"
        f" seen. {perfect(baseline)} More time will probably not help.",
        sample("Use the run as it is. For better images, it needs more training images"),
        {"gain": float(gain), "score": value, "baseline": baseline},
    )


def perfect(baseline: float) -> str:
    """What a score can reach: that of other real images."""
    return f"A perfect generator would have about {digits(baseline, 2)}; lower is better."
