"""Latents: their distribution, and that each depends on its seed and number only."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.models import LatentSpace

SEEDS = st.integers(0, 2**63 - 1)
DISTRIBUTIONS = st.sampled_from(["normal", "uniform"])

examples = settings(max_examples=50, deadline=None)


@examples
@given(
    seed=SEEDS,
    distribution=DISTRIBUTIONS,
    dim=st.integers(1, 7),
    start=st.integers(0, 400),
    count=st.integers(0, 200),
    before=st.integers(0, 100),
    after=st.integers(0, 100),
)
def test_a_numbered_latent_does_not_depend_on_the_range_asked_for(
    seed, distribution, dim, start, count, before, after
):
    space = LatentSpace(dim, distribution)
    latents_BZ = space.numbered(seed, start, start + count)
    assert latents_BZ.shape == (count, dim)
    first = max(0, start - before)
    wider_BZ = space.numbered(seed, first, start + count + after)
    assert torch.equal(wider_BZ[start - first :][:count], latents_BZ)
    for offset in {0, count // 2, count - 1} if count else ():
        number = start + offset
        assert torch.equal(space.numbered(seed, number, number + 1)[0], latents_BZ[offset])


@examples
@given(seed=SEEDS, noise=st.integers(0, 1000))
def test_numbered_latents_leave_the_global_generator_alone(seed, noise):
    torch.manual_seed(noise)
    expected = torch.randn(3)
    torch.manual_seed(noise)
    once = LatentSpace(4).numbered(seed, 0, 5)
    assert torch.equal(torch.randn(3), expected)
    assert torch.equal(LatentSpace(4).numbered(seed, 0, 5), once)


@examples
@given(seeds=st.lists(SEEDS, min_size=2, max_size=2, unique=True), number=st.integers(0, 10**6))
def test_another_seed_gives_other_latents(seeds, number):
    one, other = (LatentSpace(8).numbered(seed, number, number + 64) for seed in seeds)
    assert not (one == other).all(dim=1).any()


def test_neighboring_seeds_and_blocks_are_unrelated():
    """Nor is a seed's sequence that of the next one, shifted."""
    latents = [LatentSpace(100).numbered(seed, 0, 256).reshape(4, 6400) for seed in range(20)]
    correlation = torch.corrcoef(torch.cat(latents)).fill_diagonal_(0)
    assert correlation.abs().max() < 0.08  # six standard errors


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_no_latent_of_a_seed_comes_twice(seed):
    latents_BZ = LatentSpace(3).numbered(seed, 0, 20_000)
    assert latents_BZ.unique(dim=0).shape == latents_BZ.shape


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_normal_latents_have_the_moments_of_the_normal_distribution(seed):
    latents = LatentSpace(100).numbered(seed, 0, 4000)
    assert latents.mean().item() == pytest.approx(0, abs=0.01)
    assert latents.var().item() == pytest.approx(1, abs=0.01)
    assert latents.pow(3).mean().item() == pytest.approx(0, abs=0.03)
    assert latents.pow(4).mean().item() == pytest.approx(3, abs=0.1)
    # every one of a latent's numbers, not only their average
    assert latents.mean(0).abs().max() < 0.1
    assert (latents.std(0) - 1).abs().max() < 0.1


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_uniform_latents_fill_the_range_from_minus_one_to_one_evenly(seed):
    latents = LatentSpace(100, "uniform").numbered(seed, 0, 4000)
    assert -1 <= latents.min() < -0.999
    assert 0.999 < latents.max() <= 1
    assert latents.mean().item() == pytest.approx(0, abs=0.01)
    assert latents.var().item() == pytest.approx(1 / 3, abs=0.01)
    shares = torch.histc(latents, bins=10, min=-1, max=1) / latents.numel()
    assert (shares - 0.1).abs().max() < 0.005


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_stream_goes_on_where_the_last_draw_stopped(distribution):
    space = LatentSpace(16, distribution)
    stream = torch.Generator().manual_seed(5)
    first, second = space.sample(3, stream), space.sample(3, stream)
    assert first.shape == second.shape == (3, 16)
    assert not torch.equal(first, second)
    assert torch.equal(space.sample(3, torch.Generator().manual_seed(5)), first)


def test_without_a_stream_latents_follow_the_global_seed():
    torch.manual_seed(5)
    first = LatentSpace(16).sample(3)
    torch.manual_seed(5)
    assert torch.equal(LatentSpace(16).sample(3), first)
    assert not torch.equal(LatentSpace(16).sample(3), first)


def test_classes_are_drawn_as_often_as_their_shares_say():
    shares = (0.5, 0.125, 0.0, 0.375)
    drawn = LatentSpace(dim=2, classes=shares).sample(20_000, torch.Generator().manual_seed(0))
    found = drawn[:, 2:].mean(dim=0)
    assert (drawn[:, 2:].sum(dim=1) == 1).all()
    assert found[2] == 0
    torch.testing.assert_close(found, torch.tensor(shares), rtol=0, atol=0.015)
