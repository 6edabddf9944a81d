"""Adversarial losses on logits.

The cross entropies are written with softplus(x) = log(1 + eˣ), since -log σ(x) = softplus(-x) and
-log(1 - σ(x)) = softplus(x): exact for any logit, where log(sigmoid(x) + ε) is not. Those on
probabilities are inexact on purpose, for comparison with code that ends D in a sigmoid.

B batch; every loss is a mean over it. Whatever the loss, a positive logit means real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, relu, softplus

from dcgan.vocabulary import LossName

Target = float | Tensor
"""One target for all images of a batch, or one for each, (B,)."""


def discriminator_cross_entropy(
    real_B: Tensor, fake_B: Tensor, *, real_target: Target = 1.0, fake_target: Target = 0.0
) -> Tensor:
    """-t log D(x) - (1 - t) log(1 - D(x)) - s log D(G(z)) - (1 - s) log(1 - D(G(z))).

    Goodfellow et al. 2014 (arXiv:1406.2661), equation 1, as a loss; t < 1 is one-sided label
    smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4): only real targets move,
    since smoothing the fake ones rewards the generator for what it already makes.

    Parameters
    ----------
    real_B, fake_B : Tensor
        Logits.
    real_target : float in (0.5, 1], or Tensor (B,)
        t.
    fake_target : float in [0, 0.5), or Tensor (B,)
        s; 0 unless smoothing is to be two-sided.
    """
    return _cross_entropy(real_B, real_target) + _cross_entropy(fake_B, fake_target)


def _cross_entropy(logit_B: Tensor, target: Target) -> Tensor:
    if not isinstance(target, Tensor) and target in (0.0, 1.0):  # half of the computation
        return softplus(-logit_B if target else logit_B).mean()
    return (target * softplus(-logit_B) + (1 - target) * softplus(logit_B)).mean()


def discriminator_cross_entropy_on_probabilities(
    real_B: Tensor, fake_B: Tensor, *, real_target: Target = 1.0, fake_target: Target = 0.0
) -> Tensor:
    """:func:`discriminator_cross_entropy` on the sigmoid of the logits, as ``nn.BCELoss`` has it.

    PyTorch clamps the logarithms at -100, and in the gradient p (1 - p) at 1e-12. In fp32, an image
    that is wrongly found real has no gradient above a logit of 17, where p rounds to 1; one that is
    wrongly found fake has hardly any below -28.

    Parameters are those of :func:`discriminator_cross_entropy`.
    """
    on_real = _cross_entropy_on_probabilities(real_B, real_target)
    return on_real + _cross_entropy_on_probabilities(fake_B, fake_target)


def _cross_entropy_on_probabilities(logit_B: Tensor, target: Target) -> Tensor:
    # linear in the target, so that it may be outside [0, 1], which PyTorch refuses
    probability_B = logit_B.sigmoid()
    as_real_B, as_fake_B = (
        binary_cross_entropy(probability_B, torch.full_like(logit_B, label), reduction="none")
        for label in (1.0, 0.0)
    )
    return (target * as_real_B + (1 - target) * as_fake_B).mean()


def generator_non_saturating(fake_B: Tensor) -> Tensor:
    """-log D(G(z)): strong gradients exactly when D rejects every sample (2014, section 3)."""
    return softplus(-fake_B).mean()


def generator_non_saturating_on_probabilities(fake_B: Tensor) -> Tensor:
    """-log D(G(z)) as ``nn.BCELoss`` has it; hardly any gradient where the logit is below -28."""
    return _cross_entropy_on_probabilities(fake_B, 1.0)


def generator_saturating(fake_B: Tensor) -> Tensor:
    """log(1 - D(G(z))): the original minimax loss; no gradient when D rejects all samples."""
    return -softplus(fake_B).mean()


def discriminator_hinge(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """max(0, 1 - f(x)) + max(0, 1 + f(G(z))): no gradient beyond a margin of one.

    Lim & Ye 2017 (arXiv:1705.02894), Miyato et al. 2018 (arXiv:1802.05957), equation 16.
    """
    return relu(1 - real_B).mean() + relu(1 + fake_B).mean()


def generator_linear(fake_B: Tensor) -> Tensor:
    """-f(G(z)): the generator's side of the hinge and of the Wasserstein loss."""
    return -fake_B.mean()


def discriminator_least_squares(
    real_B: Tensor, fake_B: Tensor, *, real_target: Target = 1.0, fake_target: Target = 0.0
) -> Tensor:
    """½ (f(x) - (2t - 1))² + ½ (f(G(z)) - (2s - 1))².

    Mao et al. 2017 (arXiv:1611.04076), equation 2, with the labels a = -1 and b = c = 1, so that
    a positive logit means real as everywhere. It is four times the same loss with labels 0 and 1
    on (1 + f) / 2.

    Parameters
    ----------
    real_B, fake_B : Tensor
        Logits.
    real_target, fake_target : float, or Tensor (B,)
        t and s on the scale from 0 to 1, as for the cross entropy.
    """
    on_real = (real_B - (2 * real_target - 1)).square().mean()
    return (on_real + (fake_B - (2 * fake_target - 1)).square().mean()) / 2


def generator_least_squares(fake_B: Tensor) -> Tensor:
    """½ (f(G(z)) - 1)²: samples that look real are pulled to the boundary, too."""
    return (fake_B - 1).square().mean() / 2


def discriminator_wasserstein(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """f(G(z)) - f(x): minus an estimate of the Wasserstein distance, if f is 1-Lipschitz.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2. Nothing in it bounds the logits: it needs
    a gradient penalty, clipped weights or spectral norm.
    """
    return fake_B.mean() - real_B.mean()


def discriminator_relativistic(real_B: Tensor, fake_B: Tensor) -> Tensor:
    """-log σ(f(x) - f(G(z))), each real image paired with one generated image.

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), the relativistic pairing GAN; Huang et al. 2024
    (arXiv:2501.05441) show it to converge with both R1 and R2, and to avoid dropped modes.

    Parameters
    ----------
    real_B, fake_B : Tensor
        Logits, equally many, paired by index.
    """
    return softplus(fake_B - real_B).mean()


def generator_relativistic(fake_B: Tensor, real_B: Tensor) -> Tensor:
    """-log σ(f(G(z)) - f(x)): the same pairs, reversed.

    Real logits weigh the gradient of each generated image.
    """
    return softplus(real_B - fake_B).mean()


@dataclass(frozen=True)
class Objective:
    """The losses of both networks."""

    discriminator: Callable[..., Tensor]
    """(real logits (B,), fake logits (B,)) → loss; with targets also real_target, fake_target."""
    generator: Callable[..., Tensor]
    """(fake logits (B,)) → loss; a relativistic one takes the real logits (B,) second."""
    has_targets: bool = False
    """Whether D's loss has targets, which can be smoothed."""
    is_relativistic: bool = False
    """Whether G's loss uses real images too."""
    has_level: bool = True
    """Whether a logit has a meaning by itself; otherwise only differences do."""


OBJECTIVES: dict[LossName, Objective] = {
    "non-saturating": Objective(
        discriminator_cross_entropy, generator_non_saturating, has_targets=True
    ),
    "non-saturating-on-probabilities": Objective(
        discriminator_cross_entropy_on_probabilities,
        generator_non_saturating_on_probabilities,
        has_targets=True,
    ),
    "saturating": Objective(discriminator_cross_entropy, generator_saturating, has_targets=True),
    "hinge": Objective(discriminator_hinge, generator_linear),
    "least-squares": Objective(
        discriminator_least_squares, generator_least_squares, has_targets=True
    ),
    "wasserstein": Objective(discriminator_wasserstein, generator_linear, has_level=False),
    "relativistic": Objective(
        discriminator_relativistic,
        generator_relativistic,
        is_relativistic=True,
        has_level=False,
    ),
}
