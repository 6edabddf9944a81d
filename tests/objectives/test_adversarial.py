"""Adversarial losses: each against cross-entropy, its derivative and its optimum."""

from __future__ import annotations

from functools import partial
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
    discriminator_cross_entropy_on_probabilities,
    discriminator_hinge,
    discriminator_least_squares,
    discriminator_relativistic,
    discriminator_wasserstein,
    generator_least_squares,
    generator_linear,
    generator_non_saturating,
    generator_non_saturating_on_probabilities,
    generator_relativistic,
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


WILD = st.lists(st.floats(-120, 120, width=32), min_size=1, max_size=8).map(torch.tensor)


def loss_on_probabilities(logit_B: Tensor, target: float) -> tuple[float, Tensor]:
    """Cross entropy and its gradient: logarithms are clamped at -100, p (1 - p) in the derivative
    by p at 1e-12."""
    losses, slopes = [], []
    for p in logit_B.sigmoid():
        logs = [max(log(x), -100.0) if x > 0 else -100.0 for x in (p.item(), 1 - p.item())]
        losses.append(-target * logs[0] - (1 - target) * logs[1])
        variance = (1 - p) * p
        slopes.append((p - target) / variance.clamp(min=1e-12) * variance / len(logit_B))
    return sum(losses) / len(losses), torch.stack(slopes)


@examples
@given(real_B=WILD, fake_B=WILD, target=st.sampled_from([0.75, 1.0]))
def test_on_probabilities_the_discriminators_loss_is_that_of_a_sigmoid_and_bce(
    real_B, fake_B, target
):
    loss = partial(discriminator_cross_entropy_on_probabilities, real_target=target)
    on_real, slope_of_real = loss_on_probabilities(real_B, target)
    on_fake, slope_of_fake = loss_on_probabilities(fake_B, 0.0)
    assert loss(real_B, fake_B).item() == pytest.approx(on_real + on_fake, rel=1e-4, abs=1e-6)
    found_real = gradient(lambda x: loss(x, fake_B), real_B)
    found_fake = gradient(lambda x: loss(real_B, x), fake_B)
    torch.testing.assert_close(found_real, slope_of_real, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(found_fake, slope_of_fake, rtol=1e-4, atol=1e-7)

    def of_torch(logit_B: Tensor, label: float) -> Tensor:
        label_B = torch.full_like(logit_B, label)
        return gradient(lambda x: torch.nn.BCELoss()(x.sigmoid(), label_B), logit_B)

    torch.testing.assert_close(found_real, of_torch(real_B, target), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(found_fake, of_torch(fake_B, 0.0), rtol=1e-5, atol=1e-7)


@examples
@given(fake_B=WILD)
def test_on_probabilities_the_generators_loss_is_that_of_a_sigmoid_and_bce(fake_B):
    expected, slope = loss_on_probabilities(fake_B, 1.0)
    loss = generator_non_saturating_on_probabilities
    assert loss(fake_B).item() == pytest.approx(expected, rel=1e-4, abs=1e-6)
    torch.testing.assert_close(gradient(loss, fake_B), slope, rtol=1e-4, atol=1e-7)


def test_on_probabilities_a_sure_discriminator_gives_no_gradient_and_on_logits_it_does():
    rejected_B, mistaken_B = torch.tensor([-40.0]), torch.tensor([20.0])
    rounded, exact = discriminator_cross_entropy_on_probabilities, discriminator_cross_entropy
    assert gradient(generator_non_saturating_on_probabilities, rejected_B).abs() < 1e-4
    assert gradient(generator_non_saturating, rejected_B).item() == -1
    assert gradient(partial(rounded, torch.zeros(1)), mistaken_B).item() == 0
    assert gradient(partial(exact, torch.zeros(1)), mistaken_B).item() == 1


@examples
@given(real_B=LOGITS, fake_B=LOGITS, target=TARGETS)
def test_on_probabilities_moderate_logits_have_the_same_loss(real_B, fake_B, target):
    ours = discriminator_cross_entropy_on_probabilities(real_B, fake_B, real_target=target)
    exact = discriminator_cross_entropy(real_B, fake_B, real_target=target)
    torch.testing.assert_close(ours, exact, rtol=1e-6, atol=1e-9)


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


@examples
@given(real_B=LOGITS, fake_B=LOGITS, target=TARGETS, other=st.floats(0, 0.4))
def test_two_sided_smoothing_moves_the_target_of_generated_images(real_B, fake_B, target, other):
    expected = binary_cross_entropy_with_logits(real_B, torch.full_like(real_B, target))
    expected = expected + binary_cross_entropy_with_logits(fake_B, torch.full_like(fake_B, other))
    loss = discriminator_cross_entropy(real_B, fake_B, real_target=target, fake_target=other)
    torch.testing.assert_close(loss, expected)


@examples
@given(real_B=LOGITS, fake_B=LOGITS)
def test_the_hinge_counts_only_what_lies_within_the_margin(real_B, fake_B):
    on_real = sum(max(0.0, 1 - x) for x in real_B.tolist()) / len(real_B)
    on_fake = sum(max(0.0, 1 + x) for x in fake_B.tolist()) / len(fake_B)
    assert discriminator_hinge(real_B, fake_B).item() == pytest.approx(on_real + on_fake)
    assert generator_linear(fake_B).item() == pytest.approx(-sum(fake_B.tolist()) / len(fake_B))


def test_beyond_the_margin_the_hinge_has_no_gradient():
    real_B = torch.tensor([-3.0, 0.5, 1.5])
    slope = gradient(lambda x: discriminator_hinge(x, torch.zeros(1)), real_B)
    torch.testing.assert_close(slope, torch.tensor([-1.0, -1.0, 0.0]) / 3)
    slope = gradient(lambda x: discriminator_hinge(torch.zeros(1), x), -real_B)
    torch.testing.assert_close(slope, torch.tensor([1.0, 1.0, 0.0]) / 3)


@examples
@given(real_B=LOGITS, fake_B=LOGITS, target=TARGETS)
def test_least_squares_is_four_times_that_of_labels_zero_and_one(real_B, fake_B, target):
    """½ (p - t)² + ½ p² with p = (1 + f) / 2: the 0-1 coding of the paper's equation 9."""
    real, fake = (1 + real_B) / 2, (1 + fake_B) / 2
    expected = ((real - target) ** 2).mean() / 2 + (fake**2).mean() / 2
    loss = discriminator_least_squares(real_B, fake_B, real_target=target)
    torch.testing.assert_close(loss, 4 * expected, rtol=1e-6, atol=1e-9)
    on_fake = generator_least_squares(fake_B)
    torch.testing.assert_close(on_fake, 4 * ((fake - 1) ** 2).mean() / 2, rtol=1e-6, atol=1e-9)


def test_two_sided_least_squares_is_best_at_both_targets():
    best = discriminator_least_squares(
        torch.tensor([0.8]), torch.tensor([-0.6]), real_target=0.9, fake_target=0.2
    )
    assert best.item() == pytest.approx(0, abs=1e-12)


@examples
@given(real_B=LOGITS, fake_B=LOGITS, shift=st.floats(-5, 5))
def test_the_wasserstein_loss_is_a_difference_of_means_and_knows_no_level(real_B, fake_B, shift):
    loss = discriminator_wasserstein(real_B, fake_B)
    expected = sum(fake_B.tolist()) / len(fake_B) - sum(real_B.tolist()) / len(real_B)
    assert loss.item() == pytest.approx(expected, abs=1e-9)
    moved = discriminator_wasserstein(real_B + shift, fake_B + shift)
    assert moved.item() == pytest.approx(expected, abs=1e-9)


PAIRS = st.lists(st.tuples(st.floats(-15, 15), st.floats(-15, 15)), min_size=1, max_size=8).map(
    lambda pairs: torch.tensor(pairs, dtype=torch.float64).unbind(dim=1)
)


@examples
@given(pair=PAIRS, shift=st.floats(-5, 5))
def test_the_relativistic_loss_is_cross_entropy_on_the_difference_of_each_pair(pair, shift):
    real_B, fake_B = pair
    ones = torch.ones_like(real_B)
    expected = binary_cross_entropy_with_logits(real_B - fake_B, ones)
    torch.testing.assert_close(discriminator_relativistic(real_B, fake_B), expected)
    expected = binary_cross_entropy_with_logits(fake_B - real_B, ones)
    torch.testing.assert_close(generator_relativistic(fake_B, real_B), expected)
    moved = discriminator_relativistic(real_B + shift, fake_B + shift)
    torch.testing.assert_close(moved, discriminator_relativistic(real_B, fake_B))


def test_relativistic_pairs_are_not_mixed():
    real_B, fake_B = torch.tensor([5.0, -5.0]), torch.tensor([5.0, -5.0])
    assert discriminator_relativistic(real_B, fake_B).item() == pytest.approx(log(2))


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_every_objective_pulls_real_logits_up_and_generated_ones_to_where_real_ones_are(name):
    objective = OBJECTIVES[name]
    real_B, fake_B = torch.tensor([0.3, -0.2]), torch.tensor([-0.3, 0.1])
    assert (gradient(lambda x: objective.discriminator(x, fake_B), real_B) < 0).all()
    assert (gradient(lambda x: objective.discriminator(real_B, x), fake_B) > 0).all()
    others = [real_B] if objective.is_relativistic else []
    assert (gradient(lambda x: objective.generator(x, *others), fake_B) < 0).all()


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_losses_without_a_level_do_not_change_when_all_logits_do(name):
    objective = OBJECTIVES[name]
    real_B, fake_B = torch.tensor([0.3, -0.2]), torch.tensor([-0.3, 0.1])
    plain = objective.discriminator(real_B, fake_B).item()
    moved = objective.discriminator(real_B + 1, fake_B + 1).item()
    assert (moved == pytest.approx(plain)) != objective.has_level


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_only_losses_with_targets_take_them(name):
    objective = OBJECTIVES[name]
    logits = torch.tensor([0.3]), torch.tensor([-0.3])
    if objective.has_targets:
        plain = objective.discriminator(*logits)
        assert objective.discriminator(*logits, real_target=0.7, fake_target=0.1) != plain
    else:
        with pytest.raises(TypeError):
            objective.discriminator(*logits, real_target=0.7)


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("non-saturating", discriminator_cross_entropy, generator_non_saturating),
        (
            "non-saturating-on-probabilities",
            discriminator_cross_entropy_on_probabilities,
            generator_non_saturating_on_probabilities,
        ),
        ("saturating", discriminator_cross_entropy, generator_saturating),
        ("hinge", discriminator_hinge, generator_linear),
        ("least-squares", discriminator_least_squares, generator_least_squares),
        ("wasserstein", discriminator_wasserstein, generator_linear),
        ("relativistic", discriminator_relativistic, generator_relativistic),
    ],
)
def test_an_objective_is_found_by_its_name(name, discriminator, generator):
    assert OBJECTIVES[name].discriminator is discriminator
    assert OBJECTIVES[name].generator is generator


def test_every_objective_can_be_configured_and_every_setting_has_one():
    assert set(get_args(ObjectiveConfig.model_fields["loss"].annotation)) == set(OBJECTIVES)
