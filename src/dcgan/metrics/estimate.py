"""What measures share: the sets they take, and what they give where a number has an error.

N images · C channels · H, W sides · F features
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError

FeatureArray: TypeAlias = NDArray[np.floating[Any]]
"""Features (N, F) of any precision; every measure computes in float64."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, in the same unit.

    Parameters
    ----------
    value : float
    error : float
        NaN where the images at hand allow no estimate of it.
    """

    value: float
    error: float


def check_features(*, least: int = 1, **sets: FeatureArray) -> None:
    """Refuse sets of features on which a measure would fail or mislead.

    Parameters
    ----------
    least : int
        How many rows each must have.
    **sets : (N, F)
        By the name that an error shall give them.

    Raises
    ------
    DataError
        For another number of axes, too few rows, no columns, NaN or infinity, or sets of
        different width.
    """
    for name, features in sets.items():
        if features.ndim != 2 or features.shape[1] == 0:
            raise DataError(
                f"{name}: features of shape {features.shape}, but (images, features) is needed:"
                " flatten other axes into the second"
            )
        if len(features) < least:
            raise DataError(
                f"{name}: {len(features)} images, but at least {least} are needed: give more"
            )
        if not np.isfinite(features).all():
            raise DataError(
                f"{name}: features hold NaN or infinity: check the images, and the weights of"
                " the network that made them"
            )
    widths = {name: features.shape[1] for name, features in sets.items()}
    if len(set(widths.values())) > 1:
        found = ", ".join(f"{width} of {name}" for name, width in widths.items())
        raise DataError(f"sets differ in features per image ({found}): use one extractor for all")


def check_images(*, least_side: int, **sets: NDArray[np.uint8]) -> None:
    """Refuse sets of images on which a measure would fail or mislead.

    Parameters
    ----------
    least_side : int
        Of height and width, in pixels.
    **sets : uint8 (N, C, H, W)
        By the name that an error shall give them.

    Raises
    ------
    DataError
        For another type or number of axes, no images, a side below the least, or sets of
        different shape.
    """
    for name, images in sets.items():
        if images.dtype != np.uint8 or images.ndim != 4:
            raise DataError(
                f"{name}: {images.dtype} of shape {images.shape}, but uint8 of shape (images,"
                " channels, height, width) is needed: denormalise first"
            )
        if images.size == 0:
            raise DataError(f"{name}: no images: give at least one")
        if min(images.shape[2:]) < least_side:
            raise DataError(
                f"{name}: {images.shape[2]}x{images.shape[3]} pixels, but no side may be below"
                f" {least_side}: use larger images"
            )
    shapes = {name: images.shape[1:] for name, images in sets.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{shape} of {name}" for name, shape in shapes.items())
        raise DataError(f"sets differ in shape ({found}): fit them to one size and colour mode")
