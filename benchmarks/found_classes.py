"""Classes for images without labels, by k-means: a self-conditioned GAN.

After Liu et al. 2020 (arXiv:2006.10728), who cluster features of the discriminator while it
trains. Here the classes are found once, before training. The features are pixels, shrunk to sides
of 14 or 16; those of the pretrained extractor; or those of a file that `pretrained_extractor.py`
has written, if the environment variable FROZEN_WEIGHTS names one.

N images · F features
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from frozen_features import extractor_weights
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from time_to_quality import take
from torch.nn.functional import adaptive_avg_pool2d

from dcgan.data import ImageDataset
from dcgan.data.labels import Labels
from dcgan.metrics.extractors.pretrained import PretrainedConvolutions
from dcgan.training import api

_COMPONENTS, _SIDE, _PART = 64, 16, 1000


def found_classes(
    dataset: ImageDataset, index_N: NDArray[np.int64], count: int, *, by_pixels: bool
) -> NDArray[np.int64]:
    """A class for each of some images, (N,)."""
    parts = []
    extractor = None if by_pixels else PretrainedConvolutions()
    if extractor is not None:
        extractor.load_state_dict(extractor_weights(os.environ.get("FROZEN_WEIGHTS")))
    for start in range(0, len(index_N), _PART):
        pixel_NCHW = torch.from_numpy(take(dataset, index_N[start : start + _PART])).float()
        if extractor is None:
            side = _SIDE if pixel_NCHW.shape[-1] % _SIDE == 0 else pixel_NCHW.shape[-1] // 2
            parts.append(adaptive_avg_pool2d(pixel_NCHW, side).flatten(1).numpy())
        else:
            with torch.inference_mode():
                parts.append(extractor(pixel_NCHW).numpy())
    feature_NF = np.concatenate(parts)
    feature_NF -= feature_NF.mean(axis=0)
    _, axes_FF = np.linalg.eigh(feature_NF.T @ feature_NF)
    _, class_N = kmeans2(feature_NF @ axes_FF[:, -_COMPONENTS:], count, minit="++", iter=30, rng=0)
    return class_N.astype(np.int64)


@contextmanager
def clusters(count: int, *, by_pixels: bool, of_each_class: bool = False) -> Iterator[None]:
    """Runs within learn found classes in place of the labels ``label`` of their images.

    Or, ``of_each_class``, ``count`` parts of each class.
    """
    build = api.build_dataset

    def with_found(*arguments: Any) -> ImageDataset:
        dataset = build(*arguments)
        rows = dataset.rows(np.arange(len(dataset)))
        labels = dataset.labels.get("label")
        given_N = labels.values[rows] if labels and of_each_class else np.zeros(len(rows), np.int64)
        number_N = np.zeros(len(rows), np.int64)
        for given in np.unique(given_N):
            index_n = np.flatnonzero(given_N == given)
            found_n = found_classes(dataset, index_n, count, by_pixels=by_pixels)
            number_N[index_n] = given * count + found_n
        values = np.zeros(rows.max() + 1, np.int64)
        values[rows] = number_N
        dataset.labels = {"label": Labels(values, tuple(map(str, range(number_N.max() + 1))))}
        return dataset

    with patch.object(api, "build_dataset", with_found):
        yield
