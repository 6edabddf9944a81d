"""What the pixels of generated images show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dcgan.health.finding import Finding
from dcgan.health.history import History, Setup
from dcgan.health.step import Step, afresh, onward, retrain, slower
from dcgan.health.variety import has_begun, needed_for, start

_PATTERN = 0.02
"""Share of the variance in patterns of two or four pixels, beyond that of real images. Healthy runs
have less than 0.01 from their first few thousand images on."""

_FLAT, _HARD = 0.6, 1.5
"""Contrast, divided by that of real images."""

_PATIENCE = 3
"""Times the images that recognizable ones need, up to which contrast may still come right."""

_GAIN = 0.1
"""Part by which scores must have come closer to the baseline in the second half for the same."""

_SHIFT = 0.5
"""Difference of the mean brightness, in standard deviations of real pixels."""

_SATURATED = 0.25
"""Share of black and white pixels beyond that of real images."""

_EVEN = Step("Change the recipe: use kernel sizes that are multiples of the stride")

_ALL = 0.5
"""The same, from which nothing else can be seen."""


def checkerboard(history: History) -> Iterator[Finding]:
    """Patterns that repeat with the stride of the generator's layers."""
    pattern = history.sign("checkerboard")
    uneven = history.setup.uneven
    if _is_late(history) and len(pattern.values) and pattern.values[-3:].min() > _PATTERN:
        yield Finding(
            "checkerboard",
            "warning",
            start(pattern.images, pattern.values > _PATTERN),
            "Generated images have a regular pattern of pixels, which transposed convolutions often"
            " cause.",
            retrain(history.setup, {"model.generator.upsampling": "bilinear"})
            if not history.setup.has_table
            else _EVEN,
            {"checkerboard": pattern.last},
        )
    elif uneven:
        yield Finding(
            "checkerboard",
            "note",
            0,
            f"In layer {uneven[0]} of the generator, the kernel size is not a multiple of the"
            " stride. This may cause a checkerboard pattern.",
            _EVEN,
        )


def contrast(history: History) -> Iterator[Finding]:
    """Darker, brighter, flatter or harder images than the real ones."""
    contrast, brightness = history.sign("contrast"), history.sign("brightness")
    if not _is_late(history) or not len(contrast.values):
        return
    is_off = (
        (contrast.values < _FLAT) | (contrast.values > _HARD) | (abs(brightness.values) > _SHIFT)
    )
    if not is_off[-3:].all():
        return
    yield Finding(
        "contrast",
        "warning",
        start(contrast.images, is_off),
        _difference(contrast.last, brightness.last),
        _to_right_contrast(history),
        {"contrast": contrast.last, "brightness": brightness.last},
    )


def saturated_output(history: History) -> Iterator[Finding]:
    """The output layer is driven to its limits."""
    saturation = history.sign("saturation")
    if not has_begun(history) or not len(saturation.values):
        return
    is_saturated = saturation.values > _SATURATED
    if not is_saturated[-3:].all():
        return
    yield Finding(
        "saturated-output",
        "failure" if saturation.last > _ALL else "warning",
        start(saturation.images, is_saturated),
        "Far more pixels are fully black or white than in real images (by"
        f" {100 * saturation.last:.0f} percentage points): the generator's output is at its limits,"
        " where it cannot learn.",
        retrain(history.setup, slower(history.setup, "generator") | _normalized(history.setup)),
        {"saturation": saturation.last},
    )


def what_is_off(contrast: float, brightness: float) -> str:
    """The same as a title."""
    if abs(brightness) > _SHIFT:
        return f"Images too {'bright' if brightness > 0 else 'dark'}"
    return f"Images with too {'little' if contrast < _FLAT else 'much'} contrast"


def _to_right_contrast(history: History) -> Step:
    """The right range of pixel values; or, where it is right, more training, then fewer changes."""
    setup = history.setup
    if setup.get("data.scaling") not in (None, "symmetric") and not setup.has_table:
        return retrain(setup, {"data.scaling": "symmetric"})
    is_young = history.images_seen < _PATIENCE * (setup.usual or needed_for(history))
    if is_young and not history.gain_since(history.images_seen // 2) < _GAIN:
        found = onward(history)
        return replace(found, advice=f"{found.advice}: this often comes right late")
    return afresh()


def _normalized(setup: Setup) -> dict[str, str]:
    """Batch norm in the generator, where it has no norm."""
    key = "model.generator.norm"
    return {key: "batch"} if setup.get(key) == "none" and not setup.has_table else {}


def _difference(contrast: float, brightness: float) -> str:
    """What differs from real images, in words."""
    found = []
    if not _FLAT <= contrast <= _HARD:
        found.append(f"have {contrast:.0%} of the contrast of real images")
    if abs(brightness) > _SHIFT:
        word = "brighter" if brightness > 0 else "darker"
        found.append(f"are {word} than real images by {abs(brightness):.1f} standard deviations")
    return f"Generated images {' and '.join(found)}."


def _is_late(history: History) -> bool:
    """Whether images should look right by now: early ones are flat and have patterns."""
    return history.images_seen >= (history.setup.usual or needed_for(history))
