"""The same images fitted in every way, to choose a fit by looking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from dcgan.data.dataset import cut
from dcgan.data.image_view import View
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.quality.evidence import spread_evenly
from dcgan.data.sources.base import Source
from dcgan.errors import UnreadableImage
from dcgan.vocabulary import Fit

_CROPS = 2
"""Random crops differ each time an image is shown: so many are shown here."""


def spread_in_aspect(by_aspect: Sequence[int], most: int = 10) -> list[int]:
    """Up to ``most`` of the images, evenly from the narrowest to the widest.

    >>> spread_in_aspect([7, 3, 5, 9, 1], 3)
    [7, 5, 1]
    """
    return [by_aspect[place] for place in spread_evenly(len(by_aspect), most)]


def fit_choices(
    source: Source,
    indices: Sequence[int],
    size: tuple[int, int],
    channels: int,
    values: Values = UNKNOWN,
) -> dict[str, NDArray[np.uint8]]:
    """What a network would see of some images, uint8 (N, C, H, W) for each way of fitting.

    ``cover-random`` comes twice, with different random crops. Unreadable images are skipped. See
    :class:`dcgan.data.image_view.View`.
    """
    random = np.random.default_rng(0)
    shown: dict[str, list[NDArray[np.uint8]]] = {}
    for how in get_args(Fit):
        view = View(size, channels, how, values=values)
        for index in indices:
            try:
                pixels = view.of(source, index)
            except UnreadableImage:
                continue
            if not view.is_ragged:
                shown.setdefault(how, []).append(pixels)
                continue
            for epoch in range(1, _CROPS + 1):
                cropped = cut(pixels, view.shape, random.random())
                shown.setdefault(f"{how}, in epoch {epoch}", []).append(cropped)
    return {caption: np.stack(images) for caption, images in shown.items()}
