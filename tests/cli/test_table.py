"""Numbers in tables of the terminal."""

from __future__ import annotations

import pytest

from dcgan.cli.table import number


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
