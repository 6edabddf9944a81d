"""One update of both players.

B batch · Z latent · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor, nn

from dcgan.augment import Augment
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.objectives import PENALTIES, Objective, PenaltyName, clip_weights, code_loss
from dcgan.runtime.device import autocast
from dcgan.runtime.ranks import Ranks

_ALONE, _NONE = Ranks(), MappingProxyType[str, Tensor]({})

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


def update(players: Players, batch: Batch, rules: Rules, turn: Turn) -> Statistics:
    """One discriminator step and, when it is the generator's turn, one generator step.

    Both judge the same generated images: the generator's pass is not paid for twice.
    """
    context = autocast(batch.real_BCHW.device, rules.precision)
    with context, nullcontext() if turn.with_generator else torch.no_grad():
        fake_BCHW = players.generator(batch.latent_BZ)
    statistics = discriminator_step(players, batch, fake_BCHW.detach().float(), rules, turn)
    if turn.with_generator:
        statistics |= generator_step(players, batch, fake_BCHW, rules, turn)
    return statistics


def discriminator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> Statistics:
    """Raise the logits of real images, lower those of generated ones."""
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
    descend(
        loss,
        players.discriminator_optimizer,
        rules.clip_discriminator,
        ranks=players.ranks,
        statistics=statistics,
    )
    augment.observe(statistics["sign_real"], players.ranks.size * len(real_B))
    if rules.clip_weights is not None:
        clip_weights(discriminator.parameters(), rules.clip_weights)
    return statistics


def generator_step(
    players: Players, batch: Batch, fake_BCHW: Tensor, rules: Rules, turn: Turn
) -> Statistics:
    """Raise the logits that the discriminator, now one step wiser, gives to these images."""
    discriminator, augment = players.discriminator, players.augment
    with frozen(discriminator), autocast(fake_BCHW.device, rules.precision):
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
    descend(
        loss,
        players.generator_optimizer,
        rules.clip_generator,
        ranks=players.ranks,
        statistics=statistics,
    )
    return statistics


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
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    clip: float | None = None,
    *,
    ranks: Ranks = _ALONE,
    statistics: Mapping[str, Tensor] = _NONE,
) -> None:
    """One step down a loss's gradient, whose norm is first brought to ``clip`` at most.

    Where several processes train, the gradient is the mean of theirs; so become ``statistics``.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    ranks.average_([*gradients, *statistics.values()])
    if clip is not None:
        nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()


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
