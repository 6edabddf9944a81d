"""From picture to picture, on a trained run and in numbers."""

from __future__ import annotations

from math import cos, sqrt

import pytest
import torch

from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.interpolate import KINDS, describe, interpolate, named_places
from dcgan.latent.noise import truncated
from dcgan.latent.points import latent_of, latents_of
from dcgan.models.latents import LatentSpace

SPACE = LatentSpace(12, "normal", (0.5, 0.5), (), 1)
POINTS = SPACE.numbered(0, 0, 4)
NEEDS = {"spherical": 3, "straight": 3, "circle": 2, "grid": 4, "walk": 1}


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_begins_at_its_first_point_and_has_its_frames(kind, distribution):
    space = LatentSpace(12, distribution, (0.5, 0.5), (), 1)
    points = space.numbered(0, 0, 4)
    found = interpolate(space, points[: NEEDS[kind]], kind=kind, frames=25)
    assert found.shape == (25, space.width)
    assert torch.equal(found[0], points[0])
    assert not torch.equal(found[1], points[0])


def test_a_straight_way_is_straight_in_a_cube_too():
    space = LatentSpace(12, "uniform")
    start, end = space.numbered(0, 0, 2)
    found = interpolate(space, torch.stack([start, end]), kind="straight", frames=5)
    torch.testing.assert_close(found[1], 0.75 * start + 0.25 * end)


def test_a_walk_from_a_numbered_sample_turns_at_once_and_stays_on_the_shell():
    space = LatentSpace(500)
    found = interpolate(space, space.numbered(7, 0, 1), kind="walk", frames=50, seed=7)
    points = found[::10].double()
    cosines = torch.nn.functional.cosine_similarity(points[:-1], points[1:])
    torch.testing.assert_close(cosines, torch.full_like(cosines, cos(0.6)), rtol=0.1, atol=0)
    assert (points.norm(dim=1) / sqrt(500) - 1).abs().max() < 0.1


def test_a_latent_of_one_number_has_ways_too():
    for kind in KINDS:
        points = torch.tensor([[1.0], [-2.0], [0.5], [3.0]])[: NEEDS[kind]]
        assert interpolate(LatentSpace(1), points, kind=kind, frames=9).isfinite().all()


def test_a_circle_through_one_point_and_too_long_a_film_are_refused():
    with pytest.raises(ConfigError, match="two different points"):
        interpolate(SPACE, POINTS[[0, 0]], kind="circle")
    with pytest.raises(ConfigError, match="at most 10,000"):
        interpolate(SPACE, POINTS, frames=10_001)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("points", [0, 1, 2, 3, 4])
def test_another_number_of_points_is_refused(kind, points):
    allowed = {"circle": {2}, "grid": {2, 4}, "walk": {1}}.get(kind, {2, 3, 4})
    if points in allowed:
        interpolate(SPACE, POINTS[:points], kind=kind)
        return
    with pytest.raises(ConfigError, match="needs"):
        interpolate(SPACE, POINTS[:points], kind=kind)


@pytest.mark.parametrize("kind", ["circle", "grid", "walk"])
def test_only_ways_between_points_can_be_closed(kind):
    with pytest.raises(ConfigError, match="spherical and straight"):
        interpolate(SPACE, POINTS[: NEEDS[kind]], kind=kind, closed=True)


def test_fewer_frames_than_points_are_refused():
    with pytest.raises(ConfigError, match="at least 4"):
        interpolate(SPACE, POINTS, frames=3)
    with pytest.raises(ConfigError, match="at least 2"):
        interpolate(SPACE, POINTS[:1], kind="walk", frames=1)


def test_a_walk_depends_on_its_seed_and_keeps_class_and_code():
    first, again, other = (
        interpolate(SPACE, POINTS[:1], kind="walk", frames=40, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first[20], other[20])
    assert torch.equal(first[:, 12:], POINTS[:1, 12:].expand(40, -1))


def test_the_rule_for_uniform_noise_is_said():
    uniform = LatentSpace(12, "uniform")
    assert "normal noise" in describe(uniform, "circle")
    assert describe(uniform, "straight") == "straight"
    assert describe(SPACE, "circle") == "circle"


def test_a_point_is_a_number_on_the_sheet_or_of_another_seed(small_run):
    choice = Choice(seed=4)
    assert torch.equal(
        latent_of(small_run, "17", choice), small_run.networks.latent.numbered(4, 17, 18)[0]
    )
    assert torch.equal(
        latent_of(small_run, "9:70", choice), small_run.networks.latent.numbered(9, 70, 71)[0]
    )
    assert latents_of(small_run, ("1", "2", "1"), choice).shape == (
        3,
        small_run.networks.latent.width,
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [("x", "number"), ("1:x", "number"), ("", "number"), ("-1", "from 0"), ("1e3", "number"),
     ("-1:3", "2\\^63"), ("10000000", "from 0"), (":3", "number"), ("9" * 5000, "number")],
)  # fmt: skip
def test_what_names_no_point_is_refused(small_run, name, word):
    with pytest.raises(ConfigError, match=word) as caught:
        latent_of(small_run, name, Choice())
    assert caught.value.value == name


def test_a_choice_holds_for_every_point(small_run):
    choice = Choice(seed=1, truncation=0.3)
    noise = latent_of(small_run, "5:3", choice)[: small_run.networks.latent.dim]
    assert noise.abs().max() <= 0.3


@pytest.mark.parametrize("most", [0.2, 1.0, 3.0])
def test_truncated_noise_is_distributed_as_normal_noise_within_the_threshold(most):
    """Against the distribution of draws that were thrown away beyond it."""
    space = LatentSpace(50)
    latent = space.numbered(0, 0, 4000)
    moved = truncated(space, latent, most).flatten()
    kept = latent.flatten()[latent.flatten().abs() < most]
    shares = torch.linspace(0.01, 0.99, 40)
    torch.testing.assert_close(
        moved.quantile(shares), kept.quantile(shares), rtol=0, atol=0.02 * most
    )
    assert moved.abs().max() <= most


def test_truncation_keeps_the_order_and_what_stands_beside():
    latent = SPACE.numbered(0, 0, 40)
    moved = truncated(SPACE, latent, 0.7)
    assert torch.equal(moved[:, 12:], latent[:, 12:])
    assert torch.equal(moved[:, :12].argsort(dim=0), latent[:, :12].argsort(dim=0))


def test_a_large_threshold_changes_nothing():
    torch.testing.assert_close(truncated(SPACE, POINTS, 12.0), POINTS, rtol=1e-5, atol=1e-6)


def test_uniform_noise_is_drawn_from_a_smaller_cube():
    space = LatentSpace(5, "uniform")
    latent = space.numbered(0, 0, 9)
    torch.testing.assert_close(truncated(space, latent, 0.25), latent / 4)
    assert torch.equal(truncated(space, latent, 7), latent)


@pytest.mark.parametrize("most", [0.0, -1.0, float("nan")])
def test_a_threshold_must_be_above_zero(most):
    with pytest.raises(ConfigError, match="above 0"):
        truncated(SPACE, POINTS, most)


def test_points_on_a_path_are_named_where_it_passes_them():
    points = SPACE.numbered(0, 0, 3)
    path = interpolate(SPACE, points, frames=7)
    assert named_places(path, points, ["a", "b", "c"]) == ["a", "", "", "b", "", "", "c"]
    closed = interpolate(SPACE, points, frames=6, closed=True)
    assert named_places(closed, points, ["a", "b", "c"])[::2] == ["a", "b", "c"]
