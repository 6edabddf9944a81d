"""Advice before training: what is recommended follows from what was found."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.config import parse_config
from dcgan.data.pixels.remarks import Skipped
from dcgan.data.quality.inspection import Inspection, inspect_dataset
from dcgan.data.quality.likeness import Unlike
from dcgan.data.quality.survey import Survey
from dcgan.data.sources.base import ArraySource
from dcgan.training.planning.advice import advise, cropped

FINE = Inspection(
    count=5000,
    looked_at=5000,
    modes={"RGB": 5000},
    sizes={(64, 64): 5000},
    labels={},
    skipped=(),
    ignored=0,
    colored=5000,
    transparent=0,
    animated=0,
    blank=(),
    vanishing=(),
    tiny=(),
    exact=(),
    near=(),
    by_aspect=tuple(range(5000)),
    channel_mean=(127.0, 127.0, 127.0),
    channel_deviation=(50.0, 50.0, 50.0),
)
PORTRAIT_AND_LANDSCAPE = {(100, 150): 2500, (150, 100): 2500}


def advice(device="cpu", data="pictures", **changed):
    asked = {name: changed.pop(name) for name in ("size", "fit", "data_root") if name in changed}
    return advise(replace(FINE, **changed), device, data=data, **asked)


def test_fine_images_need_no_options_and_hold_no_dangers():
    given = advice()
    assert (given.size, given.channels, given.fit) == ((64, 64), 3, "crop")
    assert given.dangers == ()
    assert given.command == "dcgan train pictures --minutes 10"
    assert "all images are 64x64" in given.size_reason


def test_images_without_color_are_trained_in_gray_though_stored_in_color():
    given = advice(colored=0)
    assert given.channels == 1
    assert "no image has color, although" in given.channels_reason
    assert given.command.endswith("--data.channels 1 --minutes 10")
    assert "--data.channels" not in advice(colored=0, modes={"L": 5000}).command


def test_a_crop_that_would_lose_much_of_most_images_becomes_a_random_cover():
    given = advice(sizes=PORTRAIT_AND_LANDSCAPE)
    assert given.fit == "cover-random"
    assert "33%" in given.fit_reason
    assert "--data.fit cover-random" in given.command
    some = {(100, 100): 4000, (150, 100): 1000}
    assert advice(sizes=some).fit == "crop"


def test_transparent_images_of_many_aspects_are_padded():
    given = advice(sizes=PORTRAIT_AND_LANDSCAPE, transparent=2600)
    assert given.fit == "pad"
    assert given.channels == 3
    assert any("`data.channels=4`" in danger for danger in given.dangers)
    assert advice(transparent=2600).fit == "crop"


@pytest.mark.parametrize(
    ("changed", "classics"),
    [
        ({"colored": 0, "sizes": {(28, 28): 5000}}, ("small-mnist", "mlp-mnist")),
        ({"sizes": {(28, 28): 5000}}, ()),
        ({"sizes": {(32, 32): 5000}}, ("imagenet-features",)),
        ({"sizes": {(218, 178): 5000}}, ("celeba-rectangular",)),
        ({}, ("paper",)),
    ],
)
def test_classics_are_named_for_images_like_theirs(changed, classics):
    assert advice(**changed).classics == classics


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"count": 900, "looked_at": 900, "colored": 900}, "Only 900 images"),
        ({"exact": ((0, 1),) * 260}, "5% are exact copies"),
        ({"near": ((0, 1),) * 260}, "5% look nearly like others"),
        ({"skipped": (Skipped("x", "y"),) * 300, "colored": 4700}, "6% are unreadable"),
        ({"blank": (1, 2)}, "2 blank images"),
        ({"vanishing": (1,)}, "1 transparent image, white"),
        ({"tiny": (1,)}, "1 image with a side below 16"),
        ({"sizes": {(64, 64): 4000, (20, 20): 1000}}, "20% are smaller than 64x64"),
        ({"sizes": {(64, 64): 2500, (900, 900): 2500}}, "Very mixed sizes: longer sides from 64"),
        ({"colored": 4990}, "0.2% have no color"),
        ({"animated": 3}, "3 animated images"),
        ({"labels": {"label": {"a": 4000, "b": 399}}}, "Unbalanced label: 4,000 a but 399 b"),
    ],
)
def test_each_danger_is_named_alone_and_with_its_number(changed, said):
    (danger,) = advice(**{"size": (64, 64)} | changed).dangers
    assert danger.startswith(said)


def test_the_number_of_different_images_says_where_it_comes_from():
    few = {"count": 998, "looked_at": 998, "colored": 997, "skipped": (Skipped("x", "y"),)}
    first, *_ = advice(**few, near=((0, 1),) * 153).dangers
    counted = "997 can be read; 153 look nearly like another one"
    assert first.startswith(f"Only about 844 different images ({counted}): a GAN repeats so few")
    first, *_ = advice(**few, exact=((0, 1),)).dangers
    assert "Only about 996 different images (997 can be read; 1 is an exact copy of" in first
    few["skipped"] = ()
    assert advice(**few | {"colored": 998}).dangers[0].startswith("Only 998 images: a GAN")
    first, *_ = advice(count=990, looked_at=99, colored=99, near=((0, 1),) * 9).dangers
    assert "Only about 900 different images (of 99 that were looked at; 99 can be read" in first


def test_what_is_within_bounds_is_no_danger():
    harmless = advice(
        exact=((0, 1),) * 237,
        colored=4750,
        skipped=(Skipped("x", "y"),) * 250,
        labels={"label": {"a": 4000, "b": 400}},
    )
    assert harmless.dangers == ()


@pytest.mark.parametrize(
    ("count", "size", "colored", "model"),
    [
        (2500, (32, 32), True, "cifar10-demo"),
        (500, (64, 64), True, "emoji-demo"),
        (2501, (32, 32), True, None),
        (500, (32, 32), False, None),
        (500, (48, 48), True, None),
        (1, (32, 32), True, None),
    ],
)
def test_few_images_start_from_a_model_of_their_shape(count, size, colored, model):
    given = advice(
        count=count, looked_at=count, colored=count * colored, sizes={size: count}, size=size
    )
    assert given.start == model
    assert bool(model) == bool(given.start_reason)
    assert "--init" not in given.command, "whether the images are of another kind is not known"
    if model:
        assert f"dcgan.train('pictures', init={model!r})" in given.start_reason
        shape = next(one.image_shape for one in dcgan.list_models() if one.name == model)
        assert shape == (given.channels, *given.size)


def test_a_sample_of_a_large_collection_is_not_called_few():
    assert advice(count=200_000, looked_at=500, sizes={(64, 64): 500}, colored=500).dangers == ()


def test_the_command_is_what_train_understands():
    given = advice(
        data="my pictures; rm -r",
        sizes=PORTRAIT_AND_LANDSCAPE,
        colored=0,
        skipped=(Skipped("x", "y"),) * 301,
        data_root="/some where",
    )
    words = shlex.split(given.command)
    assert words[:3] == ["dcgan", "train", "my pictures; rm -r"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options.pop("--data-root") == "/some where"
    assert options.pop("--minutes") == "10"
    data = {
        name.removeprefix("--").removeprefix("data.").replace("-", "_"): value
        for name, value in options.items()
    }
    config = parse_config({"data": data}).data
    assert (config.size, config.channels, config.fit) == ((64, 64), 1, "cover-random")
    assert config.max_unreadable == pytest.approx(0.07)


def test_what_was_asked_for_is_kept_and_said():
    given = advice(size=(40, 24), fit="stretch", sizes=PORTRAIT_AND_LANDSCAPE)
    assert (given.size, given.fit) == ((40, 24), "stretch")
    assert given.fit_reason == given.size_reason == "as you asked"
    assert "--size 40x24 --data.fit stretch" in given.command


def test_a_size_below_the_images_own_says_for_which_machine():
    large = {(512, 512): 5000}
    assert advice(sizes=large).size == (64, 64)
    assert "a CPU" in advice(sizes=large).size_reason
    assert advice("cuda", sizes=large).size == (128, 128)


def test_advice_on_images_that_were_really_looked_at():
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    assert Image.fromarray(images[0]).mode == "L"
    given = advise(inspect_dataset(ArraySource("noise", images)), "cpu", data="noise.npy")
    assert (given.size, given.channels) == ((28, 28), 1)
    assert given.command == "dcgan train noise.npy --minutes 10"


def test_what_a_crop_cuts_off_is_said_unless_it_is_little():
    square = Survey(10, 10, {"RGB": 10}, {(64, 64): 10}, {}, (), 0)
    mixed = Survey(10, 10, {"RGB": 10}, {(64, 64): 6, (128, 64): 4}, {}, (), 0)
    assert cropped(square, (32, 32), "crop") is None
    assert cropped(mixed, (32, 32), "pad") is None
    line = cropped(mixed, (32, 32), "crop")
    assert "0% off a typical image" in line
    assert "50% or more off one image in twenty" in line
    assert "`data.fit=pad`" in line


def test_near_copies_are_not_dropped_unasked():
    """They may be different images, such as the flags of two countries."""
    exact, near = {"exact": ((0, 1),) * 260}, {"near": ((2, 3),) * 260}
    assert "--data.duplicates drop" in advice(**exact).command
    both = advice(**exact, **near)
    assert "--data.duplicates" not in both.command
    assert "also drops 260 near copies" in both.dangers[0]
    assert "may be different images" in both.dangers[1]


@pytest.mark.parametrize("count", [2500, 40])
def test_classes_that_harm_are_named_and_ignored_if_training_would_learn_them(count):
    """It learns none with fewer than 50 images of each."""
    unlike = {"month": Unlike(same=0.2, by_chance=0.25)}
    given = advice(labels={"month": {"May": count, "June": count}}, unlike=unlike)
    assert given.dangers == (count == 2500) * (
        "The classes (month) may say nothing about the images: the most similar image has the same"
        " class in 20% of cases, by chance in 25%. Such classes make images worse. The command"
        " below ignores them: `model.condition=clusters`",
    )
    assert ("--model.condition clusters" in given.command) == (count == 2500)
    few = advice(count=1499, labels={"month": {"May": 700, "June": 799}}, unlike=unlike)
    assert "--model.condition none" in few.command


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "; learns clusters of similar images"),
        ({"label": {"cat": 5000}}, "; learns clusters of similar images"),
        ({"label": {"cat": 5000, "dog": 0}}, "; learns clusters of similar images"),
        ({"label": {"cat": 2500, "dog": 2500, "gnu": 0}}, "; learns 2 classes (label)"),
        ({"label": dict.fromkeys(map(str, range(100)), 50)}, "; learns 100 classes (label)"),
        (
            {"label": dict.fromkeys(map(str, range(101)), 50)},
            "; learns clusters of similar images (no classes, as 101 (label) are more than 100)",
        ),
        (
            {"label": {"cat": 60, "dog": 38}},
            "; learns clusters of similar images (no classes, as those of label have 49 images on"
            " average, fewer than 50)",
        ),
        (
            {"hue": {"red": 2500, "blue": 2500}, "size": {"big": 4000, "small": 1000}},
            "; no classes, as there are 2 kinds of labels (hue, size; `model.condition=hue` learns"
            " one)",
        ),
        (
            {"label": {"cat": 2800, "dog": 2200}},
            "; learns clusters of similar images (56% of the images are in one class, cat;"
            " `model.condition=label` learns the classes)",
        ),
        (
            {"hue": {"red": 2500, "blue": 2500}, "size": {"big": 5000}},
            "; learns 2 classes (hue)",
        ),
    ],
)
def test_it_is_said_which_classes_are_learned_and_why_none_are(labels, said):
    reason = advice(labels=labels).recipe_reason
    assert reason.partition("to these images and this machine")[2].startswith(said)
    assert "classes" in said or "classes" not in reason
