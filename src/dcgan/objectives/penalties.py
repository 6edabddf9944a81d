"""Penalties on the discriminator's gradient.

B batch · C channels · H, W sides
"""

from __future__ import annotations

import torch
from torch import Tensor


def r1_penalty(logit_B: Tensor, real_BCHW: Tensor) -> Tensor:
    """½ · mean over the batch of ‖∇ₓ D(x)‖² at real images.

    Mescheder et al. 2018 (arXiv:1801.04406), equation 9; the caller multiplies by γ. Exact when
    each logit depends on its own image alone: batch norm in D breaks that, minibatch standard
    deviation bends it a little (Karras et al. 2020, arXiv:1912.04958, use both together).

    Parameters
    ----------
    logit_B : Tensor
        D's logits of ``real_BCHW``, with their graph.
    real_BCHW : Tensor
        The images, with ``requires_grad``.
    """
    (gradient_BCHW,) = torch.autograd.grad(logit_B.sum(), real_BCHW, create_graph=True)
    return gradient_BCHW.square().sum(dim=(1, 2, 3)).mean() / 2
