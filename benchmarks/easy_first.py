"""The first epoch in order of difficulty: images close to the mean of their class come first.

A curriculum (Bengio et al. 2009). The distance is that of thumbnails of 8×8 pixels. Within a tenth
of the images, the order is random; from the second epoch on, all of it is.

N images
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from time_to_quality import take
from torch.nn.functional import adaptive_avg_pool2d

from dcgan.data import ImageDataset, loader
from dcgan.training import api

_SIDE, _LEVELS, _PART = 8, 10, 1000


def difficulty(dataset: ImageDataset) -> NDArray[np.int64]:
    """Levels of all images, (N,), from 0; each has about a tenth of every class."""
    count = len(dataset)
    parts = []
    for start in range(0, count, _PART):
        index = np.arange(start, min(start + _PART, count))
        pixel_NCHW = torch.from_numpy(take(dataset, index)).float()
        parts.append(adaptive_avg_pool2d(pixel_NCHW, _SIDE).flatten(1).numpy())
    feature_NF = np.concatenate(parts)
    class_N = dataset.labels["label"].values[dataset.rows(np.arange(count))]
    level_N = np.zeros(count, np.int64)
    for number in np.unique(class_N):
        index_n = np.flatnonzero(class_N == number)
        centered_nF = feature_NF[index_n] - feature_NF[index_n].mean(axis=0)
        rank_n = np.argsort(np.argsort(np.linalg.norm(centered_nF, axis=1)))
        level_N[index_n] = rank_n * _LEVELS // len(index_n)
    return level_N


@contextmanager
def easy_first() -> Iterator[None]:
    """Runs within see the images in this order."""
    build, order = api.build_dataset, loader.epoch_order
    level_N = np.zeros(0, np.int64)

    def build_dataset(*arguments: Any) -> ImageDataset:
        nonlocal level_N
        dataset = build(*arguments)
        level_N = difficulty(dataset)
        return dataset

    def epoch_order(seed: int, epoch: int, count: int, run: int = 1) -> NDArray[np.int64]:
        index_N = order(seed, epoch, count, run)
        if epoch > 0 or count != len(level_N):
            return index_N
        return index_N[np.argsort(level_N[index_N], kind="stable")]

    with (
        patch.object(api, "build_dataset", build_dataset),
        patch.object(loader, "epoch_order", epoch_order),
    ):
        yield
