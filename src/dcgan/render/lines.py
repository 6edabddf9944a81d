"""Line charts as inline SVG for pages: no script, no pixels, and the colors of the page's theme.

The drawing has no colors of its own. Its classes ``line-0``, ``line-1``, … are colored by the style
sheet of the page, for light, dark and print. The legend is HTML beside it, so that it wraps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import isfinite

from dcgan.render.axes import Axis, axis_of, in_short
from dcgan.render.curves import smoothed, without_outliers
from dcgan.runtime.wording import digits
from dcgan.vocabulary import AxisScale

_WIDTH, _HEIGHT = 480, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 10, 38

_BUCKETS = 120
"""Points of a curve: one for every three pixels of the plot."""

_FEW = 14
"""Lines with at most so many points have a dot at each."""

_STYLES = 6
"""Colors of the style sheet; further lines are dashed."""

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Line:
    """One curve over images seen.

    Parameters
    ----------
    label : str
    points : sequence of (int, float)
        Images seen and value, in the order of images; values that are not finite leave a gap.
    is_smoothed : bool
        Draw a long curve as its moving average, with the raw values faintly behind it.
    color : int, optional
        The number of its color; default its place in the chart.
    is_thin : bool
        Draw it thin and faint and leave it out of the legend, such as one of several seeds.
    """

    label: str
    points: Points
    is_smoothed: bool = True
    color: int | None = None
    is_thin: bool = False

    @property
    def last(self) -> float | None:
        """The last finite value, smoothed if the curve is; None without values."""
        values = [value for _, value in _shown(self) if isfinite(value)]
        return values[-1] if values else None


@dataclass(frozen=True)
class Mark:
    """A point that is marked, such as the best score."""

    images: int
    value: float
    label: str


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as the real-image baseline."""

    value: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart over images seen.

    Parameters
    ----------
    title : str
    lines : sequence of Line
    note : str
        What the vertical axis shows and how to read it; may be empty.
    scale : {"linear", "log"}
        Log needs positive values, otherwise the axis is linear.
    limits : (float, float), optional
        Ends of the vertical axis; default those of the values.
    best : Mark, optional
    level : Level, optional
    span : (int, int or None), optional
        Images seen that are shaded; None: to the right end.
    """

    title: str
    lines: Sequence[Line]
    note: str = ""
    scale: AxisScale = "linear"
    limits: tuple[float, float] | None = None
    best: Mark | None = None
    level: Level | None = None
    span: tuple[int, int | None] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no value to draw."""
        return not any(isfinite(value) for line in self.lines for _, value in line.points)

    @property
    def styled(self) -> list[tuple[str, Line]]:
        """The classes of each line, and the line."""
        return [
            (style_of(number if line.color is None else line.color), line)
            for number, line in enumerate(self.lines)
        ]

    @property
    def legend(self) -> list[tuple[str, Line]]:
        """The same, of the lines that are not thin."""
        return [(style, line) for style, line in self.styled if not line.is_thin]


def style_of(number: int) -> str:
    """The classes of the line with this number, and of its entry in the legend.

    >>> style_of(0), style_of(7)
    ('line-0', 'line-1 dashed')
    """
    return f"line-{number % _STYLES}" + (" dashed" if number >= _STYLES else "")


def svg_chart(chart: Chart) -> str:
    """The chart as an ``<svg>`` element; all texts are escaped. Empty without values.

    >>> svg_chart(Chart("loss", [Line("D", [(0, 1.5), (100, 0.5)])])).count("<polyline")
    1
    """
    if chart.is_empty:
        return ""
    across, up = _axes(chart)
    parts = [_grid(across, up)]
    if chart.span is not None:
        parts.append(_shade(chart.span, across))
    if chart.level is not None:
        height = up.place(chart.level.value)
        parts.append(
            f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height}" y2="{height}"/>'
        )
    for style, line in chart.styled:
        parts += _curve(line, f"{style} thin" if line.is_thin else style, across, up)
    if chart.best is not None:
        place = f'cx="{across.place(chart.best.images)}" cy="{up.place(chart.best.value)}"'
        parts.append(f'<circle class="best" {place} r="5"/>')
    label = escape(f"{chart.title}: {_in_words(chart)}", quote=True)
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        + "".join(parts)
        + "</svg>"
    )


def _axes(chart: Chart) -> tuple[Axis, Axis]:
    points = [point for line in chart.lines for point in line.points if isfinite(point[1])]
    values = [value for _, value in points]
    values += [chart.level.value] if chart.level else []
    # outliers of the raw values would flatten the smoothed curve
    smooth = [value for line in chart.lines for _, value in _shown(line) if isfinite(value)]
    if len(points) > _FEW * len(chart.lines):
        values = [*smooth, *without_outliers(values)]
    images = [images for images, _ in points]
    across = axis_of(images, "linear", (_LEFT, _WIDTH - _RIGHT), is_tight=True)
    return across, axis_of(
        values, chart.scale, (_HEIGHT - _BOTTOM, _TOP), limits=chart.limits, ticks=4
    )


def _grid(across: Axis, up: Axis) -> str:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for value in up.ticks:
        place = up.place(value)
        parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{place}" y2="{place}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{place + 4:g}" text-anchor="end">{in_short(value)}</text>'
        )
    for value in across.ticks:
        place = across.place(value)
        anchor = "end" if place > right - 16 else "middle"
        parts.append(
            f'<text x="{place}" y="{bottom + 17}" text-anchor="{anchor}">{in_short(value)}</text>'
        )
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle:g}" y="{_HEIGHT - 4}" text-anchor="middle">images seen</text>')
    return f'<g class="grid">{"".join(parts)}</g>'


def _shade(span: tuple[int, int | None], across: Axis) -> str:
    left = across.place(span[0])
    right = _WIDTH - _RIGHT if span[1] is None else across.place(span[1])
    width = max(2.0, right - left)
    return (
        f'<rect class="span" x="{left}" y="{_TOP}" width="{width:g}"'
        f' height="{_HEIGHT - _BOTTOM - _TOP}"/>'
    )


def _curve(line: Line, style: str, across: Axis, up: Axis) -> Iterator[str]:
    name = escape(line.label)
    if _is_long(line) and not line.is_thin:
        for part in _runs(_extremes(line.points)):
            yield f'<polyline class="{style} raw" points="{_path(part, across, up)}"/>'
    points = _every(_shown(line))
    for part in _runs(points):
        yield (
            f'<polyline class="{style}" points="{_path(part, across, up)}">'
            f"<title>{name}</title></polyline>"
        )
    if len(line.points) <= _FEW and not line.is_thin:
        for images, value in points:
            if isfinite(value):
                place = f'cx="{across.place(images)}" cy="{up.place(value)}"'
                words = f"{name}: {digits(value, 4)} at {images:,} images"
                yield f'<circle class="{style}" {place} r="2.5"><title>{words}</title></circle>'


def _path(points: Points, across: Axis, up: Axis) -> str:
    return " ".join(f"{across.place(images)},{up.place(value)}" for images, value in points)


def _is_long(line: Line) -> bool:
    return line.is_smoothed and len(line.points) > 3 * _FEW


def without_noise(line: Line) -> Line:
    """The line as its curve is drawn: smoothed if it is long."""
    return replace(line, points=_shown(line), is_smoothed=False)


def _shown(line: Line) -> Points:
    """The points of the curve, smoothed if it is long; values that are not finite stay."""
    if not _is_long(line):
        return line.points
    smooth = iter(smoothed([value for _, value in line.points if isfinite(value)]))
    return [(images, next(smooth) if isfinite(value) else value) for images, value in line.points]


def _runs(points: Points) -> Iterator[list[tuple[int, float]]]:
    """The stretches without a gap."""
    run: list[tuple[int, float]] = []
    for point in points:
        if isfinite(point[1]):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _every(points: Points) -> Points:
    """At most so many points as the plot can show, with the gaps, the first and the last."""
    kept = [
        point
        for part, gap in _buckets(points)
        for point in sorted([*part[:1], *gap], key=lambda point: point[0])
    ]
    return kept if kept[-1:] == [*points[-1:]] else [*kept, points[-1]]


def _extremes(points: Points) -> Points:
    """The lowest and the highest point of each bucket and the gaps, in their order."""
    kept: list[tuple[int, float]] = []
    for part, gap in _buckets(points):
        ends = {pick(part, key=lambda point: point[1]) for pick in (min, max) if part}
        kept += sorted([*ends, *gap], key=lambda point: point[0])
    return kept


def _buckets(points: Points) -> Iterator[tuple[Points, Points]]:
    """The finite points of each bucket, and its first one that is not finite, if there is one."""
    step = max(1, -(-len(points) // _BUCKETS))
    for start in range(0, len(points), step):
        part = points[start : start + step]
        finite = [point for point in part if isfinite(point[1])]
        yield finite, [point for point in part if not isfinite(point[1])][:1]


def _in_words(chart: Chart) -> str:
    """The chart for a reader who hears it."""
    lines = []
    for _, line in chart.legend:
        values = [value for _, value in _shown(line) if isfinite(value)]
        if values:
            lines.append(f"{line.label} from {digits(values[0])} to {digits(values[-1])}")
    return "; ".join(lines)
