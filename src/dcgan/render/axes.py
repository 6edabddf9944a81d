"""Axes of a chart: where a value is, and a few round tick values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from dcgan.vocabulary import AxisScale

_DECADES = 2.0
"""A logarithmic axis over at least so many powers of ten has ticks at these alone."""

_MOST_DECADES = 5
"""Powers of ten that get a tick; of more, every second or third does."""

_MARGIN = 0.05
"""Part of an axis that stays empty at each end."""


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high``, drawn from ``start`` to ``end`` in pixels."""

    low: float
    high: float
    start: float
    end: float
    scale: AxisScale
    ticks: Sequence[float]

    def place(self, value: float) -> float:
        """Where a value is, in pixels; values beyond the ends are at the ends.

        >>> axis_of([0, 10], "linear", (0, 100), limits=(0, 10)).place(5)
        50.0
        """
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.scale == "log":
            low, high, value = log10(low), log10(high), log10(value)
        part = (value - low) / (high - low)
        return round(self.start + part * (self.end - self.start), 1)


def axis_of(
    values: Sequence[float],
    scale: AxisScale,
    pixels: tuple[float, float],
    *,
    limits: tuple[float, float] | None = None,
    ticks: int = 5,
    is_tight: bool = False,
) -> Axis:
    """An axis that shows all values.

    Parameters
    ----------
    values : sequence of float
        Finite; at least one.
    scale : {"linear", "log"}
        The axis is linear if a value is not positive.
    pixels : (float, float)
        Where it starts and ends.
    limits : (float, float), optional
        Its ends; default those of the values.
    ticks : int
        About how many ticks.
    is_tight : bool
        Whether the first and the last value are at its ends, without a margin. It starts at 0 if
        the first value is near.
    """
    if min(values) <= 0:
        scale = "linear"
    low, high = limits or _ends(values, scale, 0.0 if is_tight else _MARGIN)
    if is_tight and 0 < low < _MARGIN * high:
        low = 0.0
    found = _decade_ticks(low, high) if scale == "log" else _round_ticks(low, high, ticks)
    return Axis(low, high, *pixels, scale, found)


def _ends(values: Sequence[float], scale: AxisScale, margin: float) -> tuple[float, float]:
    low, high = float(min(values)), float(max(values))
    if scale == "log":
        if high < 1.2 * low:
            return low / 1.2, high * 1.2
        factor = (high / low) ** margin
        return low / factor, high * factor
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(high) / 2 or 1.0
        return low - room, high + room
    room = margin * (high - low)
    return (0.0 if 0 <= low <= room else low - room), high + room


def _round_ticks(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten.

    >>> _round_ticks(0, 36608, 5)
    [0.0, 10000.0, 20000.0, 30000.0]
    """
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def _decade_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; over a short range also twice and five times these.

    >>> _decade_ticks(0.9, 30)
    [1.0, 2.0, 5.0, 10.0, 20.0]
    """
    powers = range(ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9) + 1)
    if high >= 10**_DECADES * low:
        return [float(f"1e{power}") for power in powers[:: -(-len(powers) // _MOST_DECADES)]]
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    found = [float(f"{factor}e{power}") for power in powers for factor in (1, 2, 5)]
    inside = [value for value in found if low <= value <= high]
    return inside if len(inside) >= 2 else _round_ticks(low, high, 4)


def in_short(value: float) -> str:
    """A number for a tick: at most about five letters.

    >>> [in_short(value) for value in (0, 0.5, 20000, 1500000, 0.0001, -3)]
    ['0', '0.5', '20k', '1.5M', '1e-4', '−3']
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}".replace("-", "−")
    if value and abs(value) < 1e-3:
        digits, power = f"{value:.1e}".split("e")
        return f"{digits.removesuffix('.0').replace('-', '−')}e{int(power)}"
    return f"{value:.4g}".replace("-", "−")
