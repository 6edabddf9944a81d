"""One update of both networks.

B batch · Z latent · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from dcgan.objectives import (
    PENALTIES,
    around_images,
    between_images,
    clip_weights,
    code_loss,
    noisy_targets,
)
from dcgan.runtime.device import autocast
from dcgan.training.descent import descend, frozen
from dcgan.training.rules import Batch, Players, Rules, Statistics, StepPlan
from dcgan.vocabulary import PenaltyPlace


def update(players: Players, batch: Batch, rules: Rules, step_plan: StepPlan) -> Statistics:
    """One discriminator step and, when it is due, one generator step on the same images."""
    if rules.objective.is_relativistic or "wgan_gp" in rules.penalties:
        batch = batch.paired(rules.latent)  # the i-th real image is compared with the i-th fake
    # in parts, G's step generates each part again, so that only one is in memory with its graph
    keeps_graph = step_plan.with_generator and rules.parts == 1
    with nullcontext() if keeps_graph else torch.no_grad():
        generated = [_generate(players, part, rules) for part in batch.parts(rules.parts)]
    fake_BCHW = generated[0] if rules.parts == 1 else torch.cat(generated)
    constant = replace(batch, fake_BCHW=fake_BCHW.detach().float())
    statistics = discriminator_step(players, constant, rules, step_plan)
    if step_plan.with_generator:
        batch = replace(batch, fake_BCHW=fake_BCHW)
        statistics |= generator_step(players, batch, rules, step_plan)
    return statistics


def discriminator_step(
    players: Players, batch: Batch, rules: Rules, step_plan: StepPlan
) -> Statistics:
    """Raise the logits of real images, lower those of generated ones."""
    statistics = descend(
        partial(discriminator_loss, players, rules, step_plan),
        batch,
        players.discriminator_optimizer,
        parts=rules.parts,
        clip=rules.clip_discriminator,
        ranks=players.ranks,
    )
    images = players.ranks.size * len(batch.real_BCHW)
    players.augment.observe(statistics["sign_real"], images)
    if rules.clip_weights is not None:
        clip_weights(players.discriminator.parameters(), rules.clip_weights)
    return statistics


def discriminator_loss(
    players: Players, rules: Rules, step_plan: StepPlan, batch: Batch
) -> tuple[Tensor, Statistics]:
    """D's loss: the adversarial loss, the penalties that are due, and InfoGAN's loss."""
    discriminator, augment = players.discriminator, players.augment
    due = rules.penalties if step_plan.with_penalties else {}
    places = {PENALTIES[name].at for name in due}
    assert batch.fake_BCHW is not None
    real_BCHW, fake_BCHW = batch.real_BCHW, batch.fake_BCHW
    if "real" in places:
        real_BCHW = real_BCHW.detach().requires_grad_()
    if "fake" in places:
        fake_BCHW = fake_BCHW.detach().requires_grad_()
    with nullcontext() if due else autocast(real_BCHW.device, rules.precision):
        if rules.joint_batch:
            real_B, fake_B, codes_loss = _judge_jointly(players, batch, real_BCHW, fake_BCHW, rules)
        else:  # batch norm does not mix real and generated images
            real_B = discriminator(augment(real_BCHW), batch.class_BK).float()
            fake_B, codes_loss = _judge(players, batch, fake_BCHW, rules)
    targets: Mapping[str, float | Tensor] = rules.targets
    if rules.target_noise:
        targets = noisy_targets(real_B, **rules.targets, **rules.target_noise)
    loss = rules.objective.discriminator(real_B, fake_B, **targets)
    # how far the logits of real images are on the real side of zero, or of those of generated ones
    certainty_B = (real_B if rules.objective.has_level else real_B - fake_B).detach()
    statistics = {
        "loss_d": loss.detach(),
        "score_real": real_B.detach().sigmoid().mean(),
        "score_fake_before": fake_B.detach().sigmoid().mean(),
        "sign_real": certainty_B.sign().mean(),
    }
    # R1 and R2 take their gradients from passes that are made anyway
    passes = {"real": (real_B, real_BCHW), "fake": (fake_B, fake_BCHW)}
    for name, weight in due.items():
        place = PENALTIES[name].at
        logit_B, image_BCHW = passes.get(place) or _pass_at(place, players, batch, fake_BCHW)
        penalty = PENALTIES[name].of(logit_B, image_BCHW)
        statistics[name] = penalty.detach()
        loss = loss + step_plan.penalty_scale * weight * rules.penalty_interval * penalty
    if codes_loss is not None:
        statistics["loss_codes"] = codes_loss.detach()
        loss = loss + rules.information * codes_loss
    return loss, statistics


def generator_step(players: Players, batch: Batch, rules: Rules, step_plan: StepPlan) -> Statistics:
    """Raise the logits that the discriminator, now one step ahead, gives to these images."""
    # frozen through the backward pass too, which may compute D's layers again
    with frozen(players.discriminator):
        return descend(
            partial(generator_loss, players, rules, step_plan),
            batch,
            players.generator_optimizer,
            parts=rules.parts,
            clip=rules.clip_generator,
            ranks=players.ranks,
        )


def generator_loss(
    players: Players, rules: Rules, step_plan: StepPlan, batch: Batch
) -> tuple[Tensor, Statistics]:
    """G's loss; D's weights are constants to it."""
    fake_BCHW = batch.fake_BCHW
    if fake_BCHW is None or not fake_BCHW.requires_grad:
        fake_BCHW = _generate(players, batch, rules)
    with autocast(fake_BCHW.device, rules.precision):
        if rules.joint_batch:  # D normalizes as in its own step
            real_B, fake_B, codes_loss = _judge_jointly(
                players, batch, batch.real_BCHW, fake_BCHW, rules
            )
        else:
            fake_B, codes_loss = _judge(players, batch, fake_BCHW, rules)
            if rules.objective.is_relativistic:
                real_BCHW = players.augment(batch.real_BCHW)
                real_B = players.discriminator(real_BCHW, batch.class_BK).float()
        logits = [fake_B, real_B] if rules.objective.is_relativistic else [fake_B]
    statistics = {"score_fake_after": fake_B.detach().sigmoid().mean()}
    if step_plan.share < 1:
        best = fake_B.topk(max(1, round(step_plan.share * len(fake_B)))).indices
        logits = [logit_B[best] for logit_B in logits]
    loss = rules.objective.generator(*logits)
    statistics = {"loss_g": loss.detach(), **statistics}
    if codes_loss is not None:
        loss = loss + rules.information * codes_loss
    return loss, statistics


def _generate(players: Players, batch: Batch, rules: Rules) -> Tensor:
    """Generated images (B, C, H, W)."""
    with autocast(batch.real_BCHW.device, rules.precision):
        fake_BCHW: Tensor = players.generator(batch.latent_BZ)
    return fake_BCHW


def _judge(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules
) -> tuple[Tensor, Tensor | None]:
    """D's logits (B,) of generated images and, where there are codes, InfoGAN's loss."""
    discriminator = players.discriminator
    feature = discriminator.features(players.augment(fake_BCHW))
    class_BK = batch.latent_BZ[:, rules.latent.class_slice]
    fake_B = discriminator.logits_of(feature, class_BK).float()
    return fake_B, _codes_loss(players, batch, feature, rules)


def _judge_jointly(
    players: Players, batch: Batch, real_BCHW: Tensor, fake_BCHW: Tensor, rules: Rules
) -> tuple[Tensor, Tensor, Tensor | None]:
    """D's logits (B,) of real and of generated images in one batch, and InfoGAN's loss."""
    discriminator, class_BK = players.discriminator, None
    if batch.class_BK is not None:
        class_BK = torch.cat([batch.class_BK, batch.latent_BZ[:, rules.latent.class_slice]])
    images = torch.cat([players.augment(real_BCHW), players.augment(fake_BCHW)])
    feature = discriminator.features(images)
    real_B, fake_B = discriminator.logits_of(feature, class_BK).float().chunk(2)
    return real_B, fake_B, _codes_loss(players, batch, feature.chunk(2)[1], rules)


def _codes_loss(players: Players, batch: Batch, feature: Tensor, rules: Rules) -> Tensor | None:
    """InfoGAN's loss from the features of generated images, where there are codes."""
    discriminator, latent = players.discriminator, rules.latent
    if not discriminator.codes:
        return None
    return code_loss(
        discriminator.read_codes(feature).float(),
        batch.latent_BZ[:, latent.class_slice.stop :],
        latent.categorical,
        continuous_weight=rules.information_continuous,
    )


def _pass_at(
    place: PenaltyPlace, players: Players, batch: Batch, fake_BCHW: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits of images between real and generated ones, or around real ones, and these images."""
    real_BCHW = batch.real_BCHW
    image_BCHW = (
        between_images(real_BCHW, fake_BCHW) if place == "between" else around_images(real_BCHW)
    )
    image_BCHW = image_BCHW.detach().requires_grad_()
    return players.discriminator(players.augment(image_BCHW), batch.class_BK), image_BCHW
