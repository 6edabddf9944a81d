"""Concepts by what classifiers see: words, probabilities, and measured factors by their eighths."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dcgan.data import Labels
from dcgan.errors import ConfigError, DataError
from dcgan.latent import labeling
from dcgan.latent.appearance import slant
from dcgan.latent.labeling import Reader
from dcgan.metrics.extractor import Features

VALUES = np.linspace(2, 6, 400)
FACTORS = {
    "shape": Labels(np.arange(400) % 2, ("circle", "square")),
    "color": Labels(np.arange(400) % 3, ("red", "green", "blue")),
    "edge": Labels(np.arange(400) % 2, ("red", "black")),
    "smiling": Labels(np.arange(400) % 2, ("no", "yes")),
    "hat": Labels(np.arange(400) % 2, ("no", "yes")),
    "size": Labels(VALUES),
    "flat": Labels(np.ones(400)),
}


@pytest.fixture
def taught(monkeypatch):
    """Which classifiers were asked for; each reads its class off an image's first pixels."""
    asked = []

    def classifier(dataset, factor, labels, *, device, shifted, brief, reporter):
        asked.append((factor, labels))
        assert brief
        assert shifted == (factor in FACTORS and bool(FACTORS[factor].names))

        def read(images):
            probabilities = images.reshape(len(images), -1)[:, : len(labels.names)] / 100
            return Features(
                np.zeros((len(images), 1), np.float32), probabilities.astype(np.float32)
            )

        return read

    monkeypatch.setattr(labeling, "factor_classifier", classifier)
    return asked


def reader_of(labels):
    reader = Reader(SimpleNamespace(path="runs/x", device="cpu"))
    reader.__dict__["dataset"] = SimpleNamespace(labels=labels)
    return reader


@pytest.fixture
def reader(taught):
    return reader_of(FACTORS)


@pytest.mark.parametrize(
    ("concept", "conditions"),
    [
        ("shape=square", [("shape", 1)]),
        ("color=red + shape=circle", [("color", 0), ("shape", 0)]),
        ("smiling", [("smiling", 1)]),
        ("smiling=no", [("smiling", 0)]),
        ("green", [("color", 1)]),
        ("black+hat", [("edge", 1), ("hat", 1)]),
    ],
)
def test_concepts_are_read_by_factor_class_or_attribute(reader, concept, conditions):
    assert reader.conditions(concept) == conditions


@pytest.mark.parametrize("concept", ["salt+pepper", "label=salt+pepper"])
def test_the_name_of_a_class_may_hold_a_plus(concept):
    reader = reader_of({"label": Labels(np.arange(4) % 2, ("salt", "salt+pepper"))})
    assert reader.conditions(concept) == [("label", 1)]


@pytest.mark.parametrize(
    ("concept", "word"),
    [
        ("shap=square", "did you mean 'shape'"),
        ("shape=sqare", "did you mean 'square'"),
        ("purple", "no such class"),
        ("red", "color=red or edge=red"),
        ("yes", "several factors"),
        ("size", "no such class"),
        ("size=3", "no such factor"),
        ("", "no such class"),
    ],
)
def test_a_concept_that_is_none_is_refused_with_what_there_is(reader, concept, word):
    with pytest.raises(ConfigError, match=word):
        reader.conditions(concept)


def test_images_without_labels_send_to_numbers():
    with pytest.raises(DataError, match=r"3,17,40"):
        reader_of({}).conditions("7")
    with pytest.raises(DataError, match="no labels"):
        reader_of({"size": Labels(VALUES)}).conditions("7")


def test_appearances_are_read_without_the_images(monkeypatch):
    def gone(*_, **__):
        raise DataError("moved away")

    monkeypatch.setattr("dcgan.latent.labeling.open_dataset", gone)
    reader = Reader(SimpleNamespace(folder=None, networks=None))
    assert reader.is_measured("brightness")
    images = np.array([[[[0]]], [[[255]]]], np.uint8)
    dark, light = reader.values(images, "brightness")
    assert dark < light
    with pytest.raises(DataError, match="moved away"):
        reader.is_measured("size")


def test_agreement_is_the_least_sure_condition(reader, taught):
    images = np.array([[[[90, 10, 0]]], [[[20, 80, 0]]]], np.uint8)
    assert reader.agreement(images, [("shape", 0), ("color", 1)]).tolist() == pytest.approx(
        [0.1, 0.2]
    )
    assert [factor for factor, _ in taught] == ["shape", "color"]
    reader.agreement(images, [("shape", 1)])
    assert len(taught) == 2  # each is trained once


def test_a_measured_factor_is_read_by_the_means_of_its_eighths(reader, taught):
    assert reader.is_measured("size")
    assert not reader.is_measured("shape")
    assert not reader.is_measured("weight")
    images = np.zeros((3, 1, 1, 8), np.uint8)
    images[0, 0, 0, 0] = images[1, 0, 0, 7] = 100
    images[2, 0, 0, 3:5] = 50
    low, high, middle = reader.values(images, "size")
    assert low == pytest.approx(VALUES[:50].mean())
    assert high == pytest.approx(VALUES[350:].mean())
    assert middle == pytest.approx(4, abs=0.02)
    ((_, labels),) = taught
    assert np.bincount(labels.values).tolist() == [50] * 8
    assert labels.names[0] == "2 to 2.5"


def test_a_factor_with_one_value_cannot_grow(reader):
    with pytest.raises(DataError, match="the same value"):
        reader.values(np.zeros((1, 1, 1, 8), np.uint8), "flat")


def test_a_factor_with_few_values_has_fewer_parts(taught):
    few = reader_of({"count": Labels(np.repeat([1, 2, 3], 100))})
    found = few.values(np.full((1, 1, 1, 8), 50, np.uint8), "count")
    assert found.item() == pytest.approx(0.5 * (1 + 2.5), abs=0.01)


def test_appearances_need_no_labels_and_give_way_to_them(reader):
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8), dtype=np.uint8)
    plain = reader_of({})
    assert plain.is_measured("slant")
    assert not plain.is_measured("size")
    np.testing.assert_allclose(plain.values(images, "slant"), slant(images))
    assert not reader_of({"slant": FACTORS["hat"]}).is_measured("slant")
    assert reader.is_measured("size")
