"""Find the latent of an image: a guess of an encoder, then least squares, with several starts.

N images · B of these · D numbers of noise, made normal · K classes and codes · P pixels ·
Z numbers of a latent
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.errors import ConfigError
from dcgan.latent.choice import Choice
from dcgan.latent.least_squares import descend
from dcgan.latent.noise import from_normal, to_normal
from dcgan.latent.resemblance import Resemblance
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.signatures import checked
from dcgan.runtime.torch_settings import no_tf32
from dcgan.runtime.wording import size_text

STARTS = 8
PRIOR = 3e-3
"""On real digits, the error is as small as without it, and latents are closer to random ones
(benchmarks/latent.md)."""

_KNOWN = 4096
"""Samples that the encoder is trained on."""

_RIDGE = 1000.0
_SPREAD = 0.6
_PHASES = ((3.0, 16), (1.0, 24))
"""Heat and steps, see :meth:`Resemblance.residual`."""

_NEAR, _LAST = 0.01, ((1.0, 32),)
"""Below this root mean squared difference, in [-1, 1], more steps are more likely to find an image
than another start: they found 9 of 12 images that eight starts had missed."""

_SAME = 1e-4
_SAME_IN_STEPS = 0.4 * 2 / 255
"""Root mean squared difference, in [-1, 1], of images that count as found. Rounding to 255 steps
alone causes 0.29 steps."""

_HALF_RANGE = 127.5
"""Pixel values from 0 to 1, for pixels in [-1, 1]."""

_MOST_NOISE = 1024
_MOST_NUMBERS = 2**24
"""Numbers of the Jacobians that are computed together."""

_ANY = Choice()


@dataclass(frozen=True)
class Inversion:
    """Latents of N images, and their errors.

    Parameters
    ----------
    latent_NZ : Tensor
    error_N : float (N,)
        Root mean squared difference of pixels, where black to white is 1.
    """

    latent_NZ: Tensor
    error_N: NDArray[np.float64]


@no_tf32()
@checked
@isolated()
def invert(
    run: Run,
    images_NCHW: NDArray[np.uint8] | Tensor,
    choice: Choice = _ANY,
    *,
    starts: int = STARTS,
    features: float = 0.0,
    prior: float = PRIOR,
    reporter: Reporter = SILENT,
) -> Inversion:
    """Latents whose images are most similar to the given ones.

    The first start is the guess of a linear encoder: ridge regression from pixels to noise, trained
    on 4,096 samples. Later starts alternate between samples similar to the image, and the best
    result so far with added noise. Each start is refined by least squares, first on softened
    images, and with more steps if it is close. The search for an image ends when it is reproduced
    up to rounding; otherwise the best result is kept. Uniform noise is searched as normal noise, so
    it never leaves its cube (Lipton & Tripathi 2017, arXiv:1702.04782, clip at random instead).
    Classes and continuous codes stay those of the start.

    Parameters
    ----------
    run : Run
    images_NCHW : uint8 or float (N, C, H, W)
        At the size of the run; float as the generator's output, without rounding.
    choice : Choice
        The label and codes of the samples, and their seed.
    starts : int, default 8
        Maximum number of starts for each image.
    features, prior : float
        See :class:`Resemblance`.
    reporter : Reporter, default silent
        Receives the number of found images before each start.

    Raises
    ------
    ConfigError
        Images of another shape, no starts, a negative weight, or more than 1,024 numbers of noise,
        as in a spatial latent: the Jacobian has a column for each.
    """
    space = run.networks.latent
    _refuse(run, images_NCHW.shape, starts, {"features": features, "prior": prior})
    target_NP = _pixels(run, images_NCHW)
    same = _SAME if isinstance(images_NCHW, Tensor) else _SAME_IN_STEPS
    begin = _Starts(run, target_NP, replace(choice, moves={}, truncation=None))
    resemblance = Resemblance(run, features=features, prior=prior)
    found_ND, beside_NK = begin(0, torch.arange(len(target_NP)))
    error_N = torch.full((len(target_NP),), torch.inf)
    size = space.dim * max(map(prod, run.generator.shapes))
    for start in range(starts):
        missing = torch.nonzero(error_N > same)[:, 0]
        if not len(missing):
            break
        done = len(error_N) - len(missing)
        reporter.progress(f"start {start + 1} of {starts}, found", done, len(error_N))
        for place_B in torch.split(missing, max(1, _MOST_NUMBERS // size)):
            if start and start % 2 == 0:
                start_BD, beside_BK = begin.near(found_ND[place_B]), beside_NK[place_B]
            else:
                start_BD, beside_BK = begin(start, place_B)
            target_BP = target_NP[place_B]
            noise_BD = _search(resemblance, start_BD, beside_BK, target_BP, run.device, _PHASES)
            error_B = _distance(run, from_normal(space, noise_BD, beside_BK), target_BP)
            near_B = (error_B > same) & (error_B < _NEAR)
            if near_B.any():
                given = (noise_BD[near_B], beside_BK[near_B], target_BP[near_B])
                noise_BD[near_B] = _search(resemblance, *given, run.device, _LAST)
                error_B = _distance(run, from_normal(space, noise_BD, beside_BK), target_BP)
            is_better_B = error_B < error_N[place_B]
            better = place_B[is_better_B]
            found_ND[better], beside_NK[better] = noise_BD[is_better_B], beside_BK[is_better_B]
            error_N[better] = error_B[is_better_B]
    return Inversion(from_normal(space, found_ND, beside_NK), error_N.double().numpy() / 2)


class _Starts:
    """Starting points of the searches."""

    def __init__(self, run: Run, target_NP: Tensor, choice: Choice) -> None:
        from sklearn.linear_model import Ridge

        space = run.networks.latent
        # another seed: an image of ``choice`` must not be among the known samples
        own = replace(choice, seed=derived_seed(choice.seed, "known to invert"))
        known_Z = own.latents(run, 0, _KNOWN)
        known_P = _pixels(run, run.generate(known_Z))
        self._noise, self._beside = to_normal(space, known_Z), known_Z[:, space.dim :]
        encoder = Ridge(alpha=_RIDGE).fit(known_P.numpy(), self._noise.numpy())
        self._guess_ND = torch.from_numpy(encoder.predict(target_NP.numpy())).float()
        self._near_NS = torch.cdist(target_NP, known_P).argsort(dim=1)[:, : _KNOWN // 2]
        self._random = torch.Generator().manual_seed(choice.seed)

    def __call__(self, start: int, place_B: Tensor) -> tuple[Tensor, Tensor]:
        """Start number ``start``: the encoder's guess, then samples by their distance."""
        near_B = self._near_NS[place_B, (start // 2) % self._near_NS.shape[1]]
        noise_BD = self._noise[near_B] if start else self._guess_ND[place_B]
        return noise_BD, self._beside[near_B]

    def near(self, noise_BD: Tensor) -> Tensor:
        """Noise near a result, to leave its local minimum."""
        return noise_BD + _SPREAD * torch.randn(noise_BD.shape, generator=self._random)


def _search(
    resemblance: Resemblance,
    noise_BD: Tensor,
    beside_BK: Tensor,
    target_BP: Tensor,
    device: torch.device,
    phases: Sequence[tuple[float, int]],
) -> Tensor:
    noise_BD, beside_BK = noise_BD.to(device), beside_BK.to(device)
    for heat, steps in phases:
        residual = partial(resemblance.residual, heat=heat)
        target_BR = resemblance.target(target_BP.to(device), heat)
        noise_BD, _ = descend(residual, noise_BD, beside_BK, target_BR, steps=steps)
    return noise_BD.cpu()


def _distance(run: Run, latent_BZ: Tensor, target_BP: Tensor) -> Tensor:
    """Root mean squared difference (B,), without rounding, as if pixels were in [-1, 1]."""
    with torch.inference_mode():
        image_BCHW = run.generator(latent_BZ.to(run.device)).cpu()
    # the run may have another range, such as [0, 1]
    scale_C11 = torch.tensor(run.networks.scale.deviation).view(-1, 1, 1) / _HALF_RANGE
    difference_BCHW = (image_BCHW - target_BP.view_as(image_BCHW)) * scale_C11
    distance_B: Tensor = difference_BCHW.flatten(1).square().mean(dim=1).sqrt()
    return distance_B


def _pixels(run: Run, images_NCHW: NDArray[np.uint8] | Tensor) -> Tensor:
    """(N, P) in the range of the generator's output."""
    if isinstance(images_NCHW, np.ndarray):
        images_NCHW = run.networks.scale.normalize(torch.from_numpy(images_NCHW))
    return images_NCHW.float().cpu().flatten(1)


def _refuse(run: Run, shape: tuple[int, ...], starts: int, weights: dict[str, float]) -> None:
    if tuple(shape[1:]) != run.networks.image_shape or shape[0] == 0:
        wanted = size_text(run.networks.image_shape)
        raise ConfigError("images", size_text(shape), f"must be images of {wanted}")
    if not 1 <= starts <= _KNOWN:
        raise ConfigError("starts", starts, f"must be 1 to {_KNOWN:,}")
    for name, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ConfigError(name, weight, "must be 0 or more")
    dim = run.networks.latent.dim
    if dim > _MOST_NOISE:
        raise ConfigError(
            "latent",
            dim,
            f"inversion supports at most {_MOST_NOISE:,} numbers of noise, fewer than a spatial"
            " latent has",
        )
