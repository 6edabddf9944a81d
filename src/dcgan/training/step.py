"""One update of both players.

B batch · Z latent · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from dcgan.augment import Augment
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.objectives import PENALTIES, Objective, PenaltyName, clip_weights, code_loss
from dcgan.runtime.device import autocast
from dcgan.runtime.ranks import Ranks

_ALONE = Ranks()

Statistics = dict[str, Tensor]
"""Named scalars of a step, detached and still on the device: reading one waits for the device."""


@dataclass(frozen=True)
class Players:
    """Both networks, their optimisers, what images go through before D sees them, and who else
    trains the same two on shares of the same batches."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    augment: Augment = field(default_factory=Augment)
    ranks: Ranks = field(default_factory=Ranks)


@dataclass(frozen=True)
class Rules:
    """What the players minimise, and in which precision.

    Parameters
    ----------
    objective : Objective
    latent : LatentSpace
        Says which numbers of a latent are its class and its codes.
    targets : mapping
        ``real_target`` and ``fake_target`` of D's loss, where it has them.
    penalties : mapping of name to float
        The weights (γ, λ) of those in use.
    penalty_interval : int
        D steps from one with penalties to the next; their weights grow by the same factor.
    clip_weights : float, optional
        D's weights are put back into ± this after each of its steps.
    clip_generator, clip_discriminator : float, optional
        Greatest norm of a player's whole gradient.
    information, information_continuous : float
        Weight of the loss by which codes are read from generated images, and of the continuous
        ones within it.
    precision : torch.dtype
        Of matrix products; a step with penalties is always fp32.
    parts : int
        In how many equal parts a batch goes through the networks, one after the other.
    """

    objective: Objective
    latent: LatentSpace = field(default_factory=LatentSpace)
    targets: Mapping[str, float] = field(default_factory=dict)
    penalties: Mapping[PenaltyName, float] = field(default_factory=dict)
    penalty_interval: int = 1
    clip_weights: float | None = None
    clip_generator: float | None = None
    clip_discriminator: float | None = None
    information: float = 1.0
    information_continuous: float = 0.1
    precision: torch.dtype = torch.float32
    parts: int = 1


@dataclass(frozen=True)
class Turn:
    """What is due in one step.

    Parameters
    ----------
    with_penalties : bool
        Whether D's loss has its penalties.
    with_generator : bool
        Whether G moves too.
    share : float in (0, 1]
        Share of the generated images, the most convincing ones, from which G learns: Sinha et
        al. 2020 (arXiv:2002.06224), top-k training.
    """

    with_penalties: bool = False
    with_generator: bool = True
    share: float = 1.0


@dataclass(frozen=True)
class Batch:
    """What one update is made of.

    Parameters
    ----------
    real_BCHW : Tensor
        Real images in [-1, 1].
    latent_BZ : Tensor
        From which as many are generated.
    class_BK : Tensor, optional
        The classes of the real ones, one number being 1, where training is conditional.
    """

    real_BCHW: Tensor
    latent_BZ: Tensor
    class_BK: Tensor | None = None

    def parts(self, count: int) -> Iterator[Batch]:
        """The same in so many equal parts."""
        if count == 1:
            yield self
            return
        classes = [None] * count if self.class_BK is None else self.class_BK.chunk(count)
        pieces = (self.real_BCHW.chunk(count), self.latent_BZ.chunk(count), classes)
        for real_BCHW, latent_BZ, class_BK in zip(*pieces, strict=True):
            yield Batch(real_BCHW, latent_BZ, class_BK)


def update(players: Players, batch: Batch, rules: Rules, turn: Turn) -> Statistics:
    """One discriminator step and, when it is the generator's turn, one generator step.

    Both judge the same generated images: the generator's pass is not paid for twice. A batch in
    parts is, so that no more is held at a time than one part of it needs; gradients of the parts
    add up to those of the whole, where no layer looks at more than one image.
    """
    is_kept = turn.with_generator and rules.parts == 1
    with nullcontext() if is_kept else torch.no_grad():
        drawn = [_draw(players, part, rules) for part in batch.parts(rules.parts)]
    fake_BCHW = drawn[0] if rules.parts == 1 else torch.cat(drawn)
    statistics = discriminator_step(players, batch, fake_BCHW.detach().float(), rules, turn)
    if turn.with_generator:
        statistics |= generator_step(players, batch, fake_BCHW, rules, turn)
    return statistics


def discriminator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> Statistics:
    """Raise the logits of real images, lower those of generated ones."""
    parts = zip(batch.parts(rules.parts), fake_BCHW.chunk(rules.parts), strict=True)
    statistics = descend(
        (discriminator_loss(players, part, fake, rules, turn) for part, fake in parts),
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
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> tuple[Tensor, Statistics]:
    """What D minimises, with its penalties where they are due."""
    discriminator, augment = players.discriminator, players.augment
    real_BCHW, fake_class_BK = batch.real_BCHW, batch.latent_BZ[:, rules.latent.class_slice]
    precision: AbstractContextManager[object] = nullcontext()
    if turn.with_penalties:
        # R1 and R2 take their gradients from passes that are made anyway
        if "r1" in rules.penalties:
            real_BCHW = real_BCHW.detach().requires_grad_()
        if "r2" in rules.penalties:
            fake_BCHW = fake_BCHW.detach().requires_grad_()
    else:
        precision = autocast(real_BCHW.device, rules.precision)
    with precision:
        # separate passes: one through both would let batch norm mix real and generated images
        real_B = discriminator(augment(real_BCHW), batch.class_BK).float()
        feature = discriminator.features(augment(fake_BCHW))
        fake_B = discriminator.judge(feature, fake_class_BK).float()
        unread = _unread(discriminator, feature, batch, rules)
    loss = rules.objective.discriminator(real_B, fake_B, **rules.targets)
    # how far real images lie on the real side: of the logits' zero, or of generated images
    certainty_B = (real_B if rules.objective.has_level else real_B - fake_B).detach()
    statistics = {
        "loss_d": loss.detach(),
        "score_real": real_B.detach().sigmoid().mean(),
        "score_fake_before": fake_B.detach().sigmoid().mean(),
        "sign_real": certainty_B.sign().mean(),
    }
    for name, weight in rules.penalties.items() if turn.with_penalties else ():
        image_BCHW = PENALTIES[name].images(real_BCHW, fake_BCHW)
        if image_BCHW is real_BCHW or image_BCHW is fake_BCHW:
            logit_B = real_B if image_BCHW is real_BCHW else fake_B
        else:
            image_BCHW = image_BCHW.detach().requires_grad_()
            logit_B = discriminator(augment(image_BCHW), batch.class_BK)
        penalty = PENALTIES[name].of(logit_B, image_BCHW)
        statistics[name] = penalty.detach()
        loss = loss + weight * rules.penalty_interval * penalty
    if unread is not None:
        statistics["loss_codes"] = unread.detach()
        loss = loss + rules.information * unread
    return loss, statistics


def generator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> Statistics:
    """Raise the logits that the discriminator, now one step wiser, gives to these images."""
    losses = (
        generator_loss(
            players, part, fake_BCHW if part is batch else _draw(players, part, rules), rules, turn
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
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> tuple[Tensor, Statistics]:
    """What G minimises; D's weights are constants to it."""
    discriminator, augment = players.discriminator, players.augment
    with autocast(fake_BCHW.device, rules.precision):
        feature = discriminator.features(augment(fake_BCHW))
        fake_B = discriminator.judge(feature, batch.latent_BZ[:, rules.latent.class_slice]).float()
        judged = [fake_B]
        if rules.objective.is_relativistic:
            judged.append(discriminator(augment(batch.real_BCHW), batch.class_BK).float())
        unread = _unread(discriminator, feature, batch, rules)
    statistics = {"score_fake_after": fake_B.detach().sigmoid().mean()}
    if turn.share < 1:
        best = fake_B.topk(max(1, round(turn.share * len(fake_B)))).indices
        judged = [logit_B[best] for logit_B in judged]
    loss = rules.objective.generator(*judged)
    statistics = {"loss_g": loss.detach(), **statistics}
    if unread is not None:
        loss = loss + rules.information * unread
    return loss, statistics


def _draw(players: Players, batch: Batch, rules: Rules) -> Tensor:
    """Generated images (B, C, H, W)."""
    with autocast(batch.real_BCHW.device, rules.precision):
        fake_BCHW: Tensor = players.generator(batch.latent_BZ)
    return fake_BCHW


def _unread(
    discriminator: Discriminator, feature: Tensor, batch: Batch, rules: Rules
) -> Tensor | None:
    """How badly the codes are read from generated images: both players want it low."""
    if not discriminator.codes:
        return None
    code_BN = batch.latent_BZ[:, rules.latent.class_slice.stop :]
    return code_loss(
        discriminator.read_codes(feature).float(),
        code_BN,
        rules.latent.categorical,
        continuous_weight=rules.information_continuous,
    )


def descend(
    losses: Iterable[tuple[Tensor, Statistics]],
    optimizer: torch.optim.Optimizer,
    *,
    parts: int = 1,
    clip: float | None = None,
    ranks: Ranks = _ALONE,
) -> Statistics:
    """One step down the gradient of the losses' mean, first brought to a norm of ``clip`` at most.

    Losses come one by one, so that each part's activations are gone before the next one's come.
    Where several processes train, the gradient is the mean of theirs.

    Returns
    -------
    Statistics
        The means of those that come with the losses.
    """
    optimizer.zero_grad(set_to_none=True)
    statistics: Statistics = {}
    for loss, found in losses:
        (loss / parts).backward()  # type: ignore[no-untyped-call]
        for name, value in found.items():
            statistics[name] = statistics[name] + value if name in statistics else value
    if parts > 1:
        statistics = {name: value / parts for name, value in statistics.items()}
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    ranks.average_([*gradients, *statistics.values()])
    if clip is not None:
        nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
    return statistics


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Build no gradients for a module's weights: a third of the generator step's backward."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def gradient_magnitudes(discriminator: Discriminator) -> tuple[list[str], Tensor]:
    """Mean and greatest absolute gradient per layer of D, as left by its last step.

    Returns
    -------
    (names, (2, layers) tensor on the device)
    """
    weights = discriminator.layer_weights()
    gradients = [weight.grad.abs() for weight in weights.values() if weight.grad is not None]
    means = torch.stack([gradient.mean() for gradient in gradients])
    maxima = torch.stack([gradient.max() for gradient in gradients])
    return list(weights), torch.stack([means, maxima])
