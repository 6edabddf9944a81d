"""The real images nearest to generated ones, to see whether training images were memorized.

N images · P images of a part · C channels · H, W sides
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from dcgan.data import ImageDataset
from dcgan.evaluation.real_images import parts_of, take
from dcgan.runtime.isolation import isolated
from dcgan.runtime.signatures import checked

_COMPARED = 100
"""Real images that a distance is compared with."""


@dataclass(frozen=True)
class Neighbor:
    """The real image nearest to a generated one.

    Parameters
    ----------
    row : int
        Its index in the dataset.
    distance : float
        Root mean squared difference of pixels, where black to white is 1.
    as_near : int
        Real images, of those compared, that are at least as near to another real image. If there
        are hardly any, the generated image may be a copy.
    compared : int
    """

    row: int
    distance: float
    as_near: int
    compared: int


@checked
def nearest_real(
    dataset: ImageDataset, images_NCHW: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest image of a dataset to each image.

    Parameters
    ----------
    dataset : ImageDataset
        Read in parts of bounded size.
    images_NCHW : uint8 (N, C, H, W)

    Returns
    -------
    (int64 (N,), float (N,))
        Its index, and the root mean squared difference of pixels, where black to white is 1; 0
        only for an exact copy.
    """
    return nearest_among(dataset, images_NCHW, np.arange(len(dataset)))


@isolated()
def nearest_among(
    dataset: ImageDataset, images_NCHW: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As :func:`nearest_real`, among the images of a dataset with these numbers."""
    # whole numbers in float64: all sums are exact
    image_NF = images_NCHW.reshape(len(images_NCHW), -1).astype(np.float64)
    square_N1 = np.square(image_NF).sum(axis=1, keepdims=True)
    best_N = np.full(len(image_NF), np.inf)
    nearest_N = np.zeros(len(image_NF), np.int64)
    start = 0
    for part in parts_of(dataset, rows):
        real_PF = part.reshape(len(part), -1).astype(np.float64)
        product_NP = image_NF @ real_PF.T
        distance_NP = square_N1 - 2 * product_NP + np.einsum("pf,pf->p", real_PF, real_PF)
        place_N = distance_NP.argmin(axis=1)
        least_N = np.take_along_axis(distance_NP, place_N[:, None], axis=1)[:, 0]
        is_nearer = least_N < best_N
        best_N[is_nearer], nearest_N[is_nearer] = least_N[is_nearer], start + place_N[is_nearer]
        start += len(part)
    size = prod(images_NCHW.shape[1:])
    return rows[nearest_N], np.sqrt(best_N / size) / 255


def neighbor_of(
    dataset: ImageDataset, image_CHW: NDArray[np.uint8], rows: NDArray[np.int64]
) -> Neighbor:
    """The nearest of some images of a dataset, and how near these are to each other.

    Parameters
    ----------
    dataset : ImageDataset
    image_CHW : uint8 (C, H, W)
    rows : int64 (N,)
        The numbers of the images to search, each once. At most half of them, and at most 100, are
        compared.
    """
    count = min(_COMPARED, len(rows) // 2)
    compared = rows[np.linspace(0, len(rows) - 1, count).astype(int)]
    # searched among the others, so that no image finds itself
    others = np.setdiff1d(rows, compared)
    asked = np.concatenate([image_CHW[None], take(dataset, compared)])
    found, distances = nearest_among(dataset, asked, others)
    row, distance = found[0], distances[0]
    if count:
        (nearest,), (least,) = nearest_among(dataset, image_CHW[None], compared)
        if least < distance:
            row, distance = nearest, least
    return Neighbor(int(row), float(distance), int((distances[1:] <= distance).sum()), count)


def nearest_row(
    dataset: ImageDataset, images_NCHW: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], list[str]]:
    """The real image nearest to each image, (N, C, H, W), and captions with the distance."""
    number_N, distance_N = nearest_real(dataset, images_NCHW)
    return take(dataset, number_N), [f"real, {distance:.3f}" for distance in distance_N]
