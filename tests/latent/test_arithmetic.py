"""Sums of concepts: means, lengths, exemplars, the control in pixels, and the figure."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.errors import ConfigError
from dcgan.latent.arithmetic import (
    Concept,
    combine,
    figure,
    in_pixels,
    neighbors,
    open_concepts,
)
from dcgan.latent.choice import Choice
from dcgan.latent.labeling import Reader
from dcgan.models.latents import LatentSpace

SPACE = LatentSpace(4000)


def concept(sign, *numbers, space=SPACE):
    latents = torch.cat([space.numbered(0, n, n + 1) for n in numbers])
    return Concept(sign, "x", tuple(map(str, numbers)), latents)


def test_the_sum_is_that_of_the_means():
    concepts = [concept(1, 0, 1, 2), concept(-1, 3, 4), concept(1, 5)]
    latent = SPACE.numbered(0, 0, 6)
    expected = latent[:3].mean(0) - latent[3:5].mean(0) + latent[5]
    torch.testing.assert_close(combine(SPACE, concepts, rescale=False), expected)
    found = combine(SPACE, concepts)
    torch.testing.assert_close(found / found.norm(), expected / expected.norm())


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_the_sum_is_as_long_as_a_drawn_latent(sizes):
    """Independent latents: whatever the number of exemplars, the length is about √Z."""
    start, concepts = 0, []
    for index, size in enumerate(sizes):
        concepts.append(concept(-1 if index % 2 else 1, *range(start, start + size)))
        start += size
    assert combine(SPACE, concepts).norm().item() == pytest.approx(sqrt(4000), rel=0.1)


def test_three_of_three_have_that_length_by_themselves():
    concepts = [concept(1, 0, 1, 2), concept(-1, 3, 4, 5), concept(1, 6, 7, 8)]
    torch.testing.assert_close(combine(SPACE, concepts), combine(SPACE, concepts, rescale=False))


def test_an_exemplar_of_two_concepts_counts_with_its_whole_weight():
    """1 - 1 + 2: what is left is the last, and it has its own length."""
    concepts = [concept(1, 1), concept(-1, 1), concept(1, 2)]
    torch.testing.assert_close(combine(SPACE, concepts), SPACE.numbered(0, 2, 3)[0])
    twice = [concept(1, 3), concept(1, 3)]
    torch.testing.assert_close(combine(SPACE, twice), SPACE.numbered(0, 3, 4)[0])


def test_what_takes_itself_away_leaves_the_middle():
    found = combine(SPACE, [concept(1, 1), concept(-1, 1)])
    assert torch.isfinite(found).all()
    assert found.norm() < 1e-6


def test_uniform_noise_stays_in_its_cube_and_spread_over_it():
    space = LatentSpace(4000, "uniform")
    concepts = [concept(s, *n, space=space) for s, n in ((1, [0]), (-1, [1]), (1, [2]))]
    found = combine(space, concepts)
    assert found.abs().max() <= 1
    assert found.std().item() == pytest.approx(sqrt(1 / 3), rel=0.05)


@pytest.mark.parametrize(
    ("plus", "minus", "shares"),
    [
        ([[0], [2]], [[1]], [0.5, 0, 0.5, 0]),
        ([[1], [2]], [[1]], [0, 0, 1, 0]),
        ([[0, 0, 1]], [], [2 / 3, 1 / 3, 0, 0]),
        ([[0, 3]], [[3, 3, 0, 1]], [1, 0, 0, 0]),  # 1/4 of class 0 is left, and none of the others
        ([[2]], [[2]], [0, 0, 1, 0]),
        ([[0, 2]], [[2, 0]], [0.5, 0, 0.5, 0]),
    ],
)
def test_the_class_of_a_sum_is_one_that_a_generator_knows(plus, minus, shares):
    """The class, and in the same way a code of four values."""
    space = LatentSpace(4, "normal", (0.25,) * 4, categorical=(4,), continuous=1)

    def concept_of(sign, classes):
        latent_KZ = space.numbered(sign % 3, 0, len(classes))
        for row, number in enumerate(classes):
            one = space.with_class(latent_KZ[row : row + 1], number)
            latent_KZ[row] = space.with_category(one, 0, number)[0]
        return Concept(sign, "x", (), latent_KZ)

    concepts = [concept_of(1, one) for one in plus] + [concept_of(-1, one) for one in minus]
    found = combine(space, concepts)
    code = [one.latent_KZ[:, -1].mean() * one.sign for one in concepts]
    torch.testing.assert_close(found[4:8], torch.tensor(shares, dtype=torch.float32))
    torch.testing.assert_close(found[8:12], torch.tensor(shares, dtype=torch.float32))
    torch.testing.assert_close(found[12], torch.stack(code).sum())


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_neighbors_are_within_a_quarter_and_differ(distribution):
    space = LatentSpace(50, distribution, (0.5, 0.5))
    latent = space.numbered(0, 0, 1)[0]
    found = neighbors(space, latent)
    assert found.shape == (8, 52)
    distance = (found - latent)[:, :50].abs()
    assert 0.2 < distance.max() <= 0.25
    assert torch.equal(found[:, 50:], latent[50:].expand(8, -1))
    assert distribution == "normal" or found[:, :50].abs().max() <= 1
    assert len(torch.unique(found, dim=0)) == 8


def test_the_control_is_the_sum_of_pixels_about_the_middle():
    a, b, c = (np.full((2, 1, 1, 1), v, np.uint8) for v in (200, 100, 60))
    assert in_pixels([a, b, c], [1, -1, 1]).item() == 160
    assert in_pixels([a, b], [1, -1]).item() == 228  # 127.5 + 72.5 + 27.5, rounded
    assert in_pixels([a, c], [1, 1]).item() == 132
    bright = np.array([[[[0]]], [[[255]]]], np.uint8)
    assert in_pixels([bright], [1]).item() == 128
    assert in_pixels([a, b, a], [1, -1, 1]).item() == 255


def test_concepts_are_read_from_numbers_in_the_order_of_the_figure(small_run):
    found = open_concepts(
        small_run, ["3, 17,4:0", "1"], ["5"], choice=Choice(), reader=Reader(small_run)
    )
    assert [(one.sign, one.points) for one in found] == [
        (1, ("3", "17", "4:0")),
        (-1, ("5",)),
        (1, ("1",)),
    ]
    latent = small_run.networks.latent
    assert torch.equal(found[0].latent_KZ[2], latent.numbered(4, 0, 1)[0])


def test_nothing_to_add_and_numbers_out_of_bounds_are_refused(small_run):
    reader = Reader(small_run)
    with pytest.raises(ConfigError, match="at least one concept"):
        open_concepts(small_run, [], ["3"], choice=Choice(), reader=reader)
    with pytest.raises(ConfigError, match="must be 1 to 100"):
        open_concepts(small_run, ["3"], [], choice=Choice(), reader=reader, exemplars=0)
    with pytest.raises(ConfigError, match="numbers are from 0"):
        open_concepts(small_run, ["99999999999"], [], choice=Choice(), reader=reader)


class Bright:
    """Reads how bright images are: ``dark`` or ``bright``, sure of a twentieth of some at each end."""

    names = ("dark", "bright")

    def __init__(self, images):
        self.low, self.high = np.quantile(images.mean(axis=(1, 2, 3)), [0.05, 0.95])

    def conditions(self, concept):
        return [("light", self.names.index(concept))]

    def agreement(self, images, conditions):
        mean = images.mean(axis=(1, 2, 3))
        share = np.clip((mean - self.low) / (self.high - self.low), 0, 1)
        return share if conditions == [("light", 1)] else 1 - share


def test_exemplars_are_the_first_samples_that_surely_show_it(small_run):
    images = small_run.sample(256)
    reader = Bright(images)
    bright, dark = open_concepts(
        small_run, ["bright"], ["dark"], choice=Choice(), reader=reader, exemplars=2
    )
    sure = reader.agreement(images, [("light", 1)])
    assert bright.points == tuple(str(n) for n in np.flatnonzero(sure > 0.9)[:2])
    assert dark.points == tuple(str(n) for n in np.flatnonzero(sure < 0.1)[:2])


def test_too_few_samples_that_show_it_are_said(small_run):
    class Never(Bright):
        def agreement(self, images, conditions):
            return np.zeros(len(images))

    with pytest.raises(ConfigError, match=r"only 0 of 2,048 samples") as caught:
        open_concepts(small_run, ["dark"], [], choice=Choice(), reader=Never(small_run.sample(9)))
    assert caught.value.value == "dark"


def test_the_figure_shows_exemplars_means_result_and_control(small_run):
    concepts = open_concepts(
        small_run, ["0,1,2", "6"], ["3,4"], choice=Choice(), reader=Reader(small_run)
    )
    drawn = np.asarray(figure(small_run, concepts).convert("L")).astype(int)

    def stands(image):
        """Whether an image stands somewhere on the figure, four times as large."""
        large = image[0].repeat(4, 0).repeat(4, 1).astype(int)
        rows, columns = (n - 63 for n in drawn.shape)
        for row in range(rows):
            hits = np.flatnonzero(drawn[row, :columns] == large[0, 0])
            for column in hits:
                if (drawn[row : row + 64, column : column + 64] == large).all():
                    return True
        return False

    latent = small_run.networks.latent
    result = combine(latent, concepts)
    wanted = [
        *small_run.generate(torch.cat([one.latent_KZ for one in concepts])),
        *small_run.generate(result[None]),
        *small_run.generate(neighbors(latent, result)),
        in_pixels([small_run.generate(one.latent_KZ) for one in concepts], [1, -1, 1]),
    ]
    assert all(stands(image) for image in wanted)
    assert not stands(small_run.sample(30)[29])


def test_the_real_image_beside_a_sum_is_the_one_nearest_to_it(small_run, monkeypatch):
    asked = []

    def nearest(dataset, images):
        asked.append((dataset, images))
        return images, ["real, 0.000"]

    monkeypatch.setattr("dcgan.latent.arithmetic.nearest_row", nearest)
    reader = Reader(small_run)
    concepts = open_concepts(small_run, ["0,1,2"], ["3,4"], choice=Choice(), reader=reader)
    figure(small_run, concepts, beside="the images")
    ((dataset, images),) = asked
    assert dataset == "the images"
    result = combine(small_run.networks.latent, concepts)
    np.testing.assert_array_equal(images, small_run.generate(result[None]))
