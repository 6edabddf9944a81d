"""Numbers in tables of the terminal."""

from __future__ import annotations

import numpy as np
import pytest

from dcgan.cli.compare_report import comparison_lines
from dcgan.cli.evaluate_report import score_table
from dcgan.cli.table import number, shown
from dcgan.evaluation.comparison import Compared, Comparison, Spread
from dcgan.metrics.score import Score


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "n/a"),
        (0.0, "0"),
        (0.00001234, "1.2e-05"),
        (-0.051912, "-0.05191"),
        (58.123456, "58.12"),
        (3429.4, "3429"),
        (12345.6, "12,350"),
        (-1234567.0, "-1,235,000"),
    ],
)
def test_numbers_have_four_digits_and_no_exponent_where_they_are_large(value, written):
    assert number(value) == written


def test_a_distance_below_0_is_about_0():
    """An unbiased estimate may be; a score that is best at 0 or high may be negative."""
    assert shown("kernel_distance", -4.5e-5) == "about 0"
    assert shown("kernel_distance", 0.3234) == "0.3234"
    assert shown("copying_test", -1.5) == "-1.5"
    said = str(Score(metric="kernel_distance", value=0.323, baseline=-4.5e-5))
    assert said.endswith("distance 0.323; real images score about 0; lower is better")


def test_a_comparison_has_neither_exponents_nor_control_characters():
    spread = Spread("frechet_distance", 1234.5, 12.3, 60.0)
    images = np.zeros((1, 1, 8, 8), np.uint8)
    runs = tuple(
        Compared(name, name, "1", 1, 1, seconds, 1, images, [], (spread,))
        for name, seconds in (("a", 120.0), ("exported", 0.0))
    )
    settings = {"data.source": ("a\x1b[2J", "b" * 40)}
    lines = comparison_lines(Comparison(runs, settings, "of something"))
    assert not any("\x1b" in line for line in lines)  # a run may be of somebody else
    assert f"…{'b' * 27}" in lines[-2] and "b" * 28 not in lines[-2]
    (score,) = [line for line in lines if "distance" in line]
    assert score.count("± 10 ") == 2
    (time,) = [line for line in lines if line.startswith("training time")]
    assert "2 minutes" in time and time.endswith("n/a")
    table = score_table([Score(metric="frechet_distance", value=1234.5, error=12.3)])
    assert " 10 " in table[1]
