"""One update moves each player by its own loss and by nothing else."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from dcgan.augment import Augment
from dcgan.models import Discriminator, Generator, plan_discriminator, plan_generator
from dcgan.objectives import OBJECTIVES, noisy_targets
from dcgan.training.descent import frozen, gradient_magnitudes
from dcgan.training.rules import Batch, Players, Rules, StepPlan
from dcgan.training.step import discriminator_step, generator_step, update

RULES = Rules(OBJECTIVES["non-saturating"], targets={"real_target": 0.9})
BOTH = StepPlan()
D_ALONE = StepPlan(with_generator=False)
WITH_PENALTIES = StepPlan(with_penalties=True)


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
    found = update(ours, Batch(real, latent), RULES, BOTH)
    for name, loss in losses.items():
        torch.testing.assert_close(found[name], loss.detach())
    for mine, theirs in ((ours.generator, generator), (ours.discriminator, discriminator)):
        for (name, value), expected in zip(
            mine.state_dict().items(), theirs.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_a_joint_batch_normalizes_real_and_generated_images_together():
    """The textbook loop with D's images in one batch, in D's step and in G's."""
    ours, (real, latent) = players(), batch()
    generator, discriminator = copy.deepcopy(ours.generator), copy.deepcopy(ours.discriminator)
    found = update(ours, Batch(real, latent), replace(RULES, joint_batch=True), BOTH)

    fake = generator(latent)
    logits = discriminator(torch.cat([real, fake.detach()]))
    targets = torch.tensor([0.9] * len(real) + [0.0] * len(fake))
    loss_d = 2 * bce(logits, targets)  # a mean over real images plus one over generated ones
    with torch.no_grad():
        for weight, gradient in zip(
            discriminator.parameters(), gradients_of(loss_d, discriminator), strict=True
        ):
            weight -= 0.1 * gradient
    judged = discriminator(torch.cat([real, fake]))[len(real) :]
    loss_g = bce(judged, torch.ones_like(judged))
    torch.testing.assert_close(found["loss_d"], loss_d.detach())
    torch.testing.assert_close(found["loss_g"], loss_g.detach())
    for parameter, gradient in zip(
        ours.generator.parameters(), gradients_of(loss_g, generator), strict=True
    ):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)
    for (name, value), expected in zip(
        ours.discriminator.state_dict().items(), discriminator.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6, msg=name)


def test_packs_of_a_joint_batch_hold_only_real_or_only_generated_images():
    found = []
    for joint in (False, True):
        ours = players(norm_d="none")
        first, *rest = plan_discriminator((16, 16), width=4)
        torch.manual_seed(2)
        packed = Discriminator([replace(first, pack=2), *rest], (1, 16, 16))
        ours = replace(
            ours,
            discriminator=packed,
            discriminator_optimizer=torch.optim.SGD(packed.parameters(), 0.1),
        )
        found.append(update(ours, Batch(*batch()), replace(RULES, joint_batch=joint), BOTH))
    apart, jointly = found
    assert apart.keys() == jointly.keys()
    for name, value in apart.items():
        torch.testing.assert_close(jointly[name], value, rtol=1e-4, atol=1e-6)


def test_each_image_has_a_random_target_of_its_own():
    ours, (real, latent) = players(norm_d="none"), batch()
    theirs, fake = copy.deepcopy(ours.discriminator), ours.generator(latent).detach()
    noise = {"real_target_spread": 0.25, "fake_target_spread": 0.15, "flipped_targets": 0.3}
    torch.manual_seed(5)
    found = discriminator_step(
        ours, Batch(real, latent, None, fake), replace(RULES, target_noise=noise), D_ALONE
    )
    torch.manual_seed(5)
    on_real, on_fake = theirs(real), theirs(fake)
    targets = noisy_targets(on_real, real_target=0.9, **noise)
    assert len(targets["real_target"].unique()) == len(real)
    loss = bce(on_real, targets["real_target"]) + bce(on_fake, targets["fake_target"])
    torch.testing.assert_close(found["loss_d"], loss.detach())
    for parameter, gradient in zip(
        ours.discriminator.parameters(), gradients_of(loss, theirs), strict=True
    ):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


def test_scores_are_mean_probabilities_before_and_after_the_step():
    ours = players(norm_d="none")
    real, latent = batch()
    before = copy.deepcopy(ours)
    found = update(ours, Batch(real, latent), RULES, BOTH)
    fake = before.generator(latent)
    torch.testing.assert_close(found["score_real"], before.discriminator(real).sigmoid().mean())
    torch.testing.assert_close(
        found["score_fake_before"], before.discriminator(fake).sigmoid().mean()
    )
    torch.testing.assert_close(found["score_fake_after"], ours.discriminator(fake).sigmoid().mean())


def test_a_discriminator_step_alone_leaves_the_generator_as_it_is():
    ours = players()
    before = [parameter.clone() for parameter in ours.generator.parameters()]
    found = update(ours, Batch(*batch()), RULES, D_ALONE)
    assert "loss_g" not in found
    for parameter, old in zip(ours.generator.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_the_generators_step_leaves_no_gradient_in_the_discriminator():
    ours = players()
    real, latent = batch()
    update(ours, Batch(real, latent), RULES, D_ALONE)
    alone = [parameter.grad.clone() for parameter in ours.discriminator.parameters()]
    ours = players()
    update(ours, Batch(real, latent), RULES, BOTH)
    for parameter, gradient in zip(ours.discriminator.parameters(), alone, strict=True):
        assert torch.equal(parameter.grad, gradient)
        assert parameter.requires_grad


@pytest.mark.parametrize(("interval", "scale"), [(1, 1.0), (4, 1.0), (4, 0.3)])
def test_the_penalty_enters_the_loss_with_its_weight_interval_and_scale(interval, scale):
    rules = Rules(OBJECTIVES["non-saturating"], penalties={"r1": 10.0}, penalty_interval=interval)
    ours, real_latent = players(norm_d="none"), batch()
    theirs = copy.deepcopy(ours.discriminator)
    real, latent = real_latent
    fake = ours.generator(latent).detach()
    real = real.requires_grad_()
    on_real, on_fake = theirs(real), theirs(fake)
    loss = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    (slope,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
    loss = loss + scale * interval * 10.0 / 2 * slope.flatten(1).norm(dim=1).pow(2).mean()
    gradients = torch.autograd.grad(loss, list(theirs.parameters()))
    update(ours, Batch(*real_latent), rules, StepPlan(True, False, penalty_scale=scale))
    for parameter, gradient in zip(ours.discriminator.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


def gradients_of(loss, network):
    return torch.autograd.grad(loss, list(network.parameters()))


@pytest.mark.parametrize("name", ["r1", "r2", "wgan_gp", "dragan"])
def test_each_penalty_is_added_where_it_belongs(name):
    """The whole D loss by a loop over images, each with a Jacobian of its own."""
    weight = 3.0
    ours, (real, latent) = players(norm_d="none"), batch()
    theirs, fake = copy.deepcopy(ours.discriminator), ours.generator(latent).detach()
    torch.manual_seed(7)
    rules = Rules(OBJECTIVES["hinge"], penalties={name: weight}, penalty_interval=2)
    found = discriminator_step(ours, Batch(real, latent, None, fake), rules, WITH_PENALTIES)
    torch.manual_seed(7)
    points = {
        "r1": lambda: real,
        "r2": lambda: fake,
        "wgan_gp": lambda: fake + torch.rand(6, 1, 1, 1) * (real - fake),
        "dragan": lambda: real + 0.5 * real.std() * torch.randn_like(real),
    }[name]()
    norms = []
    for point in points:
        point = point[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(theirs(point).sum(), point, create_graph=True)
        norms.append(slope.pow(2).sum().sqrt())
    centered = [n**2 / 2 if name in {"r1", "r2"} else (n - 1) ** 2 for n in norms]
    penalty = sum(centered) / len(centered)
    torch.testing.assert_close(found[name], penalty.detach(), rtol=1e-3, atol=1e-5)
    hinge = (1 - theirs(real)).clamp(min=0).mean() + (1 + theirs(fake)).clamp(min=0).mean()
    expected = gradients_of(hinge + 2 * weight * penalty, theirs)
    for parameter, gradient in zip(ours.discriminator.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_penalties_add_up():
    ours, (real, latent) = players(norm_d="none"), batch()
    fake = ours.generator(latent).detach()
    alone = []
    for weights in ({}, {"r1": 2.0}, {"r2": 5.0}, {"r1": 2.0, "r2": 5.0}):
        one = copy.deepcopy(ours.discriminator)
        mine = Players(
            ours.generator, one, ours.generator_optimizer, torch.optim.SGD(one.parameters(), 0.0)
        )
        rules = Rules(OBJECTIVES["relativistic"], penalties=weights)
        discriminator_step(mine, Batch(real, latent, None, fake), rules, WITH_PENALTIES)
        alone.append([parameter.grad for parameter in one.parameters()])
    for plain, r1, r2, both in zip(*alone, strict=True):
        torch.testing.assert_close(both, r1 + r2 - plain, rtol=1e-4, atol=1e-6)


def test_penalties_are_fp32_whatever_the_precision():
    """A penalised step in bf16 equals one in fp32, bit for bit."""
    grads = []
    for precision in (torch.float32, torch.bfloat16):
        ours, (real, latent) = players(norm_d="none"), batch()
        fake = ours.generator(latent).detach()
        rules = Rules(RULES.objective, penalties={"r1": 1.0}, precision=precision)
        discriminator_step(ours, Batch(real, latent, None, fake), rules, WITH_PENALTIES)
        grads.append([parameter.grad for parameter in ours.discriminator.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*grads, strict=True))


def test_a_relativistic_generator_looks_at_real_images_through_the_new_discriminator():
    ours, (real, latent) = players(norm_d="none"), batch()
    generator = copy.deepcopy(ours.generator)
    update(ours, Batch(real, latent), Rules(OBJECTIVES["relativistic"]), BOTH)
    moved = ours.discriminator
    loss = (1 + (moved(real) - moved(generator(latent))).exp()).log().mean()
    expected = gradients_of(loss, generator)
    for parameter, gradient in zip(ours.generator.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_the_generator_learns_from_the_most_convincing_share(loss):
    ours, (real, latent) = players(norm_d="none"), batch()
    generator = copy.deepcopy(ours.generator).eval()
    ours.generator.eval()  # or batch norm ties the images together
    fake = ours.generator(latent)
    half = StepPlan(share=0.5)
    generator_step(ours, Batch(real, latent, None, fake), Rules(OBJECTIVES[loss]), half)
    with torch.no_grad():
        best = ours.discriminator(generator(latent)).argsort(descending=True)[:3]
    logits, of_real = ours.discriminator(generator(latent[best])), ours.discriminator(real[best])
    other = of_real if loss == "relativistic" else 0.0
    expected = gradients_of((1 + (other - logits).exp()).log().mean(), generator)
    for parameter, gradient in zip(ours.generator.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


def test_at_least_one_image_is_learned_from():
    ours, (real, latent) = players(norm_d="none"), batch()
    found = update(ours, Batch(real, latent), RULES, StepPlan(share=0.01))
    assert found["loss_g"].isfinite()


def test_clipped_gradients_keep_their_direction():
    ours, theirs = players(norm_d="none"), players(norm_d="none")
    update(theirs, Batch(*batch()), RULES, BOTH)
    rules = Rules(
        RULES.objective, targets=RULES.targets, clip_generator=1e-3, clip_discriminator=1e-2
    )
    # the generator's gradient is taken after D's step: compare D's alone, G's by its norm
    update(ours, Batch(*batch()), rules, BOTH)
    for network, bound in ((ours.discriminator, 1e-2), (ours.generator, 1e-3)):
        whole = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
        assert whole.norm().item() == pytest.approx(bound, rel=1e-3)
    ours_D, plain_D = (
        torch.cat([parameter.grad.flatten() for parameter in one.discriminator.parameters()])
        for one in (ours, theirs)
    )
    torch.testing.assert_close(ours_D / ours_D.norm(), plain_D / plain_D.norm())


def test_clipped_weights_stay_within_their_bound():
    ours = players(norm_d="none", lr=1.0)
    before = [parameter.clone() for parameter in ours.generator.parameters()]
    rules = Rules(OBJECTIVES["wasserstein"], clip_weights=0.01)
    update(ours, Batch(*batch()), rules, D_ALONE)
    greatest = max(parameter.abs().max().item() for parameter in ours.discriminator.parameters())
    assert greatest == pytest.approx(0.01)
    for parameter, old in zip(ours.generator.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_frozen_thaws_even_after_an_error():
    module = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError), frozen(module):
        assert not module.weight.requires_grad
        raise RuntimeError
    assert module.weight.requires_grad


def test_gradient_magnitudes_are_mean_and_maximum_per_layer():
    ours = players(norm_d="spectral")
    update(ours, Batch(*batch()), RULES, BOTH)
    names, magnitudes = gradient_magnitudes(ours.discriminator)
    assert names == ["1 conv", "2 conv", "3 conv"]
    second = ours.discriminator.blocks[1].conv.parametrizations.weight.original.grad
    torch.testing.assert_close(magnitudes[0, 1], second.abs().mean())
    torch.testing.assert_close(magnitudes[1, 1], second.abs().max())


def test_bf16_steps_stay_close_to_fp32_and_keep_weights_fp32():
    ours, theirs = players(norm_d="none", lr=0.01), players(norm_d="none", lr=0.01)
    rules = Rules(objective=RULES.objective, precision=torch.bfloat16)
    exact = Rules(objective=RULES.objective)
    low = update(ours, Batch(*batch()), rules, BOTH)
    high = update(theirs, Batch(*batch()), exact, BOTH)
    assert all(parameter.dtype == torch.float32 for parameter in ours.generator.parameters())
    for name, value in high.items():
        torch.testing.assert_close(low[name], value, rtol=0.05, atol=0.02)


class Halved(Augment):
    """Stands for an augmentation, and counts what passes."""

    def __init__(self):
        super().__init__()
        self.passed = []

    def __call__(self, image_BCHW):
        self.passed.append(image_BCHW.detach().clone())
        return image_BCHW / 2


@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_whatever_the_discriminator_sees_is_augmented(loss):
    """As if D halved its input itself: penalties are of the images before augmentation."""
    rules = Rules(OBJECTIVES[loss], penalties={"r1": 1.0, "wgan_gp": 1.0})
    step_plan, (real, latent) = StepPlan(with_penalties=True), batch()
    plain = players(norm_d="none")
    ours = replace(players(norm_d="none"), augment=Halved())
    with torch.no_grad():
        plain.discriminator.blocks[0].conv.weight /= 2
    torch.manual_seed(3)
    found = update(ours, Batch(real, latent), rules, step_plan)
    torch.manual_seed(3)
    expected = update(plain, Batch(real, latent), rules, step_plan)
    for name in ("loss_d", "score_real", "score_fake_before", "r1", "wgan_gp", "sign_real"):
        torch.testing.assert_close(found[name], expected[name], msg=name)
    assert len(ours.augment.passed) == (4 if loss == "non-saturating" else 5)


def test_an_adaptive_probability_sees_real_logits():
    ours = replace(
        players(norm_d="none"),
        augment=Augment(["cutout"], probability=0.5, target=0.6, images_to_one=240),
    )
    real, latent = batch()
    with torch.no_grad():  # sure of everything it sees
        ours.discriminator.blocks[-1].conv.bias += 100
    for _ in range(4):
        update(ours, Batch(real, latent), RULES, BOTH)
    assert ours.augment.probability.item() == pytest.approx(0.5 + 4 * 6 / 240)


@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_where_logits_have_no_level_certainty_is_over_generated_images(loss):
    ours, (real, latent) = players(norm_d="none"), batch()
    with torch.no_grad():  # every logit far above zero, real ones above generated ones or not
        ours.discriminator.blocks[-1].conv.bias += 100
        apart = ours.discriminator(real) - ours.discriminator(ours.generator(latent))
    found = update(ours, Batch(real, latent), Rules(OBJECTIVES[loss]), D_ALONE)
    expected = apart.sign().mean() if loss == "relativistic" else torch.tensor(1.0)
    torch.testing.assert_close(found["sign_real"], expected)
    assert apart.sign().mean() < 1, "else nothing is tested"
