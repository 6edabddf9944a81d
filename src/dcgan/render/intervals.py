"""Values and intervals on one axis as inline SVG: estimates with what they rest on.

As in :mod:`dcgan.render.lines`, the style sheet of the page gives the colors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from math import floor, isfinite, log10

from dcgan.render.axes import Axis, axis_of, in_short
from dcgan.runtime.wording import digits
from dcgan.vocabulary import AxisScale

_WIDTH = 480
_LEFT, _RIGHT = 12, 12
_ROW, _TICKS = 30, 22
"""Pixels of a row, and of the ticks below the rows."""

_RATIOS = (1, 5, 2, 1.5, 3, 8, 1.2, 7, 1.1, 6, 9, 4)
"""Ticks of a short logarithmic axis, the most wanted first."""

_APART = 44
"""Least pixels between two of them."""


@dataclass(frozen=True)
class Strip:
    """One row: single values as dots, and an estimate with its interval.

    Parameters
    ----------
    label : str
        For a reader who hears it.
    values : sequence of float
    estimate : float
    interval : (float, float), optional
    color : int
        The number of its color.
    """

    label: str
    values: Sequence[float]
    estimate: float
    interval: tuple[float, float] | None = None
    color: int = 0


@dataclass(frozen=True)
class Scale:
    """The axis of several strips.

    Parameters
    ----------
    axis : {"linear", "log"}
    neutral : float, optional
        A vertical line, such as no difference.
    band : (float, float), optional
        Shaded, such as differences that are too small to matter.
    level : float, optional
        A dashed vertical line, such as the score of real images.
    """

    axis: AxisScale = "linear"
    neutral: float | None = None
    band: tuple[float, float] | None = None
    level: float | None = None


def svg_strips(strips: Sequence[Strip], scale: Scale, *, all_strips: Sequence[Strip] = ()) -> str:
    """The strips below each other, as an ``<svg>`` element; all texts are escaped.

    ``all_strips`` decide the ends of the axis, so that several drawings share it.

    >>> svg_strips([Strip("a", [1, 2], 1.5, (1, 2))], Scale()).count("<circle")
    3
    """
    across = _axis(all_strips or strips, scale)
    bottom = _ROW * len(strips)
    parts = [_ground(across, scale, bottom)]
    for number, strip in enumerate(strips):
        parts.append(_drawn(strip, across, _ROW * number + _ROW / 2))
    label = escape("; ".join(map(_in_words, strips)), quote=True)
    return (
        f'<svg class="chart strips" viewBox="0 0 {_WIDTH} {bottom + _TICKS}" role="img"'
        f' aria-label="{label}">' + "".join(parts) + "</svg>"
    )


def _axis(strips: Sequence[Strip], scale: Scale) -> Axis:
    values = [value for strip in strips for value in (*strip.values, strip.estimate)]
    values += [end for strip in strips if strip.interval for end in strip.interval]
    values += [value for value in (scale.neutral, scale.level) if value is not None]
    values += scale.band or ()
    finite = [value for value in values if isfinite(value)]
    across = axis_of(finite, scale.axis, (_LEFT, _WIDTH - _RIGHT), ticks=6)
    is_short = across.scale == "log" and across.high < 10 * across.low
    return replace(across, ticks=_ratio_ticks(across)) if is_short else across


def _ratio_ticks(across: Axis) -> list[float]:
    """Round ratios on an axis of less than a power of ten, as many as have room."""
    kept: list[float] = []
    power = 10.0 ** floor(log10(across.high))
    for value in (factor * scale for factor in _RATIOS for scale in (power, power / 10)):
        if across.low <= value <= across.high and all(
            abs(across.place(value) - across.place(other)) >= _APART for other in kept
        ):
            kept.append(float(f"{value:.4g}"))
    return sorted(kept)


def _ground(across: Axis, scale: Scale, bottom: int) -> str:
    parts = []
    if scale.band is not None:
        left, right = map(across.place, scale.band)
        parts.append(
            f'<rect class="band" x="{left}" y="0" width="{max(1.0, right - left):g}"'
            f' height="{bottom}"/>'
        )
    for value in across.ticks:
        place = across.place(value)
        anchor = "start" if place < 24 else "end" if place > _WIDTH - 24 else "middle"
        parts.append(f'<line x1="{place}" x2="{place}" y1="0" y2="{bottom}"/>')
        parts.append(
            f'<text x="{place}" y="{bottom + 16}" text-anchor="{anchor}">{in_short(value)}</text>'
        )
    ground = f'<g class="grid">{"".join(parts)}</g>'
    for name, line in (("neutral", scale.neutral), ("level", scale.level)):
        if line is not None:
            place = across.place(line)
            ground += f'<line class="{name}" x1="{place}" x2="{place}" y1="0" y2="{bottom}"/>'
    return ground


def _drawn(strip: Strip, across: Axis, height: float) -> str:
    style = f"line-{strip.color}"
    parts = []
    if strip.interval is not None:
        low, high = map(across.place, strip.interval)
        path = f"{low},{height:g} {high},{height:g}"
        parts.append(f'<polyline class="{style} interval" points="{path}"/>')
    for value in strip.values:
        place = across.place(value)
        parts.append(f'<circle class="{style} seed" cx="{place}" cy="{height:g}" r="3.5"/>')
    place = across.place(strip.estimate)
    parts.append(f'<circle class="{style} estimate" cx="{place}" cy="{height:g}" r="6"/>')
    return f"<g><title>{escape(_in_words(strip))}</title>{''.join(parts)}</g>"


def _in_words(strip: Strip) -> str:
    text = f"{strip.label}: {digits(strip.estimate)}"
    if strip.interval is None:
        return text
    return f"{text}, interval {digits(strip.interval[0])} to {digits(strip.interval[1])}"
