"""The discriminator's layers as features, and the one loop that collects features of any kind.

N pictures · B batch · C channels · H, W sides · F features
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
from dcgan.runtime.device import no_tf32, poolable
from dcgan.runtime.memory import available_memory, in_words
from dcgan.runtime.reporting import SILENT, Reporter

GRID = 4
"""Every layer is max-pooled to 4×4 (Radford et al. 2016, section 5.1)."""

BATCH = 256
"""Pictures per pass. Always exactly so many: kernels are chosen by batch size and round
differently, and a picture's features must not depend on what lies beside it."""

_MEMORY_SHARE = 0.7
"""Of the memory that is free, what features may take; solving takes copies of small parts."""


class FeatureMap(Protocol):
    """Pictures to features: uint8 (B, C, H, W) → float (B, count)."""

    @property
    def count(self) -> int:
        """F."""

    @property
    def about(self) -> str:
        """What they are, in a few words."""

    def __call__(self, pixel_BCHW: Tensor) -> Tensor:
        """The features of some pictures."""


class LayerFeatures:
    """All convolutional layers of a discriminator, max-pooled to 4×4, flattened, concatenated.

    Radford et al. 2016 (arXiv:1511.06434), section 5.1. A layer is a ``conv`` row of the table
    with all that follows its convolution (norm, activation). Two kinds of rows are none: the one
    that gives the logit, and any from the first ``minibatch_stddev`` on, whose numbers depend on
    the pictures beside. A side that 4 does not divide is pooled in windows of unequal size
    (``adaptive_max_pool2d``); one below 4 stays as it is.

    Parameters
    ----------
    discriminator : Discriminator
        Its batch norm statistics must be those of real pictures: see :func:`with_statistics_of`.
    layers : sequence of Layer
        Its table.
    scale : PixelScale
        By which the run turns pixels into numbers.

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
                "this discriminator has no convolutional layer before its logit, so there are no"
                " features to probe; take a run whose table has conv rows"
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
        found = []
        with no_tf32():
            hidden = self._scale.normalize(pixel_BCHW)
            for row, block in enumerate(self._blocks):
                hidden = block(hidden)
                if row in self._rows:
                    grid = (min(hidden.shape[2], GRID), min(hidden.shape[3], GRID))
                    found.append(adaptive_max_pool2d(poolable(hidden), grid).flatten(1))
        return torch.cat(found, dim=1)


def feature_rows(layers: Sequence[Layer], shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """Which rows of a discriminator's table give features, counted from 0."""
    alone = next((row for row, layer in enumerate(layers) if layer.minibatch_stddev), len(layers))
    return [
        row
        for row, (layer, shape) in enumerate(zip(layers[:alone], shapes, strict=False))
        if layer.operation == "conv" and prod(shape) > 1
    ]


@torch.no_grad()
def with_statistics_of(
    discriminator: Discriminator, batches: Iterable[Tensor], scale: PixelScale
) -> Discriminator:
    """A copy, in evaluation mode, whose batch norm statistics are those of some pictures.

    What was gathered in training mixes real and generated pictures, and many sets of weights.
    Here each statistic is the plain average over batches, of the batch's mean and of its unbiased
    variance; dropout and noise are off, and no label is used. Without batch norm it is a copy.

    Parameters
    ----------
    discriminator : Discriminator
    batches : iterable of uint8 (B, C, H, W)
    scale : PixelScale
    """
    network = copy.deepcopy(discriminator).eval()
    device = next(network.parameters()).device
    with averaging_batch_norm(network) as is_needed:
        for pixel_BCHW in batches if is_needed else ():
            network(scale.normalize(pixel_BCHW.to(device)))
    return network


def batches_of(dataset: ImageDataset, index_N: NDArray[np.int64]) -> Iterator[Tensor]:
    """Pictures by number, in order, uint8 (B, C, H, W), the last batch as long as what is left."""
    for start in range(0, len(index_N), BATCH):
        part = index_N[start : start + BATCH]
        yield dataset.take(part, np.full(len(part), 0.5))


class Projection:
    """A fixed random projection, where features would be too many to hold.

    Signs with density 1/√F (Li, Hastie and Church 2006, "Very sparse random projections"), which
    keeps distances about as they are (Johnson and Lindenstrauss 1984) at 1/√F of the cost of a
    Gaussian one.

    Parameters
    ----------
    count : int
        F.
    kept : int
        Features that come out.
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
    """Features of pictures by number, float32 (N, F); only one batch is ever held unprojected."""
    width = features.count if projection is None else projection.kept
    collected = np.empty((len(index_N), width), np.float32)
    done = 0
    for pixel_BCHW in batches_of(dataset, index_N):
        count = len(pixel_BCHW)
        missing = pixel_BCHW.new_zeros(BATCH - count, *pixel_BCHW.shape[1:])
        whole_BCHW = torch.cat([pixel_BCHW, missing]).to(device)
        found = features(whole_BCHW)[:count].float().cpu().numpy()
        collected[done : done + count] = found if projection is None else projection(found)
        done += count
        reporter.progress(activity, done, len(index_N))
    return collected


def refuse_too_many(images: int, width: int) -> None:
    """Refuse features that would not fit into memory, before any is computed.

    Raises
    ------
    DataError
        With what is needed, what is free, and which options make it less.
    """
    needed, free = 4 * images * width, available_memory()
    if free is not None and needed > _MEMORY_SHARE * free:
        raise DataError(
            f"{width:,} features of {images:,} images take {in_words(needed)}, more than"
            f" {_MEMORY_SHARE:.0%} of the {in_words(free)} that are free; take a smaller"
            " --max-features or --limit"
        )
