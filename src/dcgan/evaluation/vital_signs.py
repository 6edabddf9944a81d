"""Vital signs of a generator: what its images show in addition to a score, compared with real ones.

N, M images · C channels · H, W sides · F features
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.metrics.memorization import nearest, repeats
from dcgan.metrics.neighbors import density_coverage, precision_recall

MOST = 1000
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
    other_NF : float (N, F), optional
        Features of other real images, among which copies are searched, too.
    """

    pixel_NCHW: NDArray[np.uint8]
    real_NF: NDArray[np.float32]
    other_NF: NDArray[np.float32] | None = None

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
            real image, of all, divided by that between real images.
        """
        real_NF, generated_MF = self.real_NF[:MOST], generated_MF[:MOST]
        count = min(len(real_NF), len(generated_MF))
        real_NF, generated_MF = real_NF[:count], generated_MF[:count]
        near_N = np.sort(_to_others(real_NF))
        known_NF = self.real_NF[:MOST]
        if self.other_NF is not None:
            known_NF = np.concatenate([known_NF, self.other_NF[:MOST]])
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
                np.median(nearest(generated_MF, known_NF)[0])
                / max(np.median(_to_others(known_NF)), 1e-12)
            ),
        }


def pixel_signs(pixel_MCHW: NDArray[np.uint8], real_NCHW: NDArray[np.uint8]) -> dict[str, float]:
    """Signs that need no features.

    ``contrast``: the standard deviation of all pixels, divided by that of real images.
    ``brightness``: the difference of the mean pixels, in standard deviations of real pixels.
    ``saturation``: the share of black and white pixels (0, 1, 254, 255) minus that of real images.
    ``checkerboard``: the share of the variance in patterns of two or four pixels
    (:func:`checkerboard`) minus that of real images.
    """
    deviation, real_deviation = float(pixel_MCHW.std()), max(float(real_NCHW.std()), 1e-6)
    return {
        "contrast": deviation / real_deviation,
        "brightness": (float(pixel_MCHW.mean()) - float(real_NCHW.mean())) / real_deviation,
        "saturation": _saturated(pixel_MCHW) - _saturated(real_NCHW),
        "checkerboard": checkerboard(pixel_MCHW) - checkerboard(real_NCHW),
    }


def _saturated(pixel_NCHW: NDArray[np.uint8]) -> float:
    return float(((pixel_NCHW < _EXTREME) | (pixel_NCHW > 255 - _EXTREME)).mean())


def checkerboard(pixel_NCHW: NDArray[np.uint8]) -> float:
    """Share of the variance that lies in patterns which repeat every two or four pixels.

    Transposed convolutions leave such patterns where windows overlap unevenly (Odena et al. 2016,
    https://distill.pub/2016/deconv-checkerboard). It is the power of the rows and columns of the
    spectrum at these frequencies, beyond that of their neighbors, as a share of the whole; about 0
    for photographs. Of sides that 4 does not divide, up to three pixels are left out.
    """
    # whole periods: otherwise a pattern lies between two frequencies, and its neighbors hold it too
    height, width = (side - side % 4 for side in pixel_NCHW.shape[2:])
    gray_NHW = pixel_NCHW[..., :height, :width].mean(axis=1, dtype=np.float64)
    gray_NHW -= gray_NHW.mean(axis=(1, 2), keepdims=True)
    power_HW = np.square(np.abs(np.fft.fft2(gray_NHW))).mean(axis=0)
    excess = 0.0
    for along_F in (power_HW.sum(axis=1), power_HW.sum(axis=0)):
        side = len(along_F)
        for period in (2, 4):
            place = side // period
            around = [place - 1, place + 1] if period > 2 else [place - 1, place - 2]
            beyond = along_F[place] - along_F[around].mean()
            excess += max(0.0, float(beyond)) * (1 if period == 2 else 2)  # ± the same frequency
    return min(1.0, excess / max(float(power_HW.sum()), 1e-12))


def effective_rank(feature_NF: NDArray[np.float32]) -> float:
    """exp of the entropy of the normalized eigenvalues of the covariance (Roy & Vetterli 2007).

    From 1, where all vary along one line, to F.
    """
    centered_NF = (feature_NF - feature_NF.mean(axis=0)).astype(np.float64)
    if len(centered_NF) < centered_NF.shape[1]:
        centered_NF = centered_NF.T  # of few images the smaller matrix has the same eigenvalues
    value_F = np.linalg.eigvalsh(centered_NF.T @ centered_NF)
    share_F = value_F.clip(0) / max(value_F.clip(0).sum(), 1e-300)
    share_F = share_F[share_F > 0]
    return float(np.exp(-(share_F * np.log(share_F)).sum())) if len(share_F) else 1.0


def _to_others(feature_NF: NDArray[np.float32]) -> NDArray[np.float64]:
    """The distance of each image to its nearest other one."""
    from sklearn.neighbors import NearestNeighbors

    centered_NF = feature_NF - feature_NF.mean(axis=0, dtype=np.float64)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(centered_NF)
    return np.asarray(search.kneighbors()[0][:, 0], dtype=np.float64)
