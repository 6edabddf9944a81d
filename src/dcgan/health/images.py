"""What the pixels of generated images show."""

from __future__ import annotations

from collections.abc import Iterator

from dcgan.health.finding import Finding
from dcgan.health.history import History
from dcgan.health.variety import has_begun, start

_PATTERN = 0.02
"""Share of the variance in patterns of two or four pixels, beyond that of real images. Healthy runs
have less than 0.01 from their first few thousand images on."""

_FLAT, _HARD = 0.6, 1.5
"""Contrast, divided by that of real images."""

_SHIFT = 0.5
"""Difference of the mean brightness, in standard deviations of real pixels."""

_SATURATED = 0.25
"""Share of black and white pixels beyond that of real images."""


def checkerboard(history: History) -> Iterator[Finding]:
    """Patterns that repeat with the stride of the generator's layers."""
    pattern = history.sign("checkerboard")
    uneven = history.setup.uneven
    if has_begun(history, part=1) and len(pattern.values) and pattern.values[-3:].min() > _PATTERN:
        yield Finding(
            "checkerboard",
            "warning",
            start(pattern.images, pattern.values > _PATTERN),
            "Generated images have a regular pattern of pixels, as transposed convolutions leave it"
            f" ({pattern.last:.0%} of their variance).",
            "Start a new run with `model.generator.upsampling=bilinear`",
            {"checkerboard": pattern.last},
        )
    elif uneven:
        yield Finding(
            "checkerboard",
            "note",
            0,
            f"In layer {uneven[0]} of the generator, the kernel is no multiple of the stride:"
            " windows overlap unevenly, which may leave a checkerboard pattern.",
            "Use a kernel that is a multiple of the stride",
        )


def contrast(history: History) -> Iterator[Finding]:
    """Darker, brighter, flatter or harder images than the real ones."""
    contrast, brightness = history.sign("contrast"), history.sign("brightness")
    if not has_begun(history, part=1) or not len(contrast.values):
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
        f"Generated images have {contrast.last:.0%} of the contrast of real images, and their"
        f" brightness differs by {brightness.last:+.2f} standard deviations.",
        "Check `data.scaling` and the range of pixel values with `dcgan inspect`; a generator that"
        " ends in tanh needs `data.scaling=symmetric`",
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
        "warning",
        start(saturation.images, is_saturated),
        f"{saturation.last:.0%} more pixels than in real images are fully black or white: the"
        " generator's output is at its limits, where its gradient is zero.",
        "Start a new run with a smaller `optim.generator.lr` and with `model.generator.norm=batch`",
        {"saturation": saturation.last},
    )
