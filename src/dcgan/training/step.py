"""One update of both players.

B batch · Z latent · C channels · H, W sides · K classes
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor

from dcgan.models.discriminator import Discriminator
from dcgan.objectives import PENALTIES, clip_weights, code_loss
from dcgan.objectives.penalties import around_images, between_images
from dcgan.runtime.device import autocast
from dcgan.training.descent import descend, frozen
from dcgan.training.rules import Batch, Players, Rules, Statistics, StepPlan
from dcgan.vocabulary import PenaltyPlace


def update(players: Players, batch: Batch, rules: Rules, step_plan: StepPlan) -> Statistics:
    """One discriminator step and, when it is the generator's turn, one generator step.

    Both judge the same generated images: the generator's pass is not paid for twice. A batch in
    parts is, so that no more is held at a time than one part of it needs; gradients of the parts
    add up to those of the whole, where no layer looks at more than one image.
    """
    if rules.objective.is_relativistic or "wgan_gp" in rules.penalties:
        batch = batch.paired(rules.latent)  # real and generated are compared, or mixed, one by one
    is_kept = step_plan.with_generator and rules.parts == 1
    with nullcontext() if is_kept else torch.no_grad():
        generated = [_generate(players, part, rules) for part in batch.parts(rules.parts)]
    fake_BCHW = generated[0] if rules.parts == 1 else torch.cat(generated)
    statistics = discriminator_step(players, batch, fake_BCHW.detach().float(), rules, step_plan)
    if step_plan.with_generator:
        statistics |= generator_step(players, batch, fake_BCHW, rules, step_plan)
    return statistics


def discriminator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, step_plan: StepPlan
) -> Statistics:
    """Raise the logits of real images, lower those of generated ones."""
    parts = zip(batch.parts(rules.parts), fake_BCHW.chunk(rules.parts), strict=True)
    statistics = descend(
        (discriminator_loss(players, part, fake, rules, step_plan) for part, fake in parts),
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
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, step_plan: StepPlan
) -> tuple[Tensor, Statistics]:
    """What D minimises: the adversarial loss, penalties where they are due, the loss of codes."""
    discriminator, augment = players.discriminator, players.augment
    real_BCHW, fake_class_BK = batch.real_BCHW, batch.latent_BZ[:, rules.latent.class_slice]
    due = rules.penalties if step_plan.with_penalties else {}
    places = {PENALTIES[name].at for name in due}
    if "real" in places:
        real_BCHW = real_BCHW.detach().requires_grad_()
    if "fake" in places:
        fake_BCHW = fake_BCHW.detach().requires_grad_()
    with nullcontext() if due else autocast(real_BCHW.device, rules.precision):
        # separate passes: one through both would let batch norm mix real and generated images
        real_B = discriminator(augment(real_BCHW), batch.class_BK).float()
        feature = discriminator.features(augment(fake_BCHW))
        fake_B = discriminator.logits_of(feature, fake_class_BK).float()
        codes_loss = _codes_loss(discriminator, feature, batch, rules)
    loss = rules.objective.discriminator(real_B, fake_B, **rules.targets)
    # how far real images lie on the real side: of the logits' zero, or of generated images
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


def generator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, step_plan: StepPlan
) -> Statistics:
    """Raise the logits that the discriminator, now one step wiser, gives to these images."""
    losses = (
        generator_loss(
            players,
            part,
            fake_BCHW if part is batch else _generate(players, part, rules),
            rules,
            step_plan,
        )
        for part in batch.parts(rules.parts)
    )
    # frozen through the backward pass too, which may compute the discriminator's rows again
    with frozen(players.discriminator):
        return descend(
            losses,
            players.generator_optimizer,
            parts=rules.parts,
            clip=rules.clip_generator,
            ranks=players.ranks,
        )


def generator_loss(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, step_plan: StepPlan
) -> tuple[Tensor, Statistics]:
    """What G minimises; D's weights are constants to it."""
    discriminator, augment = players.discriminator, players.augment
    with autocast(fake_BCHW.device, rules.precision):
        feature = discriminator.features(augment(fake_BCHW))
        fake_B = discriminator.logits_of(
            feature, batch.latent_BZ[:, rules.latent.class_slice]
        ).float()
        logits = [fake_B]
        if rules.objective.is_relativistic:
            logits.append(discriminator(augment(batch.real_BCHW), batch.class_BK).float())
        codes_loss = _codes_loss(discriminator, feature, batch, rules)
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


def _codes_loss(
    discriminator: Discriminator, feature: Tensor, batch: Batch, rules: Rules
) -> Tensor | None:
    """InfoGAN's loss, by which codes are read from generated images; both players minimise it."""
    if not discriminator.codes:
        return None
    code_BN = batch.latent_BZ[:, rules.latent.class_slice.stop :]
    return code_loss(
        discriminator.read_codes(feature).float(),
        code_BN,
        rules.latent.categorical,
        continuous_weight=rules.information_continuous,
    )
