"""The discriminator's layers as features, and the loop that computes features of any kind.

N images · B batch · C channels · H, W sides · F features
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from dcgan.data import ImageDataset, PixelScale
from dcgan.errors import DataError, RunError
from dcgan.models import Discriminator
from dcgan.models.batch_norm import averaging_batch_norm
from dcgan.models.table import Layer
from dcgan.probe.svm import BYTES_PER_NUMBER
from dcgan.runtime.device import poolable
from dcgan.runtime.memory import shortage
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.torch_settings import no_tf32

GRID = 4
"""Every layer is max-pooled to 4×4 (Radford et al. 2016, section 5.1)."""

BATCH = 256
"""Images per pass, always exactly so many: kernels are chosen by batch size and round differently,
and the features of an image must not depend on the others in its batch."""

_MEMORY_SHARE = 0.7
"""Of the free memory, what features and the fit of the classifier may use."""


class FeatureMap(Protocol):
    """Images to features: uint8 (B, C, H, W) → float (B, count)."""

    @property
    def count(self) -> int:
        """Number of features F."""

    @property
    def about(self) -> str:
        """Description in a few words."""

    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        """The features of a batch."""


class LayerFeatures:
    """All convolutional layers of a discriminator, max-pooled to 4×4, flattened, concatenated.

    Radford et al. 2016 (arXiv:1511.06434), section 5.1. A layer is a ``conv`` row of the table
    with its norm and activation. Two kinds of rows are left out: the output layer, and all rows
    from the first ``minibatch_stddev`` on, whose outputs depend on the other images of a batch. A
    side that 4 does not divide is pooled in windows of unequal size (``adaptive_max_pool2d``); one
    below 4 stays as it is.

    Parameters
    ----------
    discriminator : Discriminator
        Its batch norm statistics must be those of real images: see :func:`with_statistics_of`.
    layers : sequence of Layer
        Its table.
    scale : PixelScale
        The run's conversion of pixels to numbers.

    Raises
    ------
    RunError
        The table has no such layer.
    """

    def __init__(
        self, discriminator: Discriminator, layers: Sequence[Layer], scale: PixelScale
    ) -> None:
        self._rows = feature_rows(layers, discriminator.shapes)
        if not self._rows:
            raise RunError(
                "this discriminator has no convolutional layer before its output layer, so it has"
                " no features. Choose a run whose discriminator has conv rows"
            )
        self._blocks = list(discriminator.eval().blocks)[: self._rows[-1] + 1]
        self._scale = scale
        self.count = sum(
            channels * min(height, GRID) * min(width, GRID)
            for channels, height, width in (discriminator.shapes[row] for row in self._rows)
        )

    @property
    def about(self) -> str:
        """Such as ``3 conv layers``."""
        return f"{len(self._rows)} conv layer{'s' if len(self._rows) > 1 else ''}"

    @torch.inference_mode()
    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        pooled = []
        with no_tf32():
            hidden = self._scale.normalize(pixel_BCHW)
            for row, block in enumerate(self._blocks):
                hidden = block(hidden)
                if row in self._rows:
                    grid = (min(hidden.shape[2], GRID), min(hidden.shape[3], GRID))
                    pooled.append(adaptive_max_pool2d(poolable(hidden), grid).flatten(1))
        return torch.cat(pooled, dim=1)


def feature_rows(layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """Rows of a discriminator's table that give features, counted from 0."""
    end = next((row for row, layer in enumerate(layers) if layer.minibatch_stddev), len(layers))
    return [
        row
        for row, (layer, shape) in enumerate(zip(layers[:end], shapes, strict=False))
        if layer.operation == "conv" and prod(shape) > 1
    ]


@torch.no_grad()
def with_statistics_of(
    discriminator: Discriminator,
    batches: Iterable[Tensor],
    scale: PixelScale,
    device: torch.device | str = "cpu",
) -> Discriminator:
    """A copy in evaluation mode whose batch norm statistics are those of the given images.

    Statistics from training mix real and generated images, and weights of many steps. Here, each
    statistic is the average over batches of the batch's mean and of its unbiased variance. Dropout
    and noise are off.

    Parameters
    ----------
    discriminator : Discriminator
    batches : iterable of uint8 (B, C, H, W)
        All of one length, so that each image counts as much as any other.
    scale : PixelScale
    device : torch.device, default CPU
        Of the copy.
    """
    network = copy.deepcopy(discriminator).eval().to(device)
    with averaging_batch_norm(network) as is_needed:
        for pixel_BCHW in batches if is_needed else ():
            network(scale.normalize(pixel_BCHW.to(device)))
    return network


def batches_of(dataset: ImageDataset, index_N: NDArray[np.int64]) -> Iterator[Tensor]:
    """The images of some indices, in order, as uint8 (B, C, H, W); the last batch may be short."""
    for start in range(0, len(index_N), BATCH):
        part = index_N[start : start + BATCH]
        yield dataset.take(part, np.full(len(part), 0.5))


class Projection:
    """A fixed random projection, for more features than fit into memory.

    Random signs with density 1/√F (Li, Hastie and Church 2006, "Very sparse random projections"),
    which nearly keep distances (Johnson and Lindenstrauss 1984) at 1/√F of the cost of a Gaussian
    projection.

    Parameters
    ----------
    count : int
        Number of features F.
    kept : int
        Number of features after the projection.
    seed : int
    """

    def __init__(self, count: int, kept: int, seed: int) -> None:
        from sklearn.random_projection import SparseRandomProjection

        self.count, self.kept, self.seed = count, kept, seed
        self._projection = SparseRandomProjection(
            kept, dense_output=True, random_state=seed % 2**32
        ).fit(np.zeros((1, count), np.float32))

    def __call__(self, feature_BF: NDArray[np.float32]) -> NDArray[np.float32]:
        """(B, count) → (B, kept)."""
        projected: NDArray[np.float32] = self._projection.transform(feature_BF)
        return projected


def extract(
    features: FeatureMap,
    dataset: ImageDataset,
    index_N: NDArray[np.int64],
    *,
    projection: Projection | None = None,
    device: torch.device | str = "cpu",
    reporter: Reporter = SILENT,
    activity: str = "features",
) -> NDArray[np.float32]:
    """Features of the images of some indices, float32 (N, F), projected batch by batch."""
    width = features.count if projection is None else projection.kept
    collected = np.empty((len(index_N), width), np.float32)
    done = 0
    for pixel_BCHW in batches_of(dataset, index_N):
        count = len(pixel_BCHW)
        padding = pixel_BCHW.new_zeros(BATCH - count, *pixel_BCHW.shape[1:])
        full_BCHW = torch.cat([pixel_BCHW, padding]).to(device)
        feature_BF = features(full_BCHW)[:count].float().cpu().numpy()
        collected[done : done + count] = projection(feature_BF) if projection else feature_BF
        done += count
        reporter.progress(activity, done, len(index_N))
    return collected


def refuse_too_many(images: int, learned: int, width: int) -> None:
    """Refuse more features than fit into memory, before any is computed.

    Parameters
    ----------
    images : int
        Images whose features are held at once, 4 bytes a number.
    learned : int
        Of these, the images of one fit, :data:`dcgan.probe.svm.BYTES_PER_NUMBER` more a number.
    width : int
        Features of an image.

    Raises
    ------
    DataError
        Names the needed and the free memory, and the arguments that reduce it.
    """
    lacking = shortage(width * (4 * images + BYTES_PER_NUMBER * learned), _MEMORY_SHARE)
    if lacking:
        raise DataError(
            f"a classifier of {learned:,} images with {width:,} features needs {lacking}. Use a"
            " smaller `max_features` or `limit`"
        )
