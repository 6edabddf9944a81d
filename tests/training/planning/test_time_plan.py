"""What a run is expected to reach: sizes chosen by speed and time, in words."""

from __future__ import annotations

import pytest
import torch

from dcgan.config import load_recipe, merge, parse_config
from dcgan.data.quality.survey import Survey
from dcgan.training.planning.time_plan import (
    can_be_planned,
    measure_sizes,
    outlook,
    plan_size,
)

CPU = torch.device("cpu")
COLOR = Survey(3786, 256, {"RGB": 256}, {(64, 64): 256}, {}, (), 0)
GRAY = Survey(60_000, 256, {"L": 256}, {(28, 28): 256}, {}, (), 0)


def machine(pixels_per_second):
    """A machine that trains so many pixels per second, instead of this one."""

    def speed(config, networks, device):
        _, height, width = networks.image_shape
        return pixels_per_second / (height * width)

    return speed


def planned(speed, minutes, seen=COLOR, **data):
    settings = {"length": {"minutes": minutes, "images": None}, "data": data}
    config = parse_config(merge(load_recipe("auto"), settings))
    assert can_be_planned(config)
    config, lines, _ = plan_size(config, seen, CPU, speed)
    return config, "\n".join(lines)


def test_a_fast_machine_keeps_the_usual_size():
    speed = machine(
        235 * 64 * 64
    )  # 60,000 images of 64x64 in five minutes, with what else a run does
    config, line = planned(speed, 5)
    assert config.data.size == (64, 64)
    assert line == (
        "in 5 minutes, training sees about 60,000 images\n"
        "expect recognizable images at 64x64 after about 4.8 minutes (58,000 images seen)"
    )


def test_too_little_time_for_the_usual_size_takes_a_smaller_one_and_says_how_to_keep_it():
    speed = machine(100 * 64 * 64)
    config, line = planned(speed, 5)
    assert config.data.size == (48, 48)  # 45,000 images where 43,000 do
    assert line.startswith(
        "training at 48x48: at 64x64, 5 minutes would be about 26,000 of the 58,000 images needed."
        " `size=64` keeps 64x64\n"
    )
    assert planned(speed, 3)[0].data.size == (32, 32)


def test_where_no_size_is_reached_the_smallest_is_taken_and_blurs_are_expected():
    speed = machine(8 * 64 * 64)
    config, line = planned(speed, 5)
    assert config.data.size == (32, 32)
    assert "in 5 minutes, training sees about 8,200 images" in line
    assert line.endswith(
        "\nin 5 minutes, expect blurred images at 32x32; recognizable ones need about 18 minutes"
        " (29,000 images seen)"
    )


def test_a_size_that_was_asked_for_is_kept_whatever_the_time():
    speed = machine(8 * 64 * 64)
    config, line = planned(speed, 5, size=64)
    assert config.data.size == (64, 64)
    assert "`size=" not in line and "expect blurred images" in line


def test_small_images_are_never_made_smaller():
    speed = machine(1000)
    assert planned(speed, 1, GRAY)[0].data.size == (28, 28)


def test_without_minutes_the_time_of_the_whole_run_is_said():
    config = parse_config(load_recipe("auto"))
    _, lines, expected = plan_size(config, GRAY, CPU, machine(1000 * 28 * 28))
    # 400,000 images, and the 10,000 of recognizable digits, at 850 a second
    assert lines == [
        "the run takes about 7.8 minutes on this machine at its present load",
        "expect recognizable images at 28x28 after about 12 seconds (10,000 images seen)",
    ]
    assert expected is None


def test_the_outlook_on_a_length_is_that_of_the_run_that_follows():
    speed = machine(100 * 64 * 64)
    sizes = measure_sizes(COLOR, (64, 64), 3, CPU, speed)
    assert [one.size for one in sizes] == [(64, 64), (48, 48), (32, 32)]
    for minutes in (1, 3, 5, 60):
        config, lines = planned(speed, minutes)
        said = outlook(sizes, minutes=minutes)
        assert said.startswith(lines.splitlines()[-1].partition(" (")[0])
        assert f"at {config.data.size[0]}x" in said
    assert outlook(sizes, minutes=3) == (
        "expect recognizable images at 32x32 after about 1.4 minutes;"
        " at 48x48, about 4.7 minutes; at 64x64, about 11 minutes"
    )
    assert outlook(sizes, minutes=3, size=(64, 64)).startswith(
        "in 3 minutes, expect blurred images at 64x64; recognizable ones need about 11 minutes; at"
    )
    # 5,100 images of 64x64 take a minute
    assert outlook(sizes, images=5_100).startswith("in 1 minute, expect blurred images at 64x64;")
    assert outlook(sizes, minutes=3, size=(96, 96)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"length": {"images": 500}},
        {
            "length": {"minutes": 5, "images": None},
            "model": {"generator": {"layers": [{"linear": 4}]}},
        },
    ],
)
def test_other_lengths_and_layer_tables_are_not_planned(settings):
    assert not can_be_planned(parse_config(merge(load_recipe("auto"), settings)))
