"""Line charts as SVG."""

from __future__ import annotations

import re
from math import inf, nan
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dcgan.render.axes import axis_of, in_short
from dcgan.render.lines import Chart, Level, Line, Mark, style_of, svg_chart

POINTS = [(0, 4.0), (100, 2.0), (200, 1.0)]


def drawn(chart):
    return ElementTree.fromstring(svg_chart(chart))


def lines_of(svg):
    return [
        [tuple(map(float, point.split(","))) for point in one.get("points").split()]
        for one in svg.iter("polyline")
    ]


def test_a_line_goes_through_its_points():
    (line,) = lines_of(drawn(Chart("loss", [Line("D", POINTS)])))
    x, y = zip(*line, strict=True)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    assert y[1] - y[0] == pytest.approx(2 * (y[2] - y[1]), abs=0.3)
    assert y[0] < y[1] < y[2], "larger values are higher"


def test_a_log_axis_makes_equal_ratios_equally_far():
    (line,) = lines_of(drawn(Chart("score", [Line("D", POINTS)], scale="log")))
    assert line[1][1] - line[0][1] == pytest.approx(line[2][1] - line[1][1], abs=0.3)


def test_a_log_axis_with_zero_is_linear():
    points = [(0, 0.0), (1, 1.0), (2, 2.0)]
    assert lines_of(drawn(Chart("a", [Line("D", points)], scale="log"))) == lines_of(
        drawn(Chart("a", [Line("D", points)]))
    )


def test_values_that_are_not_finite_leave_a_gap():
    points = [(0, 1.0), (1, 2.0), (2, nan), (3, inf), (4, 1.0), (5, 1.5)]
    assert [len(line) for line in lines_of(drawn(Chart("loss", [Line("D", points)])))] == [2, 2]


@pytest.mark.parametrize("count", [60, 5000])
def test_a_long_curve_has_the_gap_of_the_raw_values_behind_it(count):
    start, end = count // 3, count // 2
    points = [(number, nan if start <= number < end else 1.0) for number in range(count)]
    lines = lines_of(drawn(Chart("loss", [Line("D", points)])))
    ends = [line[place][0] for line in lines for place in (0, -1)]
    per_image = (480 - 12 - 48) / (count - 1)
    wanted = [48 + per_image * number for number in (0, start - 1, end, count - 1)]
    bucket = per_image * count / 100
    # the raw values come first
    assert ends == pytest.approx([*wanted, *wanted], abs=bucket + 0.1)


def test_one_value_that_is_not_finite_interrupts_a_long_curve():
    points = [(number, inf if number == 3001 else float(number % 7)) for number in range(5000)]
    lines = lines_of(drawn(Chart("loss", [Line("D", points)])))
    assert len(lines) == 4, "two stretches of raw values, then two of the curve"
    for before, after in (lines[:2], lines[2:]):
        assert before[0][0] == 48
        assert before[-1][0] < after[0][0]
        assert after[0][0] - before[-1][0] < 420 * 100 / 5000


def test_a_chart_without_values_is_empty():
    for lines in ([], [Line("D", [])], [Line("D", [(0, nan)])]):
        assert Chart("loss", lines).is_empty
        assert svg_chart(Chart("loss", lines)) == ""


def test_a_long_curve_is_smoothed_with_the_raw_values_behind_it():
    points = [(number, float(number % 2)) for number in range(5000)]
    svg = drawn(Chart("loss", [Line("D", points)]))
    raw, _ = svg.findall("polyline")
    assert "raw" in raw.get("class")
    _, line = lines_of(svg)
    heights = [y for _, y in line[10:]]
    assert max(heights) - min(heights) < 20
    assert len(svg_chart(Chart("loss", [Line("D", points)]))) < 12_000


def test_the_best_the_baseline_and_the_span_are_drawn():
    chart = Chart(
        "score",
        [Line("D", POINTS)],
        best=Mark(200, 1.0, "best"),
        level=Level(0.5, "real images"),
        span=(100, None),
    )
    svg = drawn(chart)
    (best,) = [one for one in svg.iter("circle") if one.get("class") == "best"]
    (line,) = lines_of(svg)
    assert (float(best.get("cx")), float(best.get("cy"))) == line[-1]
    (level,) = [one for one in svg.iter("line") if one.get("class") == "level"]
    assert float(level.get("y1")) > line[-1][1], "the baseline lies below the best score"
    (span,) = [one for one in svg.iter("rect") if one.get("class") == "span"]
    assert float(span.get("x")) == line[1][0]


def test_texts_are_escaped():
    evil = '"><script>alert(1)</script>'
    source = svg_chart(Chart(evil, [Line(evil, POINTS)]))
    assert "<script" not in source
    assert ElementTree.fromstring(source).get("aria-label").startswith(evil)


def test_colors_are_the_pages():
    source = svg_chart(Chart("loss", [Line(str(number), POINTS) for number in range(8)]))
    assert not re.search(r"#[0-9a-f]{3}|fill=|stroke=|style=", source)
    assert len({style_of(number) for number in range(8)}) == 8


@pytest.mark.parametrize(
    ("low", "high", "scale", "ticks"),
    [
        (0, 36608, "linear", ["0", "10k", "20k", "30k"]),
        (0.4, 0.6, "linear", ["0.4", "0.45", "0.5", "0.55", "0.6"]),
        (0, 2_500_000, "linear", ["0", "500k", "1M", "1.5M", "2M", "2.5M"]),
        (1.2, 95, "log", ["2", "5", "10", "20", "50"]),
        (1e-5, 2, "log", ["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]),
    ],
)
def test_ticks_are_few_and_round(low, high, scale, ticks):
    axis = axis_of([low, high], scale, (0, 100), limits=(low, high))
    found = [in_short(value) for value in axis.ticks]
    assert found == ticks or found == ticks[::2]


numbers = some.floats(-1e12, 1e12) | some.floats(1e-9, 1.0)


@given(some.lists(numbers, min_size=1, max_size=60), some.sampled_from(["linear", "log"]))
def test_any_values_are_drawn_within_the_frame(values, scale):
    chart = Chart("any", [Line("D", list(enumerate(values)))], scale=scale)
    for line in lines_of(drawn(chart)):
        assert all(0 <= x <= 480 and 0 <= y <= 240 for x, y in line)
    texts = [one.text for one in drawn(chart).iter("text")]
    assert len(texts) <= 20
    assert max(map(len, texts)) <= 11


def test_thin_lines_are_drawn_and_not_in_the_legend():
    points = [(0, 1.0), (100, 2.0)]
    chart = Chart(
        "a", [Line("seed", points, color=2, is_thin=True), Line("median", points, color=2)]
    )
    svg = svg_chart(chart)
    assert svg.count('class="line-2 thin"') == 1
    assert svg.count("<circle") == 2  # of the median alone
    assert [line.label for _, line in chart.legend] == ["median"]
