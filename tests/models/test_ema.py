"""The averaged generator follows as its formula says, with statistics of its own."""

from __future__ import annotations

import copy

import pytest
import torch

from dcgan.models import AveragedGenerator, Generator, LatentSpace, plan_generator


def small_generator(norm="batch"):
    torch.manual_seed(0)
    return Generator(plan_generator((16, 16), 1, width=4, norm=norm), latent_dim=8)


def averaged(generator, half_life, ramp_up):
    return AveragedGenerator(
        generator, half_life=half_life, ramp_up=ramp_up, latent=LatentSpace(8), seed=3
    )


def shifted(generator, by):
    other = copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(by)
    return other


@pytest.mark.parametrize(
    ("half_life", "ramp_up", "images", "batch", "kept"),
    [
        (100, 1.0, 10_000, 100, 0.5),
        (100, 1.0, 10_000, 50, 0.5**0.5),
        (1000, 0.05, 1000, 50, 0.5),  # half-life held at 5 % of 1000
        (1000, 0.05, 100_000, 1000, 0.5),  # past the ramp
        (1000, 0.0, 1000, 500, 0.5**0.5),  # no ramp
        (1000, 0.05, 0, 50, 0.0),  # nothing seen before: the random start is forgotten at once
    ],
)
def test_weights_keep_the_share_that_the_half_life_says(half_life, ramp_up, images, batch, kept):
    generator = small_generator()
    average = averaged(generator, half_life, ramp_up)
    average.update(shifted(generator, 1.0), images, batch)
    for ours, original in zip(average.module.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(ours, original + (1 - kept))


def test_without_a_half_life_it_is_the_generator_itself():
    generator = small_generator("none")
    average = averaged(generator, 0, 0.05)
    moved = shifted(generator, 0.3)
    average.update(moved, 1000, 64)
    ready = average.ready(moved)
    latent = torch.randn(4, 8)
    assert torch.equal(ready(latent), moved(latent))


def test_averaged_weights_under_spectral_norm_have_singular_values_of_their_own():
    generator = small_generator("spectral").train()
    for _ in range(30):
        generator(torch.randn(4, 8))
    average = averaged(generator, 100, 1.0)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter))
    average.update(generator, 10_000, 100)
    ready = average.ready(generator)
    for block in ready.blocks:
        matrix = block.conv_transpose.weight.transpose(0, 1).flatten(1)
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, rel=0.02)
    assert not any(module.training for module in ready.modules())


def test_statistics_are_those_of_its_own_weights_on_fresh_latents():
    generator = small_generator()
    average = averaged(generator, 100, 1.0)
    average.update(shifted(generator, 0.5), 10_000, 100)
    ready = average.ready(generator)
    # the first batch norm's statistics, computed from the definition
    block = ready.blocks[0]
    latents = LatentSpace(8).numbered(3, 0, 512)
    before_norm = block.conv_transpose(latents.reshape(512, 8, 1, 1))
    norm = block.batch
    torch.testing.assert_close(norm.running_mean, before_norm.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    per_batch = torch.stack([piece.var((0, 2, 3)) for piece in before_norm.split(64)])
    torch.testing.assert_close(norm.running_var, per_batch.mean(0), rtol=1e-4, atol=1e-5)
    assert not ready.training


def test_it_is_made_ready_once_after_each_step():
    generator = small_generator()
    average = averaged(generator, 0, 0.05)
    seen = []
    average.module.register_forward_hook(lambda *_: seen.append(1))
    for passes in (8, 16):
        average.update(generator, 1000, 64)
        for _ in range(2):
            average.ready(generator)
        assert len(seen) == passes


def test_getting_ready_touches_neither_the_generator_nor_any_random_stream():
    generator = small_generator("spectral+batch").train()
    average = averaged(generator, 0, 0.05)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    stream = torch.get_rng_state()
    average.ready(generator)
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in generator.state_dict().items())
    assert generator.training
