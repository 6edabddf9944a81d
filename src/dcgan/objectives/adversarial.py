"""Adversarial losses on logits.

All are written with softplus(x) = log(1 + eˣ), since -log σ(x) = softplus(-x) and
-log(1 - σ(x)) = softplus(x): exact for any logit, where log(sigmoid(x) + ε) is not.

B batch; every loss is a mean over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus


def discriminator_cross_entropy(
    real_B: Tensor, fake_B: Tensor, *, real_target: float = 1.0
) -> Tensor:
    """-t log D(x) - (1 - t) log(1 - D(x)) - log(1 - D(G(z))), t the target on real images.

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1, as a loss; t < 1 is one-sided label
    smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4): only real targets move,
    since smoothing the fake ones would reward the generator for what it already does.

    Parameters
    ----------
    real_B, fake_B : Tensor
        Logits.
    real_target : float in (0.5, 1]
    """
    on_real = real_target * softplus(-real_B) + (1 - real_target) * softplus(real_B)
    return on_real.mean() + softplus(fake_B).mean()


def generator_non_saturating(fake_B: Tensor) -> Tensor:
    """-log D(G(z)): strong gradients exactly when D rejects every sample (2014, section 3)."""
    return softplus(-fake_B).mean()


def generator_saturating(fake_B: Tensor) -> Tensor:
    """log(1 - D(G(z))): the minimax game as written; its gradient vanishes when D is sure."""
    return -softplus(fake_B).mean()


@dataclass(frozen=True)
class Objective:
    """What each player minimises."""

    discriminator: Callable[..., Tensor]
    """(real logits (B,), fake logits (B,), *, real_target) → loss."""
    generator: Callable[[Tensor], Tensor]
    """(fake logits (B,)) → loss."""


OBJECTIVES: dict[str, Objective] = {
    "non-saturating": Objective(discriminator_cross_entropy, generator_non_saturating),
    "saturating": Objective(discriminator_cross_entropy, generator_saturating),
}
