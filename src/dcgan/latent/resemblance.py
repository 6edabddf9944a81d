"""The difference between a generated and a given image, as residuals of least squares.

B images · D numbers of noise, made normal · K classes and codes · P pixels · F features ·
R residuals: P, then F, then one
"""

from __future__ import annotations

import copy
from math import sqrt

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from dcgan.latent.noise import from_normal
from dcgan.models import Generator
from dcgan.runs.run import Run

_SLACK = 3 * sqrt(0.5)
"""The length of D normal numbers is about √D ± √½; three of these cost nothing."""

_NEARLY = 1 - 1e-6
"""Pixels of ±1 are replaced by this, since tanh never reaches 1."""


class Resemblance:
    """How a generator's image differs from a given one, in pixels from -1 to 1.

    Parameters
    ----------
    run : Run
    features : float
        Weight of the mean squared difference of the discriminator's features before its output
        layer, relative to that of pixels.
    prior : float
        Weight of the distance of the noise's length from √D beyond three standard deviations,
        squared, relative to the mean squared difference of pixels. It is 0 for nearly all random
        latents.
    """

    def __init__(self, run: Run, *, features: float, prior: float) -> None:
        self._space = run.networks.latent
        self._before, self._is_tanh = _without_tanh(run.generator)
        self._shape = run.networks.image_shape
        self._features, self._prior = features, prior
        self._discriminator = run.discriminator if features else None

    def target(self, image_BP: Tensor, heat: float) -> Tensor:
        """The target of :meth:`residual` for given images, (B, P) or (B, P + F)."""
        hot_BP = image_BP
        if self._is_tanh and heat != 1:
            hot_BP = torch.tanh(torch.atanh(image_BP.clamp(-_NEARLY, _NEARLY)) / heat)
        if self._discriminator is None:
            return hot_BP
        return torch.cat([hot_BP, vmap(self._features_of)(image_BP)], dim=1)

    def residual(
        self, noise_D: Tensor, beside_K: Tensor, target_R: Tensor, *, heat: float
    ) -> Tensor:
        """Residuals of one image; the mean of their squares is small for similar images.

        If the generator ends in tanh, both images are compared as tanh(x / heat). With a heat above
        1, saturated pixels have gradients too, and fewer searches end in a wrong minimum.

        Returns
        -------
        Tensor
            (R,); with neither features nor prior, P differences and a 0.
        """
        latent_1Z = from_normal(self._space, noise_D[None], beside_K[None])
        before_P = functional_call(self._before, {}, (latent_1Z,)).flatten()
        pixels = len(before_P)
        parts = [(torch.tanh(before_P / heat) if self._is_tanh else before_P) - target_R[:pixels]]
        if self._discriminator is not None:
            seen_F = self._features_of(torch.tanh(before_P) if self._is_tanh else before_P)
            weight = sqrt(self._features * pixels / len(seen_F))
            parts.append(weight * (seen_F - target_R[pixels:]))
        off_1 = (noise_D.norm(dim=0, keepdim=True) - sqrt(len(noise_D))).abs()
        parts.append(sqrt(self._prior * pixels) * torch.relu(off_1 - _SLACK))
        return torch.cat(parts)

    def _features_of(self, image_P: Tensor) -> Tensor:
        assert self._discriminator is not None
        return self._discriminator.features(image_P.reshape(1, *self._shape)).flatten()


def _without_tanh(generator: Generator) -> tuple[nn.Module, bool]:
    """The generator without a tanh at its end, and whether it has one."""
    last = [name for name, _ in generator.named_modules()][-1]
    if not isinstance(generator.get_submodule(last), nn.Tanh):
        return generator, False
    before = copy.deepcopy(generator)
    before.set_submodule(last, nn.Identity())
    return before, True
