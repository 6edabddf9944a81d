"""One update moves each player by its own loss and by nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.objectives import OBJECTIVES
from dcgan.training.step import Players, Rules, frozen, gradient_magnitudes, update

RULES = Rules(objective=OBJECTIVES["non-saturating"], real_target=0.9)


def players(norm_d="batch", lr=0.1):
    torch.manual_seed(0)
    generator = Generator(plan_generator((16, 16), 1, width=4), latent_dim=8)
    discriminator = Discriminator(plan_discriminator((16, 16), width=4, norm=norm_d), (1, 16, 16))
    return Players(
        generator,
        discriminator,
        torch.optim.SGD(generator.parameters(), lr),
        torch.optim.SGD(discriminator.parameters(), lr),
    )


def batch():
    torch.manual_seed(1)
    return torch.rand(6, 1, 16, 16) * 2 - 1, torch.randn(6, 8)


def reference_update(ours, real, latent, lr=0.1, real_target=0.9):
    """The textbook loop: cross-entropy with labels, plain SGD written out."""
    generator, discriminator = copy.deepcopy(ours.generator), copy.deepcopy(ours.discriminator)
    fake = generator(latent)
    on_real, on_fake = discriminator(real), discriminator(fake.detach())
    loss_d = bce(on_real, torch.full_like(on_real, real_target)) + bce(
        on_fake, torch.zeros_like(on_fake)
    )
    gradients = torch.autograd.grad(loss_d, list(discriminator.parameters()))
    with torch.no_grad():
        for weight, gradient in zip(discriminator.parameters(), gradients, strict=True):
            weight -= lr * gradient
    judged = discriminator(fake)
    loss_g = bce(judged, torch.ones_like(judged))
    gradients = torch.autograd.grad(loss_g, list(generator.parameters()))
    with torch.no_grad():
        for weight, gradient in zip(generator.parameters(), gradients, strict=True):
            weight -= lr * gradient
    return generator, discriminator, {"loss_d": loss_d, "loss_g": loss_g}


def test_an_update_equals_the_textbook_loop():
    ours = players()
    real, latent = batch()
    generator, discriminator, losses = reference_update(ours, real, latent)
    found = update(ours, real, latent, RULES, with_penalty=False, with_generator=True)
    for name, loss in losses.items():
        torch.testing.assert_close(found[name], loss.detach())
    for mine, theirs in ((ours.generator, generator), (ours.discriminator, discriminator)):
        for (name, value), expected in zip(
            mine.state_dict().items(), theirs.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_scores_are_mean_probabilities_before_and_after_the_step():
    ours = players(norm_d="none")
    real, latent = batch()
    before = copy.deepcopy(ours)
    found = update(ours, real, latent, RULES, with_penalty=False, with_generator=True)
    fake = before.generator(latent)
    torch.testing.assert_close(found["score_real"], before.discriminator(real).sigmoid().mean())
    torch.testing.assert_close(
        found["score_fake_before"], before.discriminator(fake).sigmoid().mean()
    )
    torch.testing.assert_close(found["score_fake_after"], ours.discriminator(fake).sigmoid().mean())


def test_a_discriminator_step_alone_leaves_the_generator_as_it_is():
    ours = players()
    before = [parameter.clone() for parameter in ours.generator.parameters()]
    found = update(ours, *batch(), RULES, with_penalty=False, with_generator=False)
    assert "loss_g" not in found
    for parameter, old in zip(ours.generator.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_the_generators_step_leaves_no_gradient_in_the_discriminator():
    ours = players()
    real, latent = batch()
    update(ours, real, latent, RULES, with_penalty=False, with_generator=False)
    alone = [parameter.grad.clone() for parameter in ours.discriminator.parameters()]
    ours = players()
    update(ours, real, latent, RULES, with_penalty=False, with_generator=True)
    for parameter, gradient in zip(ours.discriminator.parameters(), alone, strict=True):
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad


@pytest.mark.parametrize("interval", [1, 4])
def test_the_penalty_enters_the_loss_with_its_weight_and_interval(interval):
    rules = Rules(objective=OBJECTIVES["non-saturating"], r1=10.0, penalty_interval=interval)
    ours, real_latent = players(norm_d="none"), batch()
    theirs = copy.deepcopy(ours.discriminator)
    real, latent = real_latent
    fake = ours.generator(latent).detach()
    real = real.requires_grad_()
    on_real, on_fake = theirs(real), theirs(fake)
    loss = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
    loss = loss + interval * 10.0 / 2 * slope.flatten(1).norm(dim=1).pow(2).mean()
    gradients = torch.autograd.grad(loss, list(theirs.parameters()))
    update(ours, *real_latent, rules, with_penalty=True, with_generator=False)
    for parameter, gradient in zip(ours.discriminator.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


def test_the_penalty_is_due_every_interval_and_never_without_weight():
    rules = Rules(objective=RULES.objective, r1=1.0, penalty_interval=4)
    assert [n for n in range(9) if rules.penalty_is_due(n)] == [0, 4, 8]
    assert not any(RULES.penalty_is_due(n) for n in range(9))


def test_frozen_thaws_even_after_an_error():
    module = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError), frozen(module):
        assert not module.weight.requires_grad
        raise RuntimeError
    assert module.weight.requires_grad


def test_gradient_magnitudes_are_mean_and_maximum_per_layer():
    ours = players(norm_d="spectral")
    update(ours, *batch(), RULES, with_penalty=False, with_generator=True)
    names, magnitudes = gradient_magnitudes(ours.discriminator)
    assert names == ["1 conv", "2 conv", "3 conv"]
    second = ours.discriminator.blocks[1].conv.parametrizations.weight.original.grad
    torch.testing.assert_close(magnitudes[0, 1], second.abs().mean())
    torch.testing.assert_close(magnitudes[1, 1], second.abs().max())


def test_bf16_steps_stay_close_to_fp32_and_keep_weights_fp32():
    ours, theirs = players(norm_d="none", lr=0.01), players(norm_d="none", lr=0.01)
    rules = Rules(objective=RULES.objective, precision=torch.bfloat16)
    exact = Rules(objective=RULES.objective)
    low = update(ours, *batch(), rules, with_penalty=False, with_generator=True)
    high = update(theirs, *batch(), exact, with_penalty=False, with_generator=True)
    assert all(parameter.dtype == torch.float32 for parameter in ours.generator.parameters())
    for name, value in high.items():
        torch.testing.assert_close(low[name], value, rtol=0.05, atol=0.02)
