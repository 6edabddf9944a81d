"""An estimate with its standard error, and the checks that all metrics share.

N images · C channels · H, W sides · F features
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dcgan.errors import DataError
from dcgan.runtime.wording import counted

FeatureArray: TypeAlias = NDArray[np.floating[Any]]
"""Features (N, F) of any precision; every metric computes in float64."""


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error, in the same unit.

    Parameters
    ----------
    value : float
    error : float
        NaN if it is unknown.
    """

    value: float
    error: float

    @classmethod
    def of_mean(cls, values: NDArray[np.float64]) -> Self:
        """The mean of values (N,), and their standard deviation (divisor N - 1) divided by √N."""
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))


def check_features(*, least: int = 1, **sets: FeatureArray) -> None:
    """Raise ``DataError`` for features that no metric can be computed on.

    These are arrays of another number of axes, without features, with NaN or infinity, with fewer
    than ``least`` images, or sets of different width. ``sets`` (N, F) have the names that errors
    use.
    """
    for name, features in sets.items():
        _refuse_no_array(name, features)
        if features.ndim != 2 or features.shape[1] == 0:
            raise DataError(
                f"{name}: the shape is {features.shape}, but must be (images, features). Flatten"
                " the other axes into the second"
            )
        if len(features) < least:
            raise DataError(
                f"{name}: {counted(len(features), 'image')}; at least {least} are needed. Add more"
            )
        if not np.isfinite(features).all():
            raise DataError(
                f"{name}: the features contain NaN or infinity. Check the images and the weights"
                " of the feature extractor"
            )
    widths = {name: features.shape[1] for name, features in sets.items()}
    if len(set(widths.values())) > 1:
        shown = ", ".join(f"{name} has {width}" for name, width in widths.items())
        raise DataError(f"different numbers of features: {shown}. Use one extractor for all")


def check_images(*, least_side: int, **sets: NDArray[np.uint8]) -> None:
    """Raise ``DataError`` for images that no metric can be computed on.

    These are arrays of another type or number of axes, without images, with a side below
    ``least_side`` pixels, or sets of different shape. ``sets`` are uint8 (N, C, H, W) and have the
    names that errors use.
    """
    for name, images in sets.items():
        _refuse_no_array(name, images)
        if images.dtype != np.uint8 or images.ndim != 4:
            raise DataError(
                f"{name}: {images.dtype} of shape {images.shape}, but must be uint8 of shape"
                " (images, channels, height, width). Denormalize first"
            )
        if images.size == 0:
            raise DataError(f"{name}: no images; at least 1 is needed. Add some")
        if min(images.shape[2:]) < least_side:
            raise DataError(
                f"{name}: images of {images.shape[2]}x{images.shape[3]} pixels; each side needs at"
                f" least {least_side}. Use larger images"
            )
    shapes = {name: images.shape[1:] for name, images in sets.items()}
    if len(set(shapes.values())) > 1:
        shown = ", ".join(f"{name} has {shape}" for name, shape in shapes.items())
        raise DataError(f"images of different shapes: {shown}. Convert them to one size and mode")


def _refuse_no_array(name: str, value: object) -> None:
    if not isinstance(value, np.ndarray):
        kind = type(value).__name__
        raise DataError(f"{name}: of type {kind}. Use a NumPy array, such as numpy.array({name})")
