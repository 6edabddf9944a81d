"""Directions of a latent space: moving along one changes one property of an image.

N samples · D numbers of noise, made normal · K directions · F features · Z numbers of a latent
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcgan.errors import ConfigError, DcganError
from dcgan.latent.noise import from_normal, to_normal
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.models.norms import PixelNorm
from dcgan.runtime.wording import size_text

_LEFT = 0.1
"""Least length of a unit direction after other directions are removed from it."""

_DEPENDENT = 1e-6
"""Relative to the largest singular value: below it, directions are linearly dependent."""

_HELD_OUT = 0.25


@dataclass(frozen=True)
class Direction:
    """A named direction.

    Parameters
    ----------
    name : str
    vector_D : Tensor
        Of unit length: a step of 1 is one standard deviation of the noise.
    method : str
        How it was found, as a phrase.
    measured : mapping of str to float
        Name of a score → value.
    """

    name: str
    vector_D: Tensor
    method: str
    measured: Mapping[str, float] = field(default_factory=dict)


def moved(space: LatentSpace, latent_BZ: Tensor, steps: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Latents moved along directions, in standard deviations; classes and codes stay."""
    noise_BD = to_normal(space, latent_BZ)
    for vector_D, amount in steps:
        noise_BD = noise_BD + amount * vector_D
    return from_normal(space, noise_BD, latent_BZ[:, space.dim :])


def between(space: LatentSpace, from_KZ: Tensor, to_KZ: Tensor) -> Tensor:
    """The direction from the mean of some latents to that of others, of unit length (D,).

    Radford et al. 2016, section 6.3.2.
    """
    return _unit(to_normal(space, to_KZ).mean(dim=0) - to_normal(space, from_KZ).mean(dim=0))


def by_class(
    noise_ND: Tensor, shows_N: NDArray[np.bool_], *, seed: int = 0
) -> tuple[Tensor, float]:
    """The normal of the plane that best separates samples that show something from the others.

    Shen et al. 2020 (arXiv:1907.10786, section 3.1), by logistic regression with equal weights
    for both sides.

    Returns
    -------
    (Tensor, float)
        (D,), and the balanced accuracy on the held-out quarter of the samples; chance is 0.5.

    Raises
    ------
    DcganError
        Fewer than 20 samples on one side.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    fewest = int(min(shows_N.sum(), (~shows_N).sum()))
    if fewest < 20:
        raise DcganError(
            f"only {fewest} of {len(shows_N):,} samples are on one side; at least 20 are needed."
            " Choose another concept, or use more `samples`"
        )
    learned, held_out = _parts(len(shows_N), seed)
    noise = noise_ND.numpy()
    model = LogisticRegression(class_weight="balanced", max_iter=1000)
    model.fit(noise[learned], shows_N[learned])
    accuracy = balanced_accuracy_score(shows_N[held_out], model.predict(noise[held_out]))
    return _unit(torch.from_numpy(model.coef_[0]).float()), float(accuracy)


def by_value(
    noise_ND: Tensor, value_N: NDArray[np.float64], *, seed: int = 0
) -> tuple[Tensor, float]:
    """The direction along which a value grows most, by ridge regression.

    Returns
    -------
    (Tensor, float)
        (D,), and R² on the held-out quarter of the samples; chance is 0.

    Raises
    ------
    DcganError
        All samples have the same value.
    """
    from sklearn.linear_model import RidgeCV

    if value_N.min() == value_N.max():
        raise DcganError(
            f"all {len(value_N):,} samples have the same value: {value_N[0]:.3g}. Choose another"
            " property, or another `checkpoint`"
        )
    learned, held_out = _parts(len(value_N), seed)
    noise = noise_ND.numpy()
    model = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(noise[learned], value_N[learned])
    score = model.score(noise[held_out], value_N[held_out])
    return _unit(torch.from_numpy(model.coef_).float()), float(score)


def without(vector_D: Tensor, others_KD: Tensor) -> Tensor:
    """What is left of a direction when others are taken out: moving along it leaves them alone.

    Shen et al. 2020 (arXiv:1907.10786), equation 8 for one, by projection for several.

    Raises
    ------
    ConfigError
        Less than a tenth of its length remains.
    """
    # not by QR, which adds arbitrary directions for linearly dependent ones
    left_DK, size_K, _ = torch.linalg.svd(others_KD.double().T, full_matrices=False)
    basis_DK = left_DK[:, size_K > _DEPENDENT * size_K.max()]
    left_D = vector_D.double() - basis_DK @ (basis_DK.T @ vector_D.double())
    if left_D.norm() < _LEFT:
        raise ConfigError(
            "without",
            f"{float(left_D.norm()):.2f} left",
            "this direction is almost a combination of the others. Remove fewer directions from it",
        )
    return _unit(left_D.float())


def factorised(generator: Generator, space: LatentSpace, count: int) -> Tensor:
    """Directions to which the first layer's output is most sensitive, (K, D), strongest first.

    Shen & Zhou 2021 (arXiv:2007.06600, SeFa): eigenvectors of AᵀA for the first layer's map A,
    including the batch norm after it. The authors' code instead normalizes the weights of each
    output, so its directions differ.

    Raises
    ------
    ConfigError
        A ``count`` above D, or a spatial latent.
    """
    _refuse(generator, space, count)
    start = torch.zeros(space.dim + 1, space.width)
    start[1:, : space.dim] = torch.eye(space.dim)
    first = _before_activation(generator)
    with torch.inference_mode():
        out = first(start.reshape(-1, *generator.input_shape).to(_device(generator)))
    map_DF = (out[1:] - out[0]).flatten(1).cpu().double()
    vectors_DK = torch.linalg.svd(map_DF, full_matrices=False).U[:, :count]
    return _signed(vectors_DK.T.float())


def components(generator: Generator, space: LatentSpace, latent_NZ: Tensor, count: int) -> Tensor:
    """Directions of the principal components of the first layer's activations, (K, D).

    Härkönen et al. 2020 (arXiv:2004.02546, GANSpace, section 2.2): components of activations,
    mapped back to the latent by least squares.

    Raises
    ------
    ConfigError
        A ``count`` above D or not below N, or a spatial latent.
    """
    from sklearn.decomposition import PCA

    _refuse(generator, space, count)
    activation_NF = first_activations(generator, latent_NZ)
    most = min(len(activation_NF) - 1, activation_NF.shape[1])
    if count > most:
        raise ConfigError(
            "count", count, f"{len(latent_NZ):,} samples give at most {most}. Use more `samples`"
        )
    coordinate_NK = PCA(count, random_state=0).fit_transform(activation_NF.numpy())
    noise_ND = to_normal(space, latent_NZ).double()
    found_KD = torch.linalg.lstsq(torch.from_numpy(coordinate_NK).double(), noise_ND).solution
    return _signed(torch.stack([_unit(vector) for vector in found_KD.float()]))


def first_activations(generator: Generator, latent_NZ: Tensor) -> Tensor:
    """Outputs of the first layer, (N, F), on the CPU."""
    first, place = generator.blocks[0], _device(generator)
    with torch.inference_mode():
        parts = [
            first(part.reshape(-1, *generator.input_shape).to(place)).flatten(1).cpu()
            for part in torch.split(latent_NZ, 256)
        ]
    return torch.cat(parts)


def explained(activation_NF: Tensor, noise_ND: Tensor, vectors_KD: Tensor) -> Tensor:
    """Share of the activations' variance that each direction explains, (K,).

    R² of a linear regression of all activations on the coordinate along the direction.
    """
    activation = activation_NF.double() - activation_NF.double().mean(dim=0)
    along_NK = noise_ND.double() @ vectors_KD.double().T
    along_NK = along_NK - along_NK.mean(dim=0)
    covariance_KF = along_NK.T @ activation
    share_K = covariance_KF.square().sum(dim=1) / along_NK.square().sum(dim=0)
    return (share_K / activation.square().sum()).float()


_NOT_LINEAR = (
    *(nn.ReLU, nn.LeakyReLU, nn.SELU, nn.Tanh, nn.Sigmoid),
    *(PixelNorm, nn.GroupNorm, nn.InstanceNorm2d, nn.LayerNorm),
)


def _before_activation(generator: Generator) -> nn.Sequential:
    """The linear part of the first layer, including batch norm in evaluation mode."""
    linear: list[nn.Module] = []
    for module in generator.blocks[0].children():
        if isinstance(module, _NOT_LINEAR):
            break
        linear.append(module)
    return nn.Sequential(*linear)


def _device(generator: Generator) -> torch.device:
    return next(generator.parameters()).device


def _refuse(generator: Generator, space: LatentSpace, count: int) -> None:
    if generator.input_shape[1:] != (1, 1):
        shape = size_text(generator.input_shape)
        problem = "not for a spatial latent of this shape. Use `plus` and `minus`, or `reads`"
        raise ConfigError("method", shape, problem)
    if not 1 <= count <= space.dim:
        raise ConfigError("count", count, f"must be 1 to {space.dim}, the size of the noise")


def _parts(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.random.default_rng(seed).permutation(count)
    most = round(_HELD_OUT * count)
    return order[most:], order[:most]


def _signed(vectors_KD: Tensor) -> Tensor:
    """The same sign always: the largest number of a direction is positive."""
    largest = vectors_KD.gather(1, vectors_KD.abs().argmax(dim=1, keepdim=True))
    return vectors_KD * largest.sign()


def _unit(vector_D: Tensor) -> Tensor:
    if not vector_D.any():
        raise DcganError(
            "both groups have the same mean latent, so there is no direction between them"
        )
    return nn.functional.normalize(vector_D, dim=0)
