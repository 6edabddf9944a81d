"""The same pictures fitted in every way, to choose by looking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import damage_named
from dcgan.data.pixels.fit import cover, fit
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage
from dcgan.vocabulary import Fit

_SHOWINGS = 2
"""Random covers differ each time that a picture is shown: so many times here."""


def spread_in_aspect(by_aspect: Sequence[int], most: int = 10) -> list[int]:
    """Up to ``most`` of the pictures, evenly from the narrowest to the widest.

    >>> spread_in_aspect([7, 3, 5, 9, 1], 3)
    [7, 5, 1]
    """
    places = np.linspace(0, len(by_aspect) - 1, min(most, len(by_aspect))).round().astype(int)
    return [by_aspect[place] for place in places]


def fit_choices(
    source: Source,
    indices: Sequence[int],
    size: tuple[int, int],
    channels: int,
    values: Values = UNKNOWN,
) -> dict[str, NDArray[np.uint8]]:
    """What a network would see of some pictures, by way of fitting, uint8 (N, C, H, W) each.

    ``cover-random`` comes twice, with other random cuts.

    Parameters
    ----------
    source : Source
    indices : sequence of int
    size : (height, width)
    channels : 1 to 4
    values : Values
        See :func:`dcgan.data.pixels.color.to_channels`.
    """
    random = np.random.default_rng(0)
    shown: dict[str, list[NDArray[np.uint8]]] = {}
    for index in indices:
        try:
            with damage_named():
                image = to_channels(source.read(index), channels, values=values)
        except UnreadableImage:
            continue
        for how in get_args(Fit):
            if how == "cover-random":
                for showing in range(1, _SHOWINGS + 1):
                    cut = _random_cut(cover(image, size), size, random)
                    shown.setdefault(f"{how}, showing {showing}", []).append(_pixels(cut))
            else:
                fitted = fit(image, size, cast(Fit, how))
                shown.setdefault(how, []).append(_pixels(fitted))
    return {caption: np.stack(images) for caption, images in shown.items()}


def _random_cut(
    image: Image.Image, size: tuple[int, int], random: np.random.Generator
) -> Image.Image:
    top = int(random.integers(image.height - size[0] + 1))
    left = int(random.integers(image.width - size[1] + 1))
    return image.crop((left, top, left + size[1], top + size[0]))


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
