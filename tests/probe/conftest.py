"""Fixtures of the probe's tests."""

from __future__ import annotations

import numpy as np
import pytest

from dcgan.data import HeldDataset, Labels
from dcgan.probe import Labelled, load_labelled


def labelled(images: np.ndarray, classes: np.ndarray, names: tuple[str, ...]) -> Labelled:
    dataset = HeldDataset(images, labels={"label": Labels(classes, names)})
    return Labelled("toy", dataset, np.arange(len(images)), classes.astype(np.int64), names)


@pytest.fixture(scope="session")
def stripes() -> Labelled:
    """600 pictures of 16x16: noise with bright rows, bright columns or neither, anywhere."""
    random = np.random.default_rng(0)
    images = random.integers(0, 120, (600, 1, 16, 16), dtype=np.uint8)
    classes = np.arange(600) % 3
    for image, number in zip(images, classes, strict=True):
        lines = random.permutation(16)[:4]
        if number == 0:
            image[0, lines, :] = 230
        elif number == 1:
            image[0, :, lines] = 230
        else:
            places = random.permutation(256)[:64]
            image[0].reshape(-1)[places] = 230
    return labelled(images, classes, ("rows", "columns", "dots"))


@pytest.fixture(scope="session")
def digits(small_run) -> Labelled:
    """The digits as the small run saw them."""
    return load_labelled(small_run, "digits")
