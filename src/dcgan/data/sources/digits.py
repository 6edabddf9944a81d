"""Scikit-learn's bundled digits: 1,797 real handwritten digits, 8×8 grey; needs no network."""

from __future__ import annotations

import numpy as np

from dcgan.data.sources.base import ArraySource, Labels


def open_digits() -> ArraySource:
    """The test half of the UCI set "Optical Recognition of Handwritten Digits" (Kaynak 1995).

    Its values are counts of ink from 0 to 16, which become grey values from 0 to 255.
    """
    from sklearn.datasets import load_digits  # slow to import, needed only here

    bunch = load_digits()
    images = (bunch.images * (255 / 16)).round().astype(np.uint8)
    labels = Labels(bunch.target.astype(np.int64), tuple("0123456789"))
    return ArraySource("digits", images, labels={"label": labels})
