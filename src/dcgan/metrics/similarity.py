"""Structural similarity of pairs of images, and the variety of a set of images.

N images or pairs · C channels · H, W sides
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from dcgan.errors import DataError
from dcgan.metrics.estimate import Estimate, check_images

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, finest first (Wang et al. 2003, section 3.2)."""

_WINDOW = 11
_DEVIATION = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""(K · L)² for pixels from 0 to 255 (Wang et al. 2004, as in the function below)."""

_PIXELS = 500_000
"""Pixels of either set compared at a time: about 50 MB of maps."""

_PAIR_BYTES = 2**25
"""Bytes of images that are copied at a time, on either side of the pairs."""


def ms_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Multi-scale structural similarity of each pair of images, from 0 to 1; 1 for equal images.

    Wang, Simoncelli & Bovik 2003, "Multi-scale structural similarity for image quality
    assessment", equation 7: contrast and structure at each scale and luminance at the coarsest one,
    raised to the weights .0448 .2856 .3001 .2363 .1333 and multiplied. Gaussian window 11×11,
    σ = 1.5, K₁ = .01, K₂ = .03; means of 2×2 pixels from scale to scale; mean over channels; a
    negative mean counts as 0. Windows stay inside the image except at the coarsest scale, where the
    image is padded by reflection, as in torchmetrics.

    A scale is used if its shorter side holds a window: all five from 176 pixels, four from 88,
    three from 44, two from 22, otherwise one. The weights of the scales used are divided by their
    sum. Compare only images of equal size. The package pytorch-msssim always uses five scales and
    refuses sides up to 160; its results below 176 pixels are not comparable with these.

    Parameters
    ----------
    a, b : uint8 (N, C, H, W)
        Sides of at least 11.

    Returns
    -------
    float64 (N,)

    Raises
    ------
    DataError
        For another type or shape, sides below 11, or different numbers of images.
    """
    check_images(least_side=_WINDOW, a=a, b=b)
    if len(a) != len(b):
        raise DataError(f"{len(a)} and {len(b)} images: pairs need equal numbers of both")
    step = max(1, _PIXELS // a[0].size)
    parts = [_of_pairs(a[i : i + step], b[i : i + step]) for i in range(0, len(a), step)]
    return np.concatenate(parts)


def ms_ssim_diversity(images: NDArray[np.uint8], *, pairs: int = 1000, seed: int = 0) -> Estimate:
    """Mean MS-SSIM of random pairs of different images: lower is more varied.

    Odena et al. 2017 (arXiv:1610.09585), section 4.2, where it is computed within one class. It
    says nothing about quality, as noise is varied too: compare with real images.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
        At least two, with sides of at least 11.
    pairs : int, at least 2
        Chosen independently: a pair may occur twice.
    seed : int

    Returns
    -------
    Estimate
        Mean and standard error over pairs. Pairs share images: for N far below ``2 · pairs`` the
        error understates how much the mean would vary with other images.

    Raises
    ------
    DataError
        For fewer than two images or pairs, another type or shape, or sides below 11.
    """
    check_images(least_side=_WINDOW, images=images)
    if len(images) < 2 or pairs < 2:
        raise DataError(
            f"{pairs} pairs of {len(images)} images: at least 2 pairs and 2 images are needed"
        )
    random = np.random.default_rng(seed)
    first = random.integers(len(images), size=pairs)
    # a step of 1 to N - 1 around the circle reaches each other image equally often
    second = (first + random.integers(1, len(images), size=pairs)) % len(images)
    # in parts, to save memory: an image is copied for each of its pairs
    step = max(1, _PAIR_BYTES // images[0].size)
    parts = np.split(np.stack([first, second]), range(step, pairs, step), axis=1)
    return Estimate.of_mean(np.concatenate([ms_ssim(images[a], images[b]) for a, b in parts]))


@torch.inference_mode()
def _of_pairs(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    # copies: torch refuses mirrored arrays, and warns about read-only ones
    x_NCHW, y_NCHW = (torch.from_numpy(part.astype(np.float64)) for part in (a, b))
    weights = _weights(min(a.shape[2:]))
    product_N = torch.ones(len(a), dtype=torch.float64)
    for weight in weights[:-1]:
        _, structure_N = _luminance_and_structure(x_NCHW, y_NCHW)
        product_N *= structure_N.clamp(min=0) ** weight
        x_NCHW, y_NCHW = F.avg_pool2d(x_NCHW, 2), F.avg_pool2d(y_NCHW, 2)
    border = (_WINDOW // 2,) * 4
    x_NCHW, y_NCHW = (F.pad(part, border, mode="reflect") for part in (x_NCHW, y_NCHW))
    similarity_N, _ = _luminance_and_structure(x_NCHW, y_NCHW)
    product_N *= similarity_N.clamp(min=0) ** weights[-1]
    return product_N.numpy()


def _weights(side: int) -> list[float]:
    used = [weight for scale, weight in enumerate(_WEIGHTS) if side >> scale >= _WINDOW]
    return [weight / sum(used) for weight in used]


def _luminance_and_structure(x_NCHW: Tensor, y_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over windows and channels of SSIM, and of its contrast and structure factor.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity",
    equation 13.
    """
    mean_x, mean_y = _blurred(x_NCHW), _blurred(y_NCHW)
    variances = _blurred(x_NCHW.square() + y_NCHW.square()) - mean_x.square() - mean_y.square()
    covariance = _blurred(x_NCHW * y_NCHW) - mean_x * mean_y
    structure = (2 * covariance + _C2) / (variances + _C2)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x.square() + mean_y.square() + _C1)
    return (luminance * structure).mean(dim=(1, 2, 3)), structure.mean(dim=(1, 2, 3))


def _blurred(x_NCHW: Tensor) -> Tensor:
    """Weighted mean over each window inside the image.

    Two products with band matrices are five times as fast on a CPU as a convolution.
    """
    height, width = x_NCHW.shape[2:]
    return _windows(height) @ x_NCHW @ _windows(width).T


def _windows(side: int) -> Tensor:
    """(side - 10, side): each row holds the Gaussian, one place further to the right."""
    offset = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weight = torch.exp(-(offset**2) / (2 * _DEVIATION**2))
    # row i of the unfolded unit matrix holds columns i to i + 10
    return torch.eye(side, dtype=torch.float64).unfold(0, _WINDOW, 1) @ (weight / weight.sum())
