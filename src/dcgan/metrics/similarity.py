"""Structural similarity of pairs of images, and how much images differ among themselves.

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
"""Of the scales, finest first (Wang et al. 2003, section 3.2)."""

_WINDOW = 11
_DEVIATION = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""(K · L)² for pixels from 0 to 255 (Wang et al. 2004, as in the function below)."""

_PIXELS = 500_000
"""Of either set at a time: about 50 MB of maps."""


_PAIR_BYTES = 2**25
"""Of either side of the pairs that are compared at once."""


def ms_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Multi-scale structural similarity of each pair of images, in [0, 1]; 1 for equal ones.

    Wang, Simoncelli & Bovik 2003, "Multi-scale structural similarity for image quality
    assessment", equation 7: contrast and structure at each scale, luminance at the coarsest,
    raised to the weights .0448 .2856 .3001 .2363 .1333 and multiplied. Gaussian window 11×11,
    σ = 1.5, K₁ = .01, K₂ = .03; means of 2×2 pixels from scale to scale; mean over channels; a
    negative mean counts as 0. Windows stay inside the image, but at the coarsest scale, where the
    image is continued by reflection: so does torchmetrics, whose numbers these are.

    A scale is used while its shorter side holds a window: all five from 176 pixels, four from 88,
    three from 44, two from 22, one below. Weights are then those of the scales used, divided by
    their sum. Compare only numbers of equal image size. The package pytorch-msssim always uses five
    scales and refuses sides up to 160: its numbers for sides from 161 to 175 are not comparable
    with these, and below it gives none.

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
        raise DataError(f"{len(a)} images and {len(b)}: pairs need as many of one as of the other")
    step = max(1, _PIXELS // a[0].size)
    parts = [_of_pairs(a[i : i + step], b[i : i + step]) for i in range(0, len(a), step)]
    return np.concatenate(parts)


def ms_ssim_diversity(images: NDArray[np.uint8], *, pairs: int = 1000, seed: int = 0) -> Estimate:
    """Mean MS-SSIM of random pairs of different images: lower is more varied.

    Odena et al. 2017 (arXiv:1610.09585), section 4.2, within one class there. It says nothing of
    quality, since noise is varied too; set it beside the same number of the real images.

    Parameters
    ----------
    images : uint8 (N, C, H, W)
        At least two, with sides of at least 11.
    pairs : int, at least 2
        Drawn independently, so that a pair may come twice.
    seed : int

    Returns
    -------
    Estimate
        Mean and standard error over pairs. Pairs share images: where N is far below
        ``2 · pairs`` the error understates what other images would change.

    Raises
    ------
    DataError
        For fewer than two images or pairs, another type or shape, or sides below 11.
    """
    check_images(least_side=_WINDOW, images=images)
    if len(images) < 2 or pairs < 2:
        raise DataError(
            f"{pairs} pairs of {len(images)} images: variety and its error need at least 2 of each"
        )
    random = np.random.default_rng(seed)
    first = random.integers(len(images), size=pairs)
    # a step of 1 to N - 1 round the circle reaches each other image equally often
    second = (first + random.integers(1, len(images), size=pairs)) % len(images)
    # a few pairs at a time: all at once would be copies of two thousand images
    step = max(1, _PAIR_BYTES // images[0].size)
    similarity = np.concatenate(
        [
            ms_ssim(images[first[start : start + step]], images[second[start : start + step]])
            for start in range(0, pairs, step)
        ]
    )
    return Estimate(float(similarity.mean()), float(similarity.std(ddof=1) / np.sqrt(pairs)))


@torch.inference_mode()
def _of_pairs(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    # copies: torch takes no mirrored arrays, and warns of those it may not write to
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
    found: NDArray[np.float64] = (product_N * similarity_N.clamp(min=0) ** weights[-1]).numpy()
    return found


def _weights(side: int) -> list[float]:
    used = [weight for scale, weight in enumerate(_WEIGHTS) if side >> scale >= _WINDOW]
    return [weight / sum(used) for weight in used]


def _luminance_and_structure(x_NCHW: Tensor, y_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Mean over windows and channels of SSIM, and of its factor for contrast and structure.

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
    """Weighted mean over each window that lies inside.

    As two products with band matrices: five times as fast here as a convolution of one channel.
    """
    height, width = x_NCHW.shape[2:]
    return _windows(height) @ x_NCHW @ _windows(width).T


def _windows(side: int) -> Tensor:
    """(side - 10, side): in each row the Gaussian, one further to the right."""
    offset = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weight = torch.exp(-(offset**2) / (2 * _DEVIATION**2))
    # row i of the unfolded unit matrix holds columns i to i + 10
    return torch.eye(side, dtype=torch.float64).unfold(0, _WINDOW, 1) @ (weight / weight.sum())
