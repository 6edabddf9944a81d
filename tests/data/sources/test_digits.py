"""The built-in digits: all of them, with the labels they show."""

from __future__ import annotations

import numpy as np
from tests.tiny_images import read_all

from dcgan.data import open_source


def test_the_built_in_digits_are_1797_in_ten_balanced_classes():
    source = open_source("digits")
    assert len(source) == 1797
    labels = source.labels["label"]
    assert labels.names == tuple("0123456789")
    counts = np.bincount(labels.values, minlength=10)
    assert counts.min() > 170
    assert counts.max() < 190


def test_they_are_what_scikit_learn_gives():
    from sklearn.datasets import load_digits

    bunch, source = load_digits(), open_source("digits")
    np.testing.assert_array_equal(read_all(source), np.round(bunch.images * 255 / 16))
    np.testing.assert_array_equal(source.labels["label"].values, bunch.target)


def test_they_are_light_strokes_on_black_over_the_whole_range():
    images = read_all(open_source("digits"))
    assert images.shape == (1797, 8, 8)
    assert images[:, :, 0].mean() < 5  # the left margin is empty
    ink = np.arange(17)  # what the original counts
    np.testing.assert_array_equal(np.unique(images), np.round(ink * 255 / 16))


def test_the_digits_are_those_of_their_labels():
    """The mean zero has a hole, the mean one has none."""
    source = open_source("digits")
    images, values = read_all(source), source.labels["label"].values
    hole = images[:, 3:5, 3:5].mean(axis=(1, 2))
    assert hole[values == 0].mean() < 50 < 200 < hole[values == 1].mean()
