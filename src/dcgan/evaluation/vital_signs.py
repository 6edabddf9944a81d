"""Vital signs of a generator: what its images show in addition to a score, compared with real ones.

N, M images · C channels · H, W sides · F features
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.metrics.memorization import nearest, repeats
from dcgan.metrics.neighbors import density_coverage, precision_recall

_MOST = 1000
"""Images whose features are compared: more would cost time that grows with the square."""

_RARE = 0.05
"""Share of the real images that have a neighbor as near as images that count as repeats."""

_EXTREME = 2
"""Levels from black or white at which a pixel counts as saturated."""


@dataclass(frozen=True)
class VitalSigns:
    """Compares generated images with one fixed set of real images.

    Parameters
    ----------
    pixel_NCHW : uint8 (N, C, H, W)
        Real images.
    real_NF : float (N, F)
        Their features, and those of more images.
    """

    pixel_NCHW: NDArray[np.uint8]
    real_NF: NDArray[np.float32]

    def of(
        self, pixel_MCHW: NDArray[np.uint8], generated_MF: NDArray[np.float32]
    ) -> dict[str, float]:
        """The vital signs of generated images.

        Parameters
        ----------
        pixel_MCHW : uint8 (M, C, H, W)
        generated_MF : float (M, F)
            Their features, and those of more images.

        Returns
        -------
        dict of str to float
            ``contrast``, ``brightness``, ``saturation``, ``checkerboard``: see the functions of
            these names. ``precision``, ``recall``, ``coverage``: see
            :mod:`dcgan.metrics.neighbors`. ``diversity``: the variance of the features, divided by
            that of real images. ``rank``: the number of independent directions in which features
            vary, divided by that of real images. ``repeats``: share of images that have a closer
            neighbor than 95 % of real images have. ``distance``: the median distance to the nearest
            real image, divided by that between real images.
        """
        real_NF, generated_MF = self.real_NF[:_MOST], generated_MF[:_MOST]
        count = min(len(real_NF), len(generated_MF))
        real_NF, generated_MF = real_NF[:count], generated_MF[:count]
        near_N = np.sort(_to_others(real_NF))
        shares = precision_recall(real_NF, generated_MF)
        variance_F, real_variance_F = generated_MF.var(axis=0), real_NF.var(axis=0)
        return {
            **pixel_signs(pixel_MCHW, self.pixel_NCHW),
            "precision": shares.precision,
            "recall": shares.recall,
            "coverage": density_coverage(real_NF, generated_MF).coverage,
            "diversity": float(variance_F.sum() / max(real_variance_F.sum(), 1e-12)),
            "rank": effective_rank(generated_MF) / effective_rank(real_NF),
            "repeats": repeats(generated_MF, threshold=float(near_N[int(_RARE * count)])),
            "distance": float(
                np.median(nearest(generated_MF, real_NF)[0]) / max(np.median(near_N), 1e-12)
            ),
        }


def pixel_signs(pixel_MCHW: NDArray[np.uint8], real_NCHW: NDArray[np.uint8]) -> dict[str, float]:
    """Signs that need no features.

    ``contrast``: the standard deviation of all pixels, divided by that of real images.
    ``brightness``: the difference of the mean pixels, in standard deviations of real pixels.
    ``saturation``: the share of black and white pixels (0, 1, 254, 255) minus that of real images.
    ``checkerboard``: how much stronger the frequencies of a checkerboard are than their
    neighbors, divided by the same of real images; 1 without one.
    """
    deviation, real_deviation = float(pixel_MCHW.std()), max(float(real_NCHW.std()), 1e-6)
    return {
        "contrast": deviation / real_deviation,
        "brightness": (float(pixel_MCHW.mean()) - float(real_NCHW.mean())) / real_deviation,
        "saturation": _saturated(pixel_MCHW) - _saturated(real_NCHW),
        "checkerboard": checkerboard(pixel_MCHW) / checkerboard(real_NCHW),
    }


def _saturated(pixel_NCHW: NDArray[np.uint8]) -> float:
    return float(((pixel_NCHW < _EXTREME) | (pixel_NCHW > 255 - _EXTREME)).mean())


def checkerboard(pixel_NCHW: NDArray[np.uint8]) -> float:
    """Power at the frequencies of patterns that repeat every two or four pixels, divided by that
    of neighboring frequencies.

    Transposed convolutions with a stride leave such patterns where windows overlap unevenly (Odena
    et al. 2016, https://distill.pub/2016/deconv-checkerboard). The power is that of the mean over
    images: a pattern that lies at the same place in all images.
    """
    gray_NHW = pixel_NCHW.mean(axis=1, dtype=np.float64)
    power_HW = np.square(np.abs(np.fft.fft2(gray_NHW.mean(axis=0)))) + 1e-3 * gray_NHW.size / len(
        gray_NHW
    )
    ratios = []
    for axis in (0, 1):
        along = power_HW if axis == 0 else power_HW.T
        side = len(along)
        for period in (2, 4):
            place = side // period
            around = [place - 2, place - 1] + ([place + 1, place + 2] if period > 2 else [])
            if min(around) < 1:
                continue
            ratios.append(along[place, :].sum() / np.mean([along[one, :].sum() for one in around]))
    return float(np.max(ratios)) if ratios else 1.0


def effective_rank(feature_NF: NDArray[np.float32]) -> float:
    """exp of the entropy of the normalized eigenvalues of the covariance (Roy & Vetterli 2007).

    From 1, where all vary along one line, to F.
    """
    centered_NF = feature_NF - feature_NF.mean(axis=0)
    value_F = np.linalg.eigvalsh(centered_NF.T.astype(np.float64) @ centered_NF)
    share_F = value_F.clip(0) / max(value_F.clip(0).sum(), 1e-300)
    share_F = share_F[share_F > 0]
    return float(np.exp(-(share_F * np.log(share_F)).sum())) if len(share_F) else 1.0


def _to_others(feature_NF: NDArray[np.float32]) -> NDArray[np.float64]:
    """The distance of each image to its nearest other one."""
    from sklearn.neighbors import NearestNeighbors

    centered_NF = feature_NF - feature_NF.mean(axis=0, dtype=np.float64)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(centered_NF)
    return np.asarray(search.kneighbors()[0][:, 0], dtype=np.float64)
