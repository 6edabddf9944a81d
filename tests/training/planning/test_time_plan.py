"""What a run is expected to reach: sizes chosen by speed and time, in words."""

from __future__ import annotations

import pytest
import torch

from dcgan.config import load_recipe, merge, parse_config
from dcgan.data.quality.survey import Survey
from dcgan.training.planning.time_plan import can_be_planned, plan_size, time_needed

CPU = torch.device("cpu")
COLOUR = Survey(3786, 256, {"RGB": 256}, {(64, 64): 256}, {}, (), 0)
GRAY = Survey(60_000, 256, {"L": 256}, {(28, 28): 256}, {}, (), 0)


def machine(pixels_per_second):
    """A machine that trains so many pixels per second, instead of this one."""

    def speed(config, networks, device):
        _, height, width = networks.image_shape
        return pixels_per_second / (height * width)

    return speed


def planned(speed, minutes, seen=COLOUR, **data):
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
        "expect recognizable images after about 4.8 minutes (58,000 images seen)"
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
    assert line.endswith("need about 29,000 images seen at 32x32, in about 18 minutes")


def test_a_size_that_was_asked_for_is_kept_whatever_the_time():
    speed = machine(8 * 64 * 64)
    config, line = planned(speed, 5, size=64)
    assert config.data.size == (64, 64)
    assert "`size=" not in line and "expect blurred images" in line


def test_small_images_are_never_made_smaller():
    speed = machine(1000)
    assert planned(speed, 1, GRAY)[0].data.size == (28, 28)


def test_without_minutes_the_time_of_the_whole_run_is_said():
    speed = machine(1000 * 28 * 28)
    line = time_needed(GRAY, (28, 28), 1, CPU, speed)
    # 400,000 images, and the 10,080 of recognizable digits, at 850 a second
    assert line == (
        "the run takes about 7.8 minutes on this machine at its present load; expect recognizable"
        " images after about 12 seconds (10,000 images seen)"
    )


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
