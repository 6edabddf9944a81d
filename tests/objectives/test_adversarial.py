"""Adversarial losses: each against cross-entropy, its derivative and its optimum."""

from __future__ import annotations

from math import log
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from dcgan.config.tree import ObjectiveConfig
from dcgan.objectives import OBJECTIVES
from dcgan.objectives.adversarial import (
    discriminator_cross_entropy,
    generator_non_saturating,
    generator_saturating,
)

LOGITS = st.lists(st.floats(-15, 15), min_size=1, max_size=8).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)
TARGETS = st.floats(0.5, 1, exclude_min=True)

examples = settings(max_examples=50, deadline=None)


def gradient(loss, logits: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(logits), logits)
    return slope


@examples
@given(real_B=LOGITS, fake_B=LOGITS, target=TARGETS)
def test_the_discriminators_loss_is_cross_entropy_with_its_two_targets(real_B, fake_B, target):
    """Also for batches of two sizes: each term is a mean over its own."""
    expected = binary_cross_entropy_with_logits(real_B, torch.full_like(real_B, target))
    expected = expected + binary_cross_entropy_with_logits(fake_B, torch.zeros_like(fake_B))
    loss = discriminator_cross_entropy(real_B, fake_B, real_target=target)
    torch.testing.assert_close(loss, expected)


@examples
@given(real_B=LOGITS, fake_B=LOGITS)
def test_the_discriminators_loss_is_equation_1_of_the_first_gan(real_B, fake_B):
    """-E log D(x) - E log(1 - D(G(z))), with the sigmoid written out."""
    real, fake = 1 / (1 + (-real_B).exp()), 1 / (1 + (-fake_B).exp())
    expected = -real.log().mean() - (1 - fake).log().mean()
    loss = discriminator_cross_entropy(real_B, fake_B)
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-9)


@examples
@given(fake_B=LOGITS)
def test_the_non_saturating_loss_is_cross_entropy_with_the_real_target(fake_B):
    expected = binary_cross_entropy_with_logits(fake_B, torch.ones_like(fake_B))
    torch.testing.assert_close(generator_non_saturating(fake_B), expected)


@examples
@given(fake_B=LOGITS)
def test_the_saturating_loss_is_the_mean_log_of_one_minus_the_score(fake_B):
    expected = (1 - fake_B.sigmoid()).log().mean()
    torch.testing.assert_close(generator_saturating(fake_B), expected, rtol=1e-6, atol=1e-9)


@examples
@given(real_B=LOGITS, fake_B=LOGITS)
def test_the_saturating_generator_gains_what_the_discriminator_loses_on_fakes(real_B, fake_B):
    """The minimax game has one value: on generated images the two losses sum to zero."""
    on_real = binary_cross_entropy_with_logits(real_B, torch.ones_like(real_B))
    on_fake = discriminator_cross_entropy(real_B, fake_B) - on_real
    torch.testing.assert_close(generator_saturating(fake_B), -on_fake, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_losses_and_gradients_of_sure_logits_are_exact(logit, dtype):
    """There log(sigmoid(x) + ε) is off and log(sigmoid(x)) infinite."""
    x = torch.tensor([logit], dtype=dtype)
    sure_real, sure_fake = max(logit, 0.0), max(-logit, 0.0)  # softplus of ±x
    losses = {
        "D on real": (lambda x: discriminator_cross_entropy(x, -x, real_target=0.9), None),
        "non-saturating": (generator_non_saturating, sure_fake),
        "saturating": (generator_saturating, -sure_real),
    }
    for name, (loss, expected) in losses.items():
        assert loss(x).isfinite(), name
        assert gradient(loss, x).isfinite().all(), name
        if expected is not None:
            assert loss(x).item() == pytest.approx(expected, abs=1e-6), name
    # a discriminator that is wrong about both: 0.9 · 100 or 0.1 · 100 on real, 100 on fake
    wrong = discriminator_cross_entropy(-x.abs(), x.abs(), real_target=0.9)
    assert wrong.item() == pytest.approx(190)
    right = discriminator_cross_entropy(x.abs(), -x.abs(), real_target=0.9)
    assert right.item() == pytest.approx(10)


def test_the_saturating_gradient_vanishes_where_the_discriminator_is_sure():
    """Goodfellow et al. 2014, section 3: early on D rejects every sample."""
    rejected_B = torch.full((4,), -20.0)
    assert gradient(generator_saturating, rejected_B).abs().max() < 1e-8
    torch.testing.assert_close(
        gradient(generator_non_saturating, rejected_B), torch.full((4,), -1 / 4)
    )


@examples
@given(fake_B=LOGITS)
def test_both_generators_losses_push_the_logits_up_by_their_closed_forms(fake_B):
    score_B, count = fake_B.sigmoid(), len(fake_B)
    torch.testing.assert_close(
        gradient(generator_non_saturating, fake_B), -(1 - score_B) / count, rtol=1e-6, atol=1e-9
    )
    torch.testing.assert_close(
        gradient(generator_saturating, fake_B), -score_B / count, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("target", [0.6, 0.8, 0.9, 0.99])
def test_a_smoothed_discriminator_is_best_at_its_target_on_real_images(target):
    """So it gains nothing from growing surer: its logit stays at log(t / (1 - t))."""
    best = torch.tensor([log(target / (1 - target))], dtype=torch.float64)
    fake_B = torch.zeros(1, dtype=torch.float64)

    def loss(real_B: Tensor) -> Tensor:
        return discriminator_cross_entropy(real_B, fake_B, real_target=target)

    assert gradient(loss, best).item() == pytest.approx(0, abs=1e-12)
    for step in (-0.5, 0.5):
        assert loss(best + step) > loss(best)


def test_without_smoothing_a_surer_discriminator_is_always_better():
    fake_B = torch.zeros(1, dtype=torch.float64)
    real_B = torch.tensor([0.0, 5.0, 10.0, 20.0], dtype=torch.float64)
    losses = [discriminator_cross_entropy(real, fake_B).item() for real in real_B]
    assert losses == sorted(losses, reverse=True)


@examples
@given(real_B=LOGITS, fake_B=LOGITS, target=TARGETS)
def test_smoothing_is_one_sided(real_B, fake_B, target):
    """The target on generated images stays 0: their gradient is σ(x), whatever the real target."""
    slope = gradient(
        lambda fake: discriminator_cross_entropy(real_B, fake, real_target=target), fake_B
    )
    torch.testing.assert_close(slope, fake_B.sigmoid() / len(fake_B), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "generator"),
    [("non-saturating", generator_non_saturating), ("saturating", generator_saturating)],
)
def test_an_objective_is_found_by_its_name(name, generator):
    assert OBJECTIVES[name].generator is generator
    assert OBJECTIVES[name].discriminator is discriminator_cross_entropy


def test_every_objective_can_be_configured_and_every_setting_has_one():
    assert set(get_args(ObjectiveConfig.model_fields["loss"].annotation)) == set(OBJECTIVES)
