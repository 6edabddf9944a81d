"""Clusters of similar images as classes, for images without labels.

After self-conditioned GANs (Liu et al. 2020, arXiv:2006.10728), which cluster features of the
discriminator again and again. Here, k-means finds the clusters once, before training, by pixels;
features of a pretrained network gain no more (benchmarks/search.md).

N images · F features
"""

from __future__ import annotations

from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch.nn.functional import adaptive_avg_pool2d

from dcgan.config import RunConfig, with_settings
from dcgan.data import ImageDataset
from dcgan.data.dataset import DecodedDataset
from dcgan.data.labels import Labels
from dcgan.errors import ConfigError, DataError
from dcgan.runs.folder import RunFolder
from dcgan.runtime.files import written_whole
from dcgan.runtime.tensors import load_tensors, save_tensors
from dcgan.vocabulary import CLUSTERS

_MOST, _IMAGES_OF_CLUSTER = 40, 50
"""Clusters, and how many images they have at least, on average."""

_SIDE = 16
"""Of the thumbnails that are compared."""

_COMPONENTS = 64
"""Principal components of thumbnails that k-means sees."""

_LOOKED_AT, _ROUNDS = 20_000, 30
"""Images that the centers are computed from, and rounds of k-means."""

_NAME = "cluster"
"""Of the only tensor in a stored file: uint8 (N,)."""


def refuse_no_clusters(count: int) -> None:
    """Raise ConfigError if there are too few images for clusters."""
    fewest = 2 * _IMAGES_OF_CLUSTER
    if count < fewest:
        raise ConfigError(
            "model.condition",
            CLUSTERS,
            f"needs {fewest} images or more; there are {count}. Use `model.condition=none`",
        )


def resolve_clusters(
    config: RunConfig, dataset: ImageDataset, folder: RunFolder, *, is_choice: bool
) -> tuple[RunConfig, str | None]:
    """Label each image with its cluster: that of the run in the folder, if there is one.

    K-means rounds differently on other machines, so a resumed run reads what it began with.

    Parameters
    ----------
    is_choice : bool
        Whether ``auto`` chose clusters. Then the run learns none where all images would have to be
        decoded for them, or where they are all alike.

    Returns
    -------
    (RunConfig, str or None)
        The configuration, and what to say.

    Raises
    ------
    ConfigError
        There are too few images, or too few different ones.
    DataError
        The stored clusters are damaged.
    """
    if folder.config.exists():
        label_clusters(dataset, _stored(folder, len(dataset)))
        return config, None
    without = with_settings(config, {"model": {"condition": None}})
    if is_choice and not isinstance(dataset, DecodedDataset):
        return without, "learns no clusters, as images are decoded while training"
    cluster_N = find_clusters(dataset)
    count = int(cluster_N.max()) + 1
    if count < 2:
        if is_choice:
            return without, "learns no clusters, as all images are alike"
        raise ConfigError(
            "model.condition",
            CLUSTERS,
            "finds only one cluster, as all images are alike. Use `model.condition=none`",
        )
    label_clusters(dataset, cluster_N)
    return config, f"learns {count} clusters of similar images"


def label_clusters(dataset: ImageDataset, cluster_N: NDArray[np.uint8]) -> None:
    """Label each image with the number of its cluster, counted from 0."""
    row_N = dataset.rows(np.arange(len(dataset)))
    value_M = np.zeros(row_N.max() + 1, np.uint8)
    value_M[row_N] = cluster_N
    names = tuple(f"cluster-{number + 1}" for number in range(int(cluster_N.max()) + 1))
    dataset.labels[CLUSTERS] = Labels(value_M, names)


def clusters_of(dataset: ImageDataset) -> NDArray[np.uint8]:
    """The number of each image's cluster, (N,), as :func:`label_clusters` takes it."""
    cluster_N: NDArray[np.uint8] = dataset.labels[CLUSTERS].values[
        dataset.rows(np.arange(len(dataset)))
    ]
    return cluster_N


def find_clusters(dataset: ImageDataset) -> NDArray[np.uint8]:
    """Sort images into clusters by k-means, the largest cluster first.

    Returns
    -------
    uint8 (N,)
        Numbers from 0; up to 40 clusters, of 50 images or more on average.
    """
    from scipy.cluster.vq import kmeans2

    refuse_no_clusters(len(dataset))
    thumbnail_NF = _thumbnails(dataset)
    some = dataset.spread_indices(_LOOKED_AT)
    mean_F = thumbnail_NF[some].mean(axis=0)
    _, axis_FF = np.linalg.eigh(np.cov(thumbnail_NF[some], rowvar=False))
    component_NF = (thumbnail_NF - mean_F) @ axis_FF[:, -_COMPONENTS:].astype(np.float32)
    different = len({thumbnail_F.tobytes() for thumbnail_F in thumbnail_NF[some]})
    count = min(_MOST, len(dataset) // _IMAGES_OF_CLUSTER, different)
    with catch_warnings():
        simplefilter("ignore")  # of clusters that become empty, which are left out below
        center_KF, _ = kmeans2(component_NF[some], count, minit="++", iter=_ROUNDS, rng=0)
    distance_NK = torch.cdist(torch.from_numpy(component_NF), torch.from_numpy(center_KF))
    nearest_N = distance_NK.argmin(dim=1).numpy()
    present, number_N, size_K = np.unique(nearest_N, return_inverse=True, return_counts=True)
    place_K = np.empty(len(present), np.uint8)
    place_K[np.argsort(-size_K, kind="stable")] = np.arange(len(present))
    return place_K[number_N]


def store_clusters(dataset: ImageDataset, folder: RunFolder) -> None:
    """Write the clusters into a run folder, for later starts."""
    with written_whole(folder.clusters) as path:
        cluster_N = torch.from_numpy(clusters_of(dataset))
        save_tensors({_NAME: cluster_N}, path, shown=folder.clusters)


def _stored(folder: RunFolder, count: int) -> NDArray[np.uint8]:
    try:
        cluster_N = load_tensors(folder.clusters)[_NAME].numpy()
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(
            f"{folder.clusters}: missing or damaged ({error}). Choose another `out`"
        ) from error
    if cluster_N.shape != (count,) or cluster_N.dtype != np.uint8:
        raise DataError(f"{folder.clusters}: not of these images. Choose another `out`")
    return cluster_N


def _thumbnails(dataset: ImageDataset) -> NDArray[np.float32]:
    parts = (part.astype(np.float32) for part in dataset.spread(len(dataset)))
    small = [adaptive_avg_pool2d(torch.from_numpy(part), _SIDE).flatten(1) for part in parts]
    return torch.cat(small).numpy()
