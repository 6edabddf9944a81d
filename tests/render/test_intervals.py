"""Strips of values with intervals, as SVG."""

from __future__ import annotations

import re

from dcgan.render.intervals import Scale, Strip, svg_strips


def places(svg, tag, name):
    """The x of each element of a class."""
    found = re.findall(rf'<{tag} class="[^"]*{name}[^"]*"[^>]*?(?:cx|x1|x)="([\d.]+)"', svg)
    return list(map(float, found))


def test_values_lie_in_their_order_around_the_neutral_line():
    svg = svg_strips(
        [Strip("a", [0.5, 2.0], 1.0, (0.4, 2.5))],
        Scale("log", neutral=1.0, band=(1 / 1.15, 1.15)),
    )
    low, high = places(svg, "circle", "seed")
    (estimate,), (neutral,) = places(svg, "circle", "estimate"), places(svg, "line", "neutral")
    assert low < estimate == neutral < high
    assert abs((neutral - low) - (high - neutral)) < 0.3  # a ratio and its inverse are as far away
    assert svg.count("<polyline") == 1 and svg.count('class="band"') == 1


def test_drawings_share_an_axis():
    strips = [Strip("a", [1.0], 1.0), Strip("b", [100.0], 100.0)]
    one, other = (svg_strips([strip], Scale("log"), all_strips=strips) for strip in strips)
    assert re.findall(r"<text.*?</text>", one) == re.findall(r"<text.*?</text>", other)
    assert places(one, "circle", "estimate") < places(other, "circle", "estimate")


def test_short_ratios_have_ticks_with_room():
    svg = svg_strips([Strip("a", [0.8, 1.3], 1.0)], Scale("log"))
    ticks = [float(text) for text in re.findall(r">([\d.]+)</text>", svg)]
    assert 1 in ticks and len(ticks) >= 3 and ticks == sorted(ticks)
    x = [float(value) for value in re.findall(r'<text x="([\d.]+)"', svg)]
    assert all(b - a >= 44 for a, b in zip(x, x[1:], strict=False))


def test_texts_are_escaped():
    svg = svg_strips([Strip('<b> & "c"', [1.0], 1.0, (0.0, 2.0))], Scale())
    assert "<b>" not in svg
    assert "&lt;b&gt; &amp; &quot;c&quot;: 1, interval 0 to 2" in svg
