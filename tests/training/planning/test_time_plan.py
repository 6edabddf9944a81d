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


def machine(pixels_per_second, narrow=2):
    """A machine that trains so many pixels per second, instead of this one; ``narrow`` times as
    many with networks of half the usual width."""

    def speed(config, networks, device):
        _, height, width = networks.image_shape
        is_narrow = config.model.generator.width == config.model.discriminator.width == 16
        return pixels_per_second * (narrow if is_narrow else 1) / (height * width)

    return speed


def planned(speed, minutes, seen=COLOR, settings=None, **data):
    length = {"length": {"minutes": minutes, "images": None}, "data": data}
    config = parse_config(merge(load_recipe("auto"), merge(length, settings or {})))
    assert can_be_planned(config)
    config, lines, _ = plan_size(config, seen, CPU, speed)
    return config, "\n".join(lines)


def widths(config):
    return config.model.generator.width, config.model.discriminator.width


def test_a_fast_machine_keeps_the_usual_size_and_widths():
    # 150,000 images of 64x64 in five minutes, with what else a run does
    config, line = planned(machine(600 * 64 * 64), 5)
    assert config.data.size == (64, 64)
    assert widths(config) == ("auto", "auto")
    assert line == (
        "in 5 minutes, training sees about 150,000 images\n"
        "expect recognizable images at 64x64 after about 1.9 minutes (58,000 images seen)"
    )


def test_networks_are_narrow_where_wide_ones_would_see_few_images():
    config, line = planned(machine(500 * 64 * 64), 5)
    assert config.data.size == (64, 64)
    assert widths(config) == (16, 16)
    assert line == (
        "networks of half the usual width, 16: with 32, training would see about 130,000 images in"
        " 5 minutes, and learn less\n"
        "in 5 minutes, training sees about 260,000 images\n"
        "expect recognizable images at 64x64 after about 1.1 minutes (58,000 images seen)"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"model": {"generator": {"width": 32}}},
        {"model": {"discriminator": {"width": 24}}},
        {"optim": {"generator": {"lr": 1e-3}}},
    ],
)
def test_widths_and_rates_that_are_set_are_kept(settings):
    config, line = planned(machine(50 * 64 * 64), 5, settings=settings)
    asked = settings.get("model", {})
    assert widths(config) == tuple(
        asked.get(player, {}).get("width", "auto") for player in ("generator", "discriminator")
    )
    assert "width" not in line


def test_small_gray_images_have_widths_of_their_own():
    config, line = planned(machine(1000), 1, GRAY)
    assert widths(config) == ("auto", "auto")
    assert "width" not in line


def test_too_little_time_for_the_usual_size_takes_a_smaller_one_and_says_how_to_keep_it():
    speed = machine(50 * 64 * 64)
    config, line = planned(speed, 5)
    assert config.data.size == (48, 48)  # 45,000 images of narrow networks where 43,000 do
    assert line.startswith(
        "training at 48x48: at 64x64, 5 minutes would be about 26,000 of the 58,000 images needed."
        " `size=64` keeps 64x64\n"
    )
    assert planned(speed, 3)[0].data.size == (32, 32)


def test_where_no_size_is_reached_the_smallest_is_taken_and_blurs_are_expected():
    config, line = planned(machine(4 * 64 * 64), 5)
    assert config.data.size == (32, 32)
    assert "in 5 minutes, training sees about 8,200 images" in line
    assert line.endswith(
        "\nin 5 minutes, expect blurred images at 32x32; recognizable ones need about 18 minutes"
        " (29,000 images seen)"
    )


def test_a_size_that_was_asked_for_is_kept_whatever_the_time():
    config, line = planned(machine(4 * 64 * 64), 5, size=64)
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
    for minutes in (1, 3, 5, 10, 60):
        config, lines = planned(speed, minutes)
        said = outlook(sizes, minutes=minutes)
        assert said.startswith(lines.splitlines()[-1].partition(" (")[0])
        assert f"at {config.data.size[0]}x" in said
    assert outlook(sizes, minutes=3) == (
        "expect recognizable images at 48x48 after about 2.4 minutes;"
        " at 32x32, about 43 seconds; at 64x64, about 5.7 minutes"
    )
    assert outlook(sizes, minutes=3, size=(64, 64)).startswith(
        "in 3 minutes, expect blurred images at 64x64; recognizable ones need about 5.7 minutes; at"
    )
    # from 100,000 images of wide networks on, they are slower: here at 32x32 only
    assert outlook(sizes, minutes=10) == (
        "expect recognizable images at 64x64 after about 5.7 minutes;"
        " at 32x32, about 1.4 minutes; at 48x48, about 2.4 minutes"
    )
    # a run bounded by images has wide networks; 5,100 images of 64x64 take a minute
    assert outlook(sizes, images=5_100) == (
        "in 1 minute, expect blurred images at 64x64; recognizable ones need about 11 minutes;"
        " at 32x32, about 1.4 minutes; at 48x48, about 4.7 minutes"
    )
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
