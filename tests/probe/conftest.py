"""Fixtures of the probe's tests."""

from __future__ import annotations

import numpy as np
import pytest

from dcgan.data import HeldDataset, Labels
from dcgan.probe import Labeled, load_labeled


def labeled(images: np.ndarray, classes: np.ndarray, names: tuple[str, ...]) -> Labeled:
    dataset = HeldDataset(images, labels={"label": Labels(classes, names)})
    return Labeled("toy", dataset, np.arange(len(images)), classes.astype(np.int64), names)


@pytest.fixture(scope="session")
def stripes() -> Labeled:
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
    return labeled(images, classes, ("rows", "columns", "dots"))


@pytest.fixture(scope="session")
def digits(small_run) -> Labeled:
    """The digits as the small run saw them."""
    return load_labeled(small_run, "digits")
