"""Whether images look like their classes."""

import re
from pathlib import Path

import numpy as np
import pytest

from dcgan.data import HeldDataset
from dcgan.data.labels import Labels
from dcgan.errors import DataError
from dcgan.models.latents import LatentSpace
from dcgan.models.table import Layer
from dcgan.runs.networks import Networks
from dcgan.training.planning.classes import refuse_other_classes, unlike_their_classes


def labeled(count, *, difference, noise=40, seed=0):
    """Noise around 100, brighter by ``difference`` from one class to the next, of three."""
    random = np.random.default_rng(seed)
    class_N = random.integers(3, size=count)
    image = 100 + difference * class_N[:, None, None, None]
    image = (
        image + random.normal(0, noise, (count, 1, 1, 1)) + random.normal(0, 9, (count, 3, 16, 12))
    )
    pixels = image.clip(0, 255).astype(np.uint8)
    return HeldDataset(pixels, labels={"year": Labels(class_N, ("2019", "2020", "2021"))})


def test_a_note_says_that_classes_say_nothing_about_the_images():
    said = unlike_their_classes(labeled(2000, difference=0, seed=1), "year")
    assert said.startswith("the classes (year) may say nothing about the images: ")
    assert "same class in 3" in said and "by chance in 33%" in said
    assert said.endswith("Such classes make images worse.")


@pytest.mark.parametrize("seed", range(5))
def test_classes_that_are_told_apart_only_now_and_then_say_something(seed):
    """The nearest image by brightness has the same class more often than by chance."""
    assert unlike_their_classes(labeled(2000, difference=40, seed=seed), "year") is None


def test_the_note_is_missing_in_one_case_of_twenty():
    """0.05 of 60 sets are 3; 10 or more have a probability below 0.002."""
    sets = (labeled(500, difference=0, seed=seed) for seed in range(60))
    assert sum(unlike_their_classes(one, "year") is None for one in sets) < 10


def test_few_images_show_too_little():
    assert unlike_their_classes(labeled(499, difference=0), "year") is None


def test_rows_without_an_image_do_not_move_the_classes():
    """Images 0 to 499 are unreadable; their classes are those of the next readable image."""
    one = labeled(1500, difference=60, noise=1)
    half = HeldDataset(
        one.images[500:],
        kept=np.arange(500, 1500),
        positions=1500,
        labels={"year": one.labels["year"].take(np.arange(500, 1500))},
    )
    assert unlike_their_classes(half, "year") is None


def networks_of(*names, shares=None):
    layer = Layer(operation="linear", channels=1)
    latent = LatentSpace(1, classes=shares or (1 / len(names),) * len(names))
    return Networks(
        generator=(layer,), discriminator=(layer,), image_shape=(1, 1, 1), latent=latent,
        class_names=names,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("abcdefx", "now is without g and with x. Restore"),
        ("abcdef", "now is without g. Restore"),
        ("abcdefgx", "now is with x. Restore"),
        ("tuvwxyz", "now is without a, b, c, d, e, … and with t, u, v, w, x, …. Restore"),
        ("bacdefg", "now is in another order. Restore"),
    ],
)
def test_a_run_with_other_classes_is_not_resumed(now, said):
    with pytest.raises(
        DataError, match=re.escape(f"run: was started with other classes. The data {said}")
    ):
        refuse_other_classes(networks_of(*now), networks_of(*"abcdefg"), Path("run"))
    refuse_other_classes(networks_of(*now), networks_of(*now), Path("run"))


def test_a_run_with_other_numbers_in_its_classes_is_not_resumed():
    with pytest.raises(DataError, match="other numbers of images in its classes"):
        refuse_other_classes(networks_of(*"ab"), networks_of(*"ab", shares=(0.4, 0.6)), Path("run"))
