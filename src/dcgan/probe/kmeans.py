"""k-means features: one layer that is learned without a network, a classic baseline.

B batch · C channels · H, W sides · L patches of an image · P numbers of a patch · M centers
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, unfold

from dcgan.data import ImageDataset
from dcgan.errors import DataError
from dcgan.probe.features import BATCH, batches_of
from dcgan.runtime.device import poolable
from dcgan.runtime.rng import derived_seed

CENTERS = 400
"""The DCGAN paper compares with 1,600 to 4,800. 400 give most of their accuracy (Coates, Ng and Lee
2011, "An analysis of single-layer networks", figure 2) in a quarter of the time of 1,600."""

_SIDE = 6
_PATCHES = 100_000
_PER_IMAGE = 20
_CONTRAST = 10.0
_WHITENING = 0.1
"""Added to a patch's variance (pixels from 0 to 255), and to the eigenvalues of the covariance of
normalized patches; both values are theirs."""

_STANDARDIZED_ON = 2048
_WIDEST = 32
"""Larger images have larger strides, so that there are about so many positions per side."""

_PIECE = 32
"""Images whose distances to all centers are in memory together: about 40 MB at 32×32."""


class KMeansFeatures:
    """Distances of all patches to the centers, pooled over the quadrants of an image.

    Coates, Ng and Lee 2011 (AISTATS), section 3: patches of 6×6, each normalized to mean 0 and
    variance 1; ZCA whitening; k-means; the "triangle" activation max(0, mean distance -
    distance); the sum over each quadrant; each feature divided by its standard deviation, as in
    their code. Learned without labels, and without patches that have no contrast.

    Parameters
    ----------
    dataset : ImageDataset
    index_N : int64 (N,)
        Images to learn from.
    seed : int
    device : torch.device, default CPU

    Raises
    ------
    DataError
        Fewer than 100 patches have any contrast.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        index_N: NDArray[np.int64],
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        random = np.random.default_rng(derived_seed(seed, "k-means"))
        self._stride = max(1, round(max(dataset.shape[1:]) / _WIDEST))
        chosen = np.sort(random.permutation(index_N)[: _PATCHES // _PER_IMAGE])
        patch_LP = self._sampled(dataset, chosen, random)
        self._mean_P = patch_LP.mean(dim=0)
        self._whitening_PP = _zca(patch_LP - self._mean_P)
        whitened_LP = ((patch_LP - self._mean_P) @ self._whitening_PP).numpy()
        self._center_MP = _centers(whitened_LP, derived_seed(seed, "centres"))
        self.count = 4 * len(self._center_MP)
        self._to(torch.device(device))
        self._deviation_F = torch.ones(self.count)
        few = np.sort(random.permutation(index_N)[:_STANDARDIZED_ON])
        pooled = torch.cat([self(batch.to(device)) for batch in batches_of(dataset, few)])
        self._deviation_F = (pooled.var(dim=0) + 0.01).sqrt()

    @property
    def about(self) -> str:
        """Such as ``400 centers of 6x6 patches``."""
        return f"{len(self._center_MP)} centers of {_SIDE}x{_SIDE} patches"

    @torch.inference_mode()
    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        """uint8 (B, C, H, W) → (B, 4 M)."""
        pooled = torch.cat([self._pooled(piece) for piece in torch.split(pixel_BCHW, _PIECE)])
        return pooled / self._deviation_F.to(pooled.device)  # on MPS, pooled is on the CPU

    def _pooled(self, pixel_BCHW: Tensor) -> Tensor:
        patch_BLP = _normalized(self._patches(pixel_BCHW))
        white_BLP = (patch_BLP - self._mean_P) @ self._whitening_PP
        square_BLM = white_BLP @ self._center_MP.T
        square_BLM = square_BLM.mul_(-2).add_(white_BLP.square().sum(dim=2, keepdim=True))
        square_BLM += self._center_MP.square().sum(dim=1)
        distance_BLM = square_BLM.clamp_(min=0).sqrt_()
        active_BLM = (distance_BLM.mean(dim=2, keepdim=True) - distance_BLM).clamp_(min=0)
        height, width = self._places(pixel_BCHW.shape[2]), self._places(pixel_BCHW.shape[3])
        active_BMHW = active_BLM.transpose(1, 2).reshape(len(active_BLM), -1, height, width)
        # proportional to the sum over each quadrant
        return adaptive_avg_pool2d(poolable(active_BMHW), 2).flatten(1) * (height * width / 4)

    def _places(self, side: int) -> int:
        return (side - _SIDE) // self._stride + 1

    def _patches(self, pixel_BCHW: Tensor) -> Tensor:
        return unfold(pixel_BCHW.float(), _SIDE, stride=self._stride).transpose(1, 2)

    def _sampled(
        self, dataset: ImageDataset, index_N: NDArray[np.int64], random: np.random.Generator
    ) -> Tensor:
        """Some normalized patches of each image (L, P), without blank ones."""
        patches = []
        for pixel_BCHW in batches_of(dataset, index_N):
            for patch_LP in self._patches(pixel_BCHW):
                some = torch.from_numpy(random.integers(len(patch_LP), size=_PER_IMAGE))
                patches.append(patch_LP[some])
        patch_LP = torch.cat(patches)
        patch_LP = patch_LP[patch_LP.var(dim=1) > 1]
        if len(patch_LP) < 100:
            raise DataError(
                f"k-means: only {len(patch_LP)} patches of the images have any contrast, and it"
                " needs at least 100. Remove k-means from `methods`"
            )
        return _normalized(patch_LP)

    def _to(self, device: torch.device) -> None:
        self._mean_P = self._mean_P.to(device)
        self._whitening_PP = self._whitening_PP.to(device)
        self._center_MP = self._center_MP.to(device)


def _normalized(patch_LP: Tensor) -> Tensor:
    """Each patch with mean 0 and variance 1, or less if it has little contrast."""
    centerd = patch_LP - patch_LP.mean(dim=-1, keepdim=True)
    return centerd / (centerd.var(dim=-1, keepdim=True) + _CONTRAST).sqrt()


def _zca(centerd_LP: Tensor) -> Tensor:
    """V (D + ε)^-½ Vᵀ of the covariance V D Vᵀ."""
    covariance_PP = (centerd_LP.T @ centerd_LP / len(centerd_LP)).double()
    value_P, vector_PP = torch.linalg.eigh(covariance_PP)
    scaled_PP = vector_PP * (value_P.clamp(min=0) + _WHITENING).rsqrt()
    whitening_PP: Tensor = (scaled_PP @ vector_PP.T).float()
    return whitening_PP


def _centers(white_LP: NDArray[np.float32], seed: int) -> Tensor:
    from sklearn.cluster import MiniBatchKMeans

    clustering = MiniBatchKMeans(
        min(CENTERS, max(2, len(white_LP) // 50)),
        batch_size=4 * BATCH,
        n_init=1,
        random_state=seed % 2**32,
    ).fit(white_LP)
    return torch.from_numpy(clustering.cluster_centers_.astype(np.float32))
