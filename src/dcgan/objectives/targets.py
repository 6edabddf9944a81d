"""Targets of D's loss that are drawn anew for each image in each step.

B batch
"""

from __future__ import annotations

import torch
from torch import Tensor


def noisy_targets(
    logit_B: Tensor,
    *,
    real_target: float = 1.0,
    fake_target: float = 0.0,
    real_target_spread: float = 0.0,
    fake_target_spread: float = 0.0,
    flipped_targets: float = 0.0,
) -> dict[str, Tensor]:
    """Targets (B,) of real and of generated images: ranges, and flipped labels.

    Chintala et al. 2016 (https://github.com/soumith/ganhacks), tip 6: 0.7 to 1.2 for real and 0 to
    0.3 for generated images, and labels that are occasionally flipped. The cross entropy is linear
    in its target, so on average all of this is smoothing; what is new is the noise.

    Parameters
    ----------
    logit_B : Tensor
        D's logits of either kind of images: there are as many targets, on the same device.
    real_target, fake_target : float
        The middle of each range.
    real_target_spread, fake_target_spread : float
        Half the width of each range, in which a target is uniform.
    flipped_targets : float in [0, 1]
        Probability that an image has a target of the other kind.

    Returns
    -------
    dict
        ``real_target`` and ``fake_target``.
    """
    real = (real_target, real_target_spread)
    fake = (fake_target, fake_target_spread)
    return {
        "real_target": _drawn(logit_B, real, fake, flipped_targets),
        "fake_target": _drawn(logit_B, fake, real, flipped_targets),
    }


def _drawn(
    logit_B: Tensor, own: tuple[float, float], other: tuple[float, float], flipped: float
) -> Tensor:
    """Targets of one kind of images; ranges are (middle, spread)."""
    is_flipped_B = torch.rand_like(logit_B) < flipped
    middle_B, spread_B = (
        torch.where(is_flipped_B, theirs, ours) for ours, theirs in zip(own, other, strict=True)
    )
    return middle_B + spread_B * (2 * torch.rand_like(logit_B) - 1)
