"""Messages of the library on the command line."""

from __future__ import annotations

import pytest

from dcgan.cli.flags import with_flags
from dcgan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("choose another `out`", "choose another --out"),
        ("`data.max_unreadable` is 2", "--data.max-unreadable is 2"),
        ("`data.background=#000000` is black", "--data.background '#000000' is black"),
        ("`data.labels=FILE` reads a table", "--data.labels FILE reads a table"),
        ("'dcgan inspect DATA' names them", "'dcgan inspect DATA' names them"),
    ],
)
def test_settings_in_backticks_become_flags(text, shown):
    assert with_flags(text) == shown


def test_an_error_names_its_setting_in_both_ways():
    error = ConfigError("optim.micro_batch", 0, "at least 1")
    assert str(error) == "`optim.micro_batch` is 0: at least 1"
    assert with_flags(str(error)) == "--optim.micro-batch is 0: at least 1"
