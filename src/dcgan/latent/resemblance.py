"""What makes a drawn image resemble a given one, as residuals of least squares.

B images · D numbers of noise, made normal · K classes and codes beside it · P pixels · F features ·
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
"""The length of D normal numbers is √D, give or take √½; three of these are free."""

_NEARLY = 1 - 1e-6
"""tanh never gives ±1, which pixels have; they are taken as this."""


class Resemblance:
    """How a generator's image differs from a given one, in pixels from -1 to 1.

    Parameters
    ----------
    run : Run
    features : float
        Weight of what the discriminator sees before its last row, beside that of pixels, both as
        mean squared differences; 0 spares its passes.
    prior : float
        Weight of how far the noise lies off the shell that training drew from: its length's
        deviations beyond three of √D, squared, beside the mean squared difference of pixels. Of
        nearly all latents as training drew them it asks nothing.
    """

    def __init__(self, run: Run, *, features: float, prior: float) -> None:
        self._space = run.networks.latent
        self._before, self._is_tanh = _without_tanh(run.generator)
        self._shape = run.networks.image_shape
        self._features, self._prior = features, prior
        self._judge = run.discriminator if features else None

    def target(self, image_BP: Tensor, heat: float) -> Tensor:
        """What :meth:`residual` is to reach for given images, (B, P) or (B, P + F)."""
        hot_BP = image_BP
        if self._is_tanh and heat != 1:
            hot_BP = torch.tanh(torch.atanh(image_BP.clamp(-_NEARLY, _NEARLY)) / heat)
        if self._judge is None:
            return hot_BP
        return torch.cat([hot_BP, vmap(self._look)(image_BP)], dim=1)

    def residual(
        self, noise_D: Tensor, beside_K: Tensor, target_R: Tensor, *, heat: float
    ) -> Tensor:
        """Of one image; where the mean of its squares is small, they resemble.

        Where the generator ends in tanh, both images are compared as tanh(x / heat): above 1, even
        a pixel that is all black knows which way is white, and fewer ways end in a wrong valley.

        Returns
        -------
        Tensor
            (R,); with neither features nor prior, P differences and a 0.
        """
        latent_1Z = from_normal(self._space, noise_D[None], beside_K[None])
        before_P = functional_call(self._before, {}, (latent_1Z,)).flatten()
        pixels = len(before_P)
        parts = [(torch.tanh(before_P / heat) if self._is_tanh else before_P) - target_R[:pixels]]
        if self._judge is not None:
            seen_F = self._look(torch.tanh(before_P) if self._is_tanh else before_P)
            weight = sqrt(self._features * pixels / len(seen_F))
            parts.append(weight * (seen_F - target_R[pixels:]))
        off_1 = (noise_D.norm(dim=0, keepdim=True) - sqrt(len(noise_D))).abs()
        parts.append(sqrt(self._prior * pixels) * torch.relu(off_1 - _SLACK))
        return torch.cat(parts)

    def _look(self, image_P: Tensor) -> Tensor:
        assert self._judge is not None
        return self._judge.features(image_P.reshape(1, *self._shape)).flatten()


def _without_tanh(generator: Generator) -> tuple[nn.Module, bool]:
    """What the generator's last tanh takes, and whether it ends in one."""
    last = [name for name, _ in generator.named_modules()][-1]
    if not isinstance(generator.get_submodule(last), nn.Tanh):
        return generator, False
    before = copy.deepcopy(generator)
    before.set_submodule(last, nn.Identity())
    return before, True
