"""One update of both players.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.objectives import Objective, r1_penalty
from dcgan.runtime.device import autocast

Statistics = dict[str, Tensor]
"""Named scalars of a step, detached and still on the device: reading one waits for the device."""


@dataclass(frozen=True)
class Players:
    """Both networks and their optimisers."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer


@dataclass(frozen=True)
class Rules:
    """What the players minimise, and in which precision.

    Parameters
    ----------
    objective : Objective
    real_target : float
        D's target on real images.
    r1 : float
        γ of the R1 penalty; 0: off.
    penalty_interval : int
        D steps from one penalty to the next; its weight grows by the same factor.
    precision : torch.dtype
        Of matrix products; a step with a penalty is always fp32.
    """

    objective: Objective
    real_target: float = 1.0
    r1: float = 0.0
    penalty_interval: int = 1
    precision: torch.dtype = torch.float32

    def penalty_is_due(self, discriminator_steps: int) -> bool:
        """Whether the D step with this number, from 0, has a penalty."""
        return self.r1 > 0 and discriminator_steps % self.penalty_interval == 0


def update(
    players: Players,
    real_BCHW: Tensor,
    latent_BZ: Tensor,
    rules: Rules,
    *,
    with_penalty: bool,
    with_generator: bool,
) -> Statistics:
    """One discriminator step and, when it is the generator's turn, one generator step.

    Both judge the same generated images: the generator's pass is not paid for twice.
    """
    context = autocast(real_BCHW.device, rules.precision)
    with context, nullcontext() if with_generator else torch.no_grad():
        fake_BCHW = players.generator(latent_BZ)
    statistics = discriminator_step(
        players, real_BCHW, fake_BCHW.detach().float(), rules, with_penalty=with_penalty
    )
    if with_generator:
        statistics |= generator_step(players, fake_BCHW, rules)
    return statistics


def discriminator_step(
    players: Players, real_BCHW: Tensor, fake_BCHW: Tensor, rules: Rules, *, with_penalty: bool
) -> Statistics:
    """Raise the logits of real images, lower those of generated ones."""
    discriminator = players.discriminator
    precision: AbstractContextManager[object] = nullcontext()
    if with_penalty:
        real_BCHW = real_BCHW.detach().requires_grad_()
    else:
        precision = autocast(real_BCHW.device, rules.precision)
    with precision:
        # separate passes: one through both would let batch norm mix real and generated images
        real_B = discriminator(real_BCHW).float()
        fake_B = discriminator(fake_BCHW).float()
    loss = rules.objective.discriminator(real_B, fake_B, real_target=rules.real_target)
    statistics = {
        "loss_d": loss.detach(),
        "score_real": real_B.detach().sigmoid().mean(),
        "score_fake_before": fake_B.detach().sigmoid().mean(),
    }
    if with_penalty:
        penalty = r1_penalty(real_B, real_BCHW)
        statistics["r1"] = penalty.detach()
        loss = loss + rules.r1 * rules.penalty_interval * penalty
    players.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    players.discriminator_optimizer.step()
    return statistics


def generator_step(players: Players, fake_BCHW: Tensor, rules: Rules) -> Statistics:
    """Raise the logits that the discriminator, now one step wiser, gives to these images."""
    with frozen(players.discriminator), autocast(fake_BCHW.device, rules.precision):
        fake_B = players.discriminator(fake_BCHW).float()
    loss = rules.objective.generator(fake_B)
    players.generator_optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    players.generator_optimizer.step()
    return {
        "loss_g": loss.detach(),
        "score_fake_after": fake_B.detach().sigmoid().mean(),
    }


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
