"""A policy hits each image with its probability, and the probability follows D's certainty."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.conftest import SMALL

import dcgan
from dcgan.augment import Augment
from dcgan.runs.checkpoints import read_state


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def images(count=64, channels=3):
    return torch.rand(count, channels, 16, 16) + 0.1


def hit(before, after):
    return (before != after).flatten(1).any(dim=1)


def test_no_policy_leaves_images_and_random_numbers_alone():
    image, before = images(), torch.get_rng_state()
    assert Augment()(image) is image
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_each_image_is_hit_with_the_probability(probability):
    image = images(4_000)
    changed = Augment(["color"], probability=probability)(image)
    assert hit(image, changed).float().mean().item() == pytest.approx(probability, abs=0.03)


def test_what_is_never_hit_costs_no_draws():
    image, before = images(), torch.get_rng_state()
    assert Augment(["color", "cutout"], probability=0.0, target=0.6)(image) is image
    assert torch.equal(torch.get_rng_state(), before)


def test_each_operation_is_drawn_for_itself():
    image = images(4_000)
    both = Augment(["color", "cutout"], probability=0.5)(image)
    assert hit(image, both).float().mean().item() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    ("channels", "is_left_out"), [(1, True), (2, True), (3, False), (4, False)]
)
def test_color_is_left_out_for_gray_images(channels, is_left_out):
    image = images(16, channels)
    changed = Augment(["color"], channels=channels)(image)
    assert (changed is image) == is_left_out


def test_an_unknown_operation_is_refused():
    with pytest.raises(KeyError):
        Augment(["blur"])


@pytest.mark.parametrize(("certainty", "way"), [(1.0, 1), (0.5, -1), (-1.0, -1)])
def test_the_probability_follows_the_certainty_on_real_images(certainty, way):
    augment = Augment(["cutout"], probability=0.5, target=0.6, images_to_one=1_000)
    logits = torch.ones(8)
    logits[: int(4 * (1 - certainty))] = -1  # the mean sign is ``certainty``
    for step in range(8):
        augment.observe(logits.mean(), 8)
        # after every fourth step, by the share of the images seen since
        expected = 0.5 + way * ((step + 1) // 4) * 4 * 8 / 1_000
        assert augment.probability.item() == pytest.approx(expected)


def test_nothing_is_steered_before_an_image_can_have_been_seen_twice():
    augment = Augment(["cutout"], probability=0.0, target=0.6, images_to_one=80, begins_after=36)
    for _ in range(5):  # 40 images
        augment.observe(torch.tensor(1.0), 8)
    other = Augment(["cutout"], probability=0.0, target=0.6, images_to_one=80, begins_after=36)
    other.restore(json.loads(json.dumps(augment.state())))
    for one in (augment, other):
        assert one.probability.item() == 0
        for _ in range(4):
            one.observe(torch.tensor(1.0), 8)
        assert one.probability.item() == pytest.approx(32 / 80)


def test_the_probability_stays_between_zero_and_one():
    augment = Augment(["cutout"], probability=0.0, target=0.6, images_to_one=10)
    for logit, end in ((1.0, 1.0), (-1.0, 0.0)):
        for _ in range(8):
            augment.observe(torch.tensor(logit), 64)
        assert augment.probability.item() == end


def test_a_fixed_probability_stays():
    augment = Augment(["cutout"], probability=0.5)
    for _ in range(9):
        augment.observe(torch.tensor(1.0), 64)
    assert augment.probability.item() == 0.5


def test_a_restored_state_goes_on_alike():
    settings = {"probability": 0.2, "target": 0.6, "images_to_one": 1_000}
    one, other = Augment(["cutout"], **settings), Augment(["cutout"], **settings)
    signs = torch.rand(11)
    for sign in signs[:6]:
        one.observe(sign, 8)
    other.restore(json.loads(json.dumps(one.state())))
    for sign in signs[6:]:
        one.observe(sign, 8)
        other.observe(sign, 8)
    assert one.probability.item() == other.probability.item() != 0.2


ADAPTIVE = {
    "policy": "color+translation+cutout",
    "probability": "adaptive",
    "images_to_one": 400,
}


def test_an_adaptive_run_goes_on_bit_for_bit(tmp_path):
    settings = SMALL["settings"] | {"augment": ADAPTIVE}
    small = {**SMALL, "settings": settings}
    few = np.random.default_rng(0).integers(0, 256, (100, 3, 16, 16), dtype=np.uint8)
    whole = dcgan.train(few, images=640, out=tmp_path / "whole", **small)
    dcgan.train(few, images=352, out=tmp_path / "parts", **small)
    parts = dcgan.train(few, images=640, out=tmp_path / "parts", resume=True, **small)
    last = [dcgan.open_run(run.path, checkpoint="last").checkpoint for run in (whole, parts)]
    for part in ("generator", "discriminator", "random"):
        one, other = ((path / f"{part}.safetensors").read_bytes() for path in last)
        assert one == other, part
    states = [read_state(path)["augment"] for path in last]
    assert states[0] == states[1]
    assert states[0]["probability"] > 0


def test_where_nobody_may_ask_the_device_nothing_is_paid_until_the_first_adjustment():
    """The ``meta`` device has no values, and raises where one is asked for, as for a GPU's."""
    one = Augment(("translation", "cutout"), probability=0.0, target=0.6, device="meta")
    image, sign = images().to("meta"), torch.ones((), device="meta")
    assert one(image) is image
    for _ in range(8):
        one.observe(sign, 64)
    assert one(image) is not image
