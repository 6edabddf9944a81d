"""k-means features: what one layer learned without any network gives, the classic yardstick.

B batch · C channels · H, W sides · L patches of a picture · P numbers of a patch · M centres
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

CENTRES = 400
"""The paper's yardstick has 1,600 to 4,800; 400 give most of its accuracy (Coates, Ng and Lee
2011, "An analysis of single-layer networks", figure 2) in a quarter of the time of the least."""

_SIDE = 6
_PATCHES = 100_000
_PER_IMAGE = 20
_CONTRAST = 10.0
_WHITENING = 0.1
"""Added to a patch's variance (pixels from 0 to 255), and to the eigenvalues of the covariance of
normalised patches: both theirs."""

_STANDARDIZED_ON = 2048
_WIDEST = 32
"""Pictures with a longer side are covered in larger strides, at about so many places a side."""

_PIECE = 32
"""Pictures whose distances to all centres are in memory together: some 40 MB at 32×32."""


class KMeansFeatures:
    """Distances of all patches to centres, pooled over the quadrants of a picture.

    Coates, Ng and Lee 2011 (AISTATS), section 3: patches of 6×6, each brought to mean 0 and
    variance 1; ZCA whitening; k-means; the "triangle" activation max(0, mean distance -
    distance); the sum over each quadrant; each feature divided by its standard deviation, as in
    their code. Learned without labels. Patches without any contrast are not learned from.

    Parameters
    ----------
    dataset : Pictures
    index_N : int64 (N,)
        Pictures to learn from.
    seed : int
    device : torch.device, default CPU

    Raises
    ------
    DataError
        Hardly a patch has any contrast.
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
        self._centre_MP = _centres(whitened_LP, derived_seed(seed, "centres"))
        self.count = 4 * len(self._centre_MP)
        self._to(torch.device(device))
        self._deviation_F = torch.ones(self.count, device=device)
        few = np.sort(random.permutation(index_N)[:_STANDARDIZED_ON])
        pooled = torch.cat([self(batch.to(device)) for batch in batches_of(dataset, few)])
        self._deviation_F = (pooled.var(dim=0) + 0.01).sqrt()

    @property
    def about(self) -> str:
        """Such as ``400 centres of 6x6 patches``."""
        return f"{len(self._centre_MP)} centres of {_SIDE}x{_SIDE} patches"

    @torch.inference_mode()
    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        """uint8 (B, C, H, W) → (B, 4 M)."""
        pooled = torch.cat([self._pooled(piece) for piece in torch.split(pixel_BCHW, _PIECE)])
        return pooled / self._deviation_F

    def _pooled(self, pixel_BCHW: Tensor) -> Tensor:
        patch_BLP = _normalized(self._patches(pixel_BCHW))
        white_BLP = (patch_BLP - self._mean_P) @ self._whitening_PP
        square_BLM = white_BLP @ self._centre_MP.T
        square_BLM = square_BLM.mul_(-2).add_(white_BLP.square().sum(dim=2, keepdim=True))
        square_BLM += self._centre_MP.square().sum(dim=1)
        distance_BLM = square_BLM.clamp_(min=0).sqrt_()
        active_BLM = (distance_BLM.mean(dim=2, keepdim=True) - distance_BLM).clamp_(min=0)
        height, width = self._places(pixel_BCHW.shape[2]), self._places(pixel_BCHW.shape[3])
        active_BMHW = active_BLM.transpose(1, 2).reshape(len(active_BLM), -1, height, width)
        # a sum but for the sizes of the quadrants, which the deviation takes out
        return adaptive_avg_pool2d(poolable(active_BMHW), 2).flatten(1) * (height * width / 4)

    def _places(self, side: int) -> int:
        return (side - _SIDE) // self._stride + 1

    def _patches(self, pixel_BCHW: Tensor) -> Tensor:
        return unfold(pixel_BCHW.float(), _SIDE, stride=self._stride).transpose(1, 2)

    def _sampled(
        self, dataset: ImageDataset, index_N: NDArray[np.int64], random: np.random.Generator
    ) -> Tensor:
        """Some normalised patches of each picture (L, P), without those that are blank."""
        found = []
        for pixel_BCHW in batches_of(dataset, index_N):
            for patch_LP in self._patches(pixel_BCHW):
                some = torch.from_numpy(random.integers(len(patch_LP), size=_PER_IMAGE))
                found.append(patch_LP[some])
        patch_LP = torch.cat(found)
        patch_LP = patch_LP[patch_LP.var(dim=1) > 1]
        if len(patch_LP) < 100:
            raise DataError(
                "k-means: the pictures are blank almost everywhere, so there are no patches to"
                " learn from; leave k-means out of --methods"
            )
        return _normalized(patch_LP)

    def _to(self, device: torch.device) -> None:
        self._mean_P = self._mean_P.to(device)
        self._whitening_PP = self._whitening_PP.to(device)
        self._centre_MP = self._centre_MP.to(device)


def _normalized(patch_LP: Tensor) -> Tensor:
    """Each patch to mean 0 and variance 1, or less where it has little contrast."""
    centred = patch_LP - patch_LP.mean(dim=-1, keepdim=True)
    return centred / (centred.var(dim=-1, keepdim=True) + _CONTRAST).sqrt()


def _zca(centred_LP: Tensor) -> Tensor:
    """V (D + ε)^-½ Vᵀ of the covariance V D Vᵀ."""
    covariance_PP = (centred_LP.T @ centred_LP / len(centred_LP)).double()
    value_P, vector_PP = torch.linalg.eigh(covariance_PP)
    scaled_PP = vector_PP * (value_P.clamp(min=0) + _WHITENING).rsqrt()
    whitening_PP: Tensor = (scaled_PP @ vector_PP.T).float()
    return whitening_PP


def _centres(white_LP: NDArray[np.float32], seed: int) -> Tensor:
    from sklearn.cluster import MiniBatchKMeans

    clustering = MiniBatchKMeans(
        min(CENTRES, max(2, len(white_LP) // 50)),
        batch_size=4 * BATCH,
        n_init=1,
        random_state=seed % 2**32,
    ).fit(white_LP)
    return torch.from_numpy(clustering.cluster_centers_.astype(np.float32))
