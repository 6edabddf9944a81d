"""What to type to train longer."""

from __future__ import annotations

import pytest

from dcgan.config import load_recipe, merge, parse_config
from dcgan.training.resume_command import twice_as_long


@pytest.mark.parametrize(
    ("minutes", "seconds", "twice"), [(1, 60.3, 2), (3, 180.9, 6), (0.5, 31, 1.0), (3, 600, 20)]
)
def test_twice_as_long_is_twice_what_was_asked_for(minutes, seconds, twice):
    config = parse_config(merge(load_recipe("auto"), {"length": {"minutes": minutes}}))
    assert twice_as_long(config, 1000, seconds) == {"minutes": twice}


def test_a_run_of_so_many_images_is_doubled_in_images():
    config = parse_config(merge(load_recipe("auto"), {"length": {"images": 1000}}))
    assert twice_as_long(config, 1024, 60.0) == {"images": 2048}
