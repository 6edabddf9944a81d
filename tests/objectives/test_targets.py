"""Random targets: their ranges, their shares of flips, and their means."""

from __future__ import annotations

import pytest
import torch

from dcgan.objectives import OBJECTIVES, noisy_targets

MANY = 20_000


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def drawn(**noise):
    found = noisy_targets(torch.zeros(MANY), **noise)
    return found["real_target"], found["fake_target"]


def test_targets_are_uniform_in_their_ranges():
    real, fake = drawn(
        real_target=0.95, real_target_spread=0.25, fake_target=0.15, fake_target_spread=0.15
    )
    for target, low, high in ((real, 0.7, 1.2), (fake, 0.0, 0.3)):
        assert target.min() >= low - 1e-6 and target.max() <= high + 1e-6
        middle, deviation = (low + high) / 2, (high - low) / 12**0.5
        assert target.mean().item() == pytest.approx(middle, abs=0.01)
        assert target.std().item() == pytest.approx(deviation, rel=0.03)


def test_each_image_is_flipped_for_itself_with_the_probability_asked_for():
    real, fake = drawn(real_target=0.9, flipped_targets=0.2)
    is_flipped, is_fake_flipped = real == 0, fake == torch.tensor(0.9)
    assert (is_flipped | (real == torch.tensor(0.9))).all()
    assert (is_fake_flipped | (fake == 0)).all()
    assert is_flipped.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert is_fake_flipped.float().mean().item() == pytest.approx(0.2, abs=0.01)
    both = (is_flipped & is_fake_flipped).float().mean().item()
    assert both == pytest.approx(0.2 * 0.2, abs=0.01)


def test_a_flipped_target_lies_in_the_range_of_the_other_kind():
    real, fake = drawn(real_target_spread=0.1, fake_target_spread=0.3, flipped_targets=0.4)
    of_fakes, of_reals = real[real < 0.6], fake[fake > 0.6]
    assert len(of_fakes) / MANY == pytest.approx(0.4, abs=0.02)
    assert of_fakes.min() < -0.25 and of_fakes.max() > 0.25
    assert of_reals.min() >= 0.9 - 1e-6 and of_reals.max() > 1.05


@pytest.mark.parametrize("name", [name for name, one in OBJECTIVES.items() if one.has_targets])
def test_each_image_has_its_own_target_in_every_loss_with_targets(name):
    """The loss of a batch is the mean of those of its images, each with a target of all."""
    loss = OBJECTIVES[name].discriminator
    real_B, fake_B = torch.randn(2, 6, dtype=torch.float64)
    targets = noisy_targets(
        real_B, real_target_spread=0.3, fake_target_spread=0.3, flipped_targets=0.3
    )
    alone = [
        loss(real, fake, real_target=real_target.item(), fake_target=fake_target.item())
        for real, fake, real_target, fake_target in zip(
            real_B[:, None], fake_B[:, None], *targets.values(), strict=True
        )
    ]
    torch.testing.assert_close(loss(real_B, fake_B, **targets), torch.stack(alone).mean())


@pytest.mark.parametrize("name", ["non-saturating", "non-saturating-on-probabilities"])
def test_on_average_the_gradient_of_flips_is_that_of_two_sided_smoothing(name):
    loss = OBJECTIVES[name].discriminator
    logit_B = torch.full((MANY,), 0.7, requires_grad=True)
    targets = noisy_targets(logit_B.detach(), flipped_targets=0.2)
    (noisy,) = torch.autograd.grad(
        loss(logit_B, torch.zeros(1), **{**targets, "fake_target": 0.0}), logit_B
    )
    (smooth,) = torch.autograd.grad(loss(logit_B, torch.zeros(1), real_target=0.8), logit_B)
    assert noisy.sum().item() == pytest.approx(smooth.sum().item(), abs=0.01)
