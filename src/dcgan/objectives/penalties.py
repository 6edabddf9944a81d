"""Penalties on the discriminator's gradient with respect to images, and clipped weights.

All four are a mean over images of ½ ‖∇D‖² or of (‖∇D‖ - 1)²; they differ in where the gradient
is taken. They are exact if each logit depends on its own image alone: batch norm in D breaks
that, minibatch standard deviation only a little (Karras et al. 2020, arXiv:1912.04958, use
it with R1).

B batch · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.vocabulary import PenaltyName, PenaltyPlace


def squared_gradient_norms(logit_B: Tensor, image_BCHW: Tensor) -> Tensor:
    """‖∂D(x_b)/∂x_b‖² of every image, (B,), itself differentiable.

    With packs, there is one logit for each pack and a gradient in all its images.

    Parameters
    ----------
    logit_B : Tensor
        D's logits of the images, with their graph.
    image_BCHW : Tensor
        The images, with ``requires_grad``.
    """
    (gradient_BCHW,) = torch.autograd.grad(logit_B.sum(), image_BCHW, create_graph=True)
    return gradient_BCHW.reshape(len(logit_B), -1).square().sum(dim=1)


def zero_centered_penalty(logit_B: Tensor, image_BCHW: Tensor) -> Tensor:
    """½ · mean of ‖∇D(x)‖²; the caller multiplies by γ.

    R1 where the images are real, R2 where they are generated: Mescheder et al. 2018
    (arXiv:1801.04406), equations 9 and 10.

    Parameters
    ----------
    logit_B : Tensor
        D's logits of ``image_BCHW``, with their graph.
    image_BCHW : Tensor
        The images, with ``requires_grad``.
    """
    return squared_gradient_norms(logit_B, image_BCHW).mean() / 2


def one_centered_penalty(logit_B: Tensor, image_BCHW: Tensor) -> Tensor:
    """Mean of (‖∇D(x)‖ - 1)²; the caller multiplies by λ.

    WGAN-GP at :func:`between_images`: Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.
    DRAGAN at :func:`around_images`: Kodali et al. 2017 (arXiv:1705.07215), section 2.3, k = 1.

    Parameters are those of :func:`zero_centered_penalty`.
    """
    # √x has no gradient at 0, where a fresh or dead D may be
    norm_B = (squared_gradient_norms(logit_B, image_BCHW) + 1e-12).sqrt()
    return (norm_B - 1).square().mean()


def between_images(real_BCHW: Tensor, fake_BCHW: Tensor) -> Tensor:
    """A uniformly random point between each pair: ε x + (1 - ε) G(z), one ε per pair."""
    share = torch.rand(len(real_BCHW), 1, 1, 1, device=real_BCHW.device)
    return torch.lerp(fake_BCHW, real_BCHW, share)


def around_images(real_BCHW: Tensor) -> Tensor:
    """Real images with Gaussian noise of half their own standard deviation.

    The paper's δ ~ N(0, cI), of a size that follows the scale of the data.
    """
    return real_BCHW + 0.5 * real_BCHW.std() * torch.randn_like(real_BCHW)


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], bound: float) -> None:
    """Clip every weight to [-bound, bound], in place: Arjovsky et al. 2017, algorithm 1."""
    for parameter in parameters:
        parameter.clamp_(-bound, bound)


@dataclass(frozen=True)
class Penalty:
    """A penalty on D's gradient: where it is taken, and its formula.

    Parameters
    ----------
    at : {"real", "fake", "between", "around"}
        Real images, generated images, :func:`between_images` or :func:`around_images`.
    of : callable
        (logits (B,), images (B, C, H, W)) → the penalty, without its weight.
    """

    at: PenaltyPlace
    of: Callable[[Tensor, Tensor], Tensor]


PENALTIES: dict[PenaltyName, Penalty] = {
    "r1": Penalty("real", zero_centered_penalty),
    "r2": Penalty("fake", zero_centered_penalty),
    "wgan_gp": Penalty("between", one_centered_penalty),
    "dragan": Penalty("around", one_centered_penalty),
}
