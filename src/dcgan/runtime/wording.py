"""Counts, times, sizes and numbers in words."""

from __future__ import annotations

from collections.abc import Iterable

CHANNELS = {1: "gray", 2: "gray and alpha", 3: "color", 4: "color and alpha"}
"""Words for the numbers of channels of an image."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number and what it counts.

    >>> counted(1, "image"), counted(1797, "image"), counted(2, "class", "classes")
    ('1 image', '1,797 images', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def duration(minutes: float) -> str:
    """A time of two digits: no estimate is more exact.

    >>> duration(5), duration(1), duration(0.301), duration(59.9 / 60), duration(130)
    ('5 minutes', '1 minute', '18 seconds', '1 minute', '2.2 hours')
    >>> duration(99.7), duration(7260)
    ('100 minutes', '120 hours')
    """
    if round(60 * minutes) < 60:
        return counted(round(60 * minutes), "second")
    value, unit = (minutes, "minute") if minutes < 100 else (minutes / 60, "hour")
    text = digits(value, 2)
    return f"{text} {unit}{'' if text == '1' else 's'}"


def size_text(sides: Iterable[int]) -> str:
    """Sides in pixels as options take them.

    >>> size_text((48, 64))
    '48x64'
    """
    return "x".join(map(str, sides))


def shape_text(shape: Iterable[int]) -> str:
    """The shape of a tensor for a message.

    >>> shape_text((100, 512, 4, 4))
    '100×512×4×4'
    """
    return "×".join(map(str, shape))


def rounded(count: float) -> int:
    """Two digits.

    >>> rounded(18_432), rounded(7)
    (18000, 7)
    """
    return int(float(f"{count:.2g}"))


def digits(value: float, count: int = 3) -> str:
    """A number of so many significant digits, without an exponent where it is large.

    >>> digits(0.12345), digits(58.49), digits(1386.4), digits(152, 2)
    ('0.123', '58.5', '1,390', '150')
    """
    text = f"{value:.{count}g}"
    return f"{float(text):,.0f}" if "e+" in text else text
