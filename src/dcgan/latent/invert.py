"""The latent of a given image: an encoder's guess, then least squares, again from elsewhere.

N images · B of these · D numbers of noise, made normal · K classes and codes beside it · P pixels ·
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
from dcgan.runtime.device import no_tf32
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.rng import derived_seed

STARTS = 8
PRIOR = 3e-3
"""Measured on real digits (benchmarks/latent.md): the error is as without, and latents are nearer
to those that training drew."""

_KNOWN = 4096
"""Samples of which the encoder learns."""

_RIDGE = 1000.0
_SPREAD = 0.6
_PHASES = ((3.0, 16), (1.0, 24))
"""Heat and steps, see :meth:`Resemblance.residual`."""

_NEAR, _LAST = 0.01, ((1.0, 32),)
"""Root mean squared difference, in [-1, 1], below which more steps are likelier to find an image
than another start: they found 9 of 12 that eight starts had missed."""

_SAME = 1e-4
_SAME_IN_STEPS = 0.4 * 2 / 255
"""Root mean squared difference, in [-1, 1], at which an image is found. Rounding to 255 steps alone
makes one of 0.29 steps."""

_MOST_NOISE = 1024
_MOST_NUMBERS = 2**24
"""In one piece of slopes."""

_ANY = Choice()


@dataclass(frozen=True)
class Inversion:
    """What was found for N images.

    Parameters
    ----------
    latent_NZ : Tensor
    error_N : float (N,)
        Root of the mean squared difference of pixels, where black to white is 1.
    """

    latent_NZ: Tensor
    error_N: NDArray[np.float64]


@no_tf32()
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
    """Latents whose images are nearest to given ones.

    The first start is a linear encoder's guess: ridge regression from an image's pixels to its
    noise, learned on 4,096 samples. Later ones are, in turns, the samples nearest to the image and
    the best that was found, with noise. Each goes down by least squares, first between softened
    images, and further where it is nearly there. An image is done once it is reproduced but for
    rounding; for others the best of all is taken. Uniform noise is searched as normal noise, so
    that nothing leaves its cube (where Lipton & Tripathi 2017, arXiv:1702.04782, clip at random).

    Parameters
    ----------
    run : Run
    images_NCHW : uint8 or float (N, C, H, W)
        Of the run's size; float as the generator draws them, without rounding.
    choice : Choice
        Its label and codes are those of the samples, which a search leaves alone; its seed makes
        theirs, and is another.
    starts : int
        Most for each image.
    features, prior : float
        See :class:`Resemblance`.
    reporter : Reporter, default silent
        Receives the number of images found, before each start.

    Continuous codes are not searched for: they stay what those of a start are.

    Raises
    ------
    ConfigError
        Images of another shape, no starts, a negative weight, or a latent of more than 1,024
        numbers, such as a spatial one: slopes are found number by number.
    """
    space = run.networks.latent
    _refuse(run, images_NCHW.shape, starts, {"features": features, "prior": prior})
    target_NP = _pixels(run, images_NCHW)
    same = _SAME if isinstance(images_NCHW, Tensor) else _SAME_IN_STEPS
    begin = _Starts(run, target_NP, replace(choice, moves={}, truncation=None))
    alike = Resemblance(run, features=features, prior=prior)
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
            noise_BD = _search(alike, start_BD, beside_BK, target_BP, run.device, _PHASES)
            error_B = _distance(run, from_normal(space, noise_BD, beside_BK), target_BP)
            near_B = (error_B > same) & (error_B < _NEAR)
            if near_B.any():
                given = (noise_BD[near_B], beside_BK[near_B], target_BP[near_B])
                noise_BD[near_B] = _search(alike, *given, run.device, _LAST)
                error_B = _distance(run, from_normal(space, noise_BD, beside_BK), target_BP)
            is_better_B = error_B < error_N[place_B]
            better = place_B[is_better_B]
            found_ND[better], beside_NK[better] = noise_BD[is_better_B], beside_BK[is_better_B]
            error_N[better] = error_B[is_better_B]
    return Inversion(from_normal(space, found_ND, beside_NK), error_N.double().numpy() / 2)


class _Starts:
    """Where searches begin: the s-th of each image."""

    def __init__(self, run: Run, target_NP: Tensor, choice: Choice) -> None:
        from sklearn.linear_model import Ridge

        space = run.networks.latent
        # a seed of its own: a sample that is looked for must not be among those known
        own = replace(choice, seed=derived_seed(choice.seed, "known to invert"))
        known_Z = own.latents(run, 0, _KNOWN)
        known_P = _pixels(run, run.draw(known_Z))
        self._noise, self._beside = to_normal(space, known_Z), known_Z[:, space.dim :]
        encoder = Ridge(alpha=_RIDGE).fit(known_P.numpy(), self._noise.numpy())
        self._guess_ND = torch.from_numpy(encoder.predict(target_NP.numpy())).float()
        self._near_NS = torch.cdist(target_NP, known_P).argsort(dim=1)[:, : _KNOWN // 2]
        self._random = torch.Generator().manual_seed(choice.seed)

    def __call__(self, start: int, place_B: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's guess, then samples by their distance."""
        near_B = self._near_NS[place_B, (start // 2) % self._near_NS.shape[1]]
        noise_BD = self._noise[near_B] if start else self._guess_ND[place_B]
        return noise_BD, self._beside[near_B]

    def near(self, noise_BD: Tensor) -> Tensor:
        """Out of a valley, into one nearby."""
        return noise_BD + _SPREAD * torch.randn(noise_BD.shape, generator=self._random)


def _search(
    alike: Resemblance,
    noise_BD: Tensor,
    beside_BK: Tensor,
    target_BP: Tensor,
    device: torch.device,
    phases: Sequence[tuple[float, int]],
) -> Tensor:
    noise_BD, beside_BK = noise_BD.to(device), beside_BK.to(device)
    for heat, steps in phases:
        residual = partial(alike.residual, heat=heat)
        target_BR = alike.target(target_BP.to(device), heat)
        noise_BD, _ = descend(residual, noise_BD, beside_BK, target_BR, steps=steps)
    return noise_BD.cpu()


def _distance(run: Run, latent_BZ: Tensor, target_BP: Tensor) -> Tensor:
    """Root mean squared difference (B,), in [-1, 1], without rounding."""
    with torch.inference_mode():
        drawn_BP = run.generator(latent_BZ.to(run.device)).flatten(1).cpu()
    distance_B: Tensor = (drawn_BP - target_BP).square().mean(dim=1).sqrt()
    return distance_B


def _pixels(run: Run, images_NCHW: NDArray[np.uint8] | Tensor) -> Tensor:
    """(N, P) as the generator draws them."""
    if isinstance(images_NCHW, np.ndarray):
        images_NCHW = run.networks.scale.normalize(torch.from_numpy(images_NCHW))
    return images_NCHW.float().cpu().flatten(1)


def _refuse(run: Run, shape: tuple[int, ...], starts: int, weights: dict[str, float]) -> None:
    if tuple(shape[1:]) != run.networks.image_shape or shape[0] == 0:
        wanted = "x".join(map(str, run.networks.image_shape))
        raise ConfigError("images", "x".join(map(str, shape)), f"one or more of {wanted}")
    if not 1 <= starts <= _KNOWN:
        raise ConfigError("starts", starts, f"from 1 to {_KNOWN:,}")
    for name, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ConfigError(name, weight, "a weight, 0 or more")
    dim = run.networks.latent.dim
    if dim > _MOST_NOISE:
        raise ConfigError(
            "latent",
            dim,
            f"slopes are found number by number, for at most {_MOST_NOISE:,} of noise; a spatial"
            " latent has too many",
        )
