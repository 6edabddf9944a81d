"""Ways through latent space keep their ends, their lengths and their distribution."""

from __future__ import annotations

from math import cos, pi, sin, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.latent.noise import from_normal, noise_circle, on_noise, to_normal
from dcgan.latent.paths import circle, corners, spherical, straight, through, walk
from dcgan.models.latents import LatentSpace

SPACES = {
    "normal": LatentSpace(32),
    "uniform": LatentSpace(32, "uniform"),
    "classes and codes": LatentSpace(8, "uniform", (0.5, 0.5), (3,), 2),
}
examples = settings(max_examples=50, deadline=None)
vectors = st.lists(st.floats(-4, 4, width=32), min_size=5, max_size=5).map(torch.tensor)


def shares(count):
    return torch.linspace(0, 1, count)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("way", [straight, spherical])
def test_a_way_begins_and_ends_exactly_where_it_should(space, way):
    start, end = space.numbered(0, 0, 2)
    found = on_noise(space, way)(start, end, shares(7))
    assert torch.equal(found[0], start)
    assert torch.equal(found[-1], end)


@examples
@given(start=vectors, end=vectors)
def test_lengths_along_a_great_circle_go_straight_from_one_to_the_other(start, end):
    if min(start.norm(), end.norm()) < 1e-3:
        return
    found = spherical(start, end, shares(9))
    expected = (1 - shares(9)) * start.norm() + shares(9) * end.norm()
    torch.testing.assert_close(found.norm(dim=1), expected, rtol=1e-5, atol=1e-6)


@examples
@given(start=vectors, end=vectors)
def test_a_great_circle_is_walked_at_an_even_speed(start, end):
    if min(start.norm(), end.norm()) < 1e-3:
        return
    unit = torch.nn.functional.normalize(spherical(start, end, shares(9)).double(), dim=1)
    chord = (unit[1:] - unit[:-1]).norm(dim=1)
    torch.testing.assert_close(chord, chord.mean().expand(8), rtol=1e-4, atol=1e-5)


@examples
@given(start=vectors, end=vectors, share=st.floats(0.05, 0.95))
def test_between_unit_lengths_it_is_shoemakes_formula(start, end, share):
    if min(start.norm(), end.norm()) < 1e-3:
        return
    start, end = start.double() / start.norm(), end.double() / end.norm()
    angle = torch.arccos((start @ end).clamp(-1, 1))
    if not 0.01 < angle < pi - 0.01:
        return
    start, end = start / start.norm(), end / end.norm()
    expected = (sin((1 - share) * angle) * start + sin(share * angle) * end) / sin(angle)
    found = spherical(start, end, torch.tensor([share], dtype=torch.float64))
    torch.testing.assert_close(found[0], expected, rtol=1e-5, atol=1e-6)


def test_the_way_between_opposite_latents_is_half_a_circle():
    start = torch.tensor([2.0, 0.0, 0.0])
    found = spherical(start, -start, shares(5))
    torch.testing.assert_close(found.norm(dim=1), torch.full((5,), 2.0))
    assert abs(float(found[2] @ start)) < 1e-6
    assert torch.equal(found, spherical(start, -start, shares(5)))


def test_the_way_between_parallel_latents_keeps_their_direction():
    start = torch.tensor([1.0, -2.0, 2.0])
    found = spherical(start, 3 * start, shares(5))
    torch.testing.assert_close(found[2], 2 * start)
    assert torch.equal(spherical(start, start, shares(3)), start.expand(3, 3))


def test_from_nothing_the_way_is_straight():
    end = torch.tensor([4.0, 2.0])
    torch.testing.assert_close(spherical(0 * end, end, shares(3))[1], end / 2)


def test_a_circle_closes_and_passes_both_latents():
    first, second = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    found = circle(first, second, 360)
    assert torch.equal(found[0], first)
    torch.testing.assert_close(found[90], second, rtol=0, atol=1e-6)
    torch.testing.assert_close(found[180], -first, rtol=0, atol=1e-6)
    steps = (found.roll(-1, 0) - found).norm(dim=1)
    tangent = (second * cos(2 * pi * 359.5 / 360) - first * sin(2 * pi * 359.5 / 360)).norm()
    torch.testing.assert_close(steps[-1], tangent * 2 * pi / 360, rtol=1e-3, atol=0)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_every_point_of_a_circle_is_drawn_as_latents_are(distribution):
    """Mean and variance over many circles, at an angle that is no end of any."""
    space = LatentSpace(1, distribution)
    latent = space.numbered(3, 0, 8000)
    found = torch.cat(
        [noise_circle(space, latent[i], latent[i + 1], 8)[1] for i in range(0, 8000, 2)]
    )
    assert abs(found.mean()) < 0.06
    assert found.var().item() == pytest.approx({"normal": 1, "uniform": 1 / 3}[distribution], 0.07)


def test_a_circle_on_the_sphere_stays_there():
    first, second = torch.eye(6)[:2] * 3
    torch.testing.assert_close(circle(first, second, 17).norm(dim=1), torch.full((17,), 3.0))


def test_uniform_noise_goes_to_normal_noise_and_back():
    space = SPACES["uniform"]
    latent = space.numbered(0, 0, 4000)
    normal = to_normal(space, latent)
    assert normal.std().item() == pytest.approx(1, abs=0.01)
    torch.testing.assert_close(from_normal(space, normal, latent[:, 32:]), latent)
    edge = to_normal(space, torch.tensor([[1.0, -1.0] * 16]))
    assert torch.isfinite(edge).all()


def test_normal_noise_stays_what_it_is():
    space = SPACES["normal"]
    latent = space.numbered(0, 0, 4)
    assert torch.equal(to_normal(space, latent), latent)
    assert torch.equal(from_normal(space, latent, latent[:, 32:]), latent)


def test_a_way_through_uniform_noise_keeps_its_spread_where_a_straight_one_shrinks_it():
    space = LatentSpace(2000, "uniform")
    start, end = space.numbered(0, 0, 2)
    middle = torch.tensor([0.5])
    straightly = straight(start, end, middle)
    assert straightly.std().item() == pytest.approx(sqrt(1 / 6), abs=0.02)
    found = on_noise(space, spherical)(start, end, middle)
    assert found.std().item() == pytest.approx(sqrt(1 / 3), abs=0.02)
    assert found.abs().max() <= 1


def test_classes_and_codes_are_mixed_so_that_shares_of_classes_stay_shares():
    space = SPACES["classes and codes"]
    start, end = space.numbered(5, 0, 2)
    start, end = (space.with_class(z[None], k)[0] for k, z in enumerate((start, end)))
    for found in (
        on_noise(space, spherical)(start, end, shares(5)),
        noise_circle(space, start, end, 8),
    ):
        shares_of_classes = found[:, space.class_slice]
        torch.testing.assert_close(shares_of_classes.sum(dim=1), torch.ones(len(found)))
        assert shares_of_classes.min() >= 0
    around = noise_circle(space, start, end, 8)[:, space.class_slice]
    expected = torch.tensor([0, 0.5, 1, 0.5, 0, 0.5, 1, 0.5])  # sin² at eighths of a turn
    torch.testing.assert_close(around[:, 1], expected, rtol=0, atol=1e-6)
    halfway = on_noise(space, spherical)(start, end, torch.tensor([0.5]))[0]
    assert halfway[space.class_slice].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("closed", "frames", "expected"), [(False, 10, 10), (True, 9, 9)])
def test_a_way_through_points_meets_each(closed, frames, expected):
    points = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))[: 4 - closed]
    found = through(points, frames, spherical, closed=closed)
    assert len(found) == expected
    assert all(torch.equal(found[3 * i], point) for i, point in enumerate(points))


def test_a_closed_way_runs_on_into_its_beginning():
    points = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    found = through(points, 30, straight, closed=True)
    steps = (found.roll(-1, 0) - found).norm(dim=1)
    torch.testing.assert_close(steps[20:], steps[20].expand(10))


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("frames", [4, 5, 11, 60])
def test_there_are_exactly_as_many_frames_and_each_point_is_met(frames, closed):
    points = torch.eye(4)
    found = through(points, frames, straight, closed=closed)
    assert len(found) == frames
    assert [(found == point).all(dim=1).sum() for point in points] == [1, 1, 1, 1]


def test_a_grid_has_its_corners_in_its_corners():
    points = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    grid = corners(points, 6, spherical).view(6, 6, 6)
    for place, point in zip(((0, 0), (0, -1), (-1, -1), (-1, 0)), points, strict=True):
        assert torch.equal(grid[place], point)
    flat = corners(points, 5, straight).view(5, 5, 6)
    torch.testing.assert_close(flat[2, 2], points.mean(dim=0))


def test_a_grid_between_two_is_the_way_between_them():
    points = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(corners(points, 6, spherical), spherical(points[0], points[1], shares(36)))


def test_a_walk_turns_by_its_step_and_stays_where_latents_are():
    latent = LatentSpace(2000).numbered(0, 0, 60)
    points = walk(latent[0], latent[1:], 0.5)
    assert len(points) == 60
    assert torch.equal(points[0], latent[0])
    assert points[-1].std().item() == pytest.approx(1, abs=0.05)
    cosine = torch.nn.functional.cosine_similarity(points[:-1], points[1:])
    assert cosine.mean().item() == pytest.approx(cos(0.5), abs=0.01)
