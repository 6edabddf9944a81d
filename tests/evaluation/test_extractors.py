"""Classifiers that only label samples are trained briefly, unless there is a better one."""

from __future__ import annotations

import numpy as np
import pytest
from tests.conftest import Notes

from dcgan.data import Labels, load_dataset, open_items
from dcgan.evaluation import extractors
from dcgan.evaluation.extractors import factor_classifier, open_extractor
from dcgan.metrics.extractors import classifier_training


@pytest.fixture
def dataset(monkeypatch, tmp_path):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(extractors, "_BRIEF", 256)
    monkeypatch.setattr(classifier_training, "_FEWEST_SEEN", 512)
    monkeypatch.setattr(classifier_training, "_MOST_EPOCHS", 1)
    random = np.random.default_rng(0)
    items = [
        (random.integers(0, 200 + 5 * (number % 2), (16, 16), dtype=np.uint8), number % 2)
        for number in range(60)
    ]
    return load_dataset(open_items(items), (16, 16), 1)


def trained(dataset, **how):
    """What was said to be trained, for a factor."""
    said = Notes()
    factor_classifier(dataset, "label", dataset.labels["label"], reporter=said, **how)
    return [line.split(": ")[1].split(",")[0] for line in said if "once" in line]


def test_what_only_reads_is_trained_briefly_and_once(dataset):
    assert trained(dataset, brief=True) == ["256 images"]
    assert trained(dataset, brief=True) == []
    assert trained(dataset) == ["512 images"]


def test_a_classifier_has_the_names_that_classes_have_now(dataset):
    labels = dataset.labels["label"]
    for names in (("dgo", "cat"), ("dog", "cat")):
        extractor = factor_classifier(dataset, "label", Labels(labels.values, names))
        assert extractor.classes == names


def test_what_scores_labels_too(dataset):
    assert trained(dataset) == ["512 images"]
    assert trained(dataset, brief=True) == []
    assert trained(dataset, brief=True, shifted=False) == ["256 images"]


def items(apart: int, count: int = 200):
    """Images of two classes, brighter by so much."""
    random = np.random.default_rng(0)
    return [
        (random.integers(0, 100, (16, 16), dtype=np.uint8) + np.uint8(apart * (n % 2)), n % 2)
        for n in range(count)
    ]


@pytest.mark.parametrize("wanted", ["auto", "classifier"])
def test_a_classifier_that_learned_nothing_is_not_used(dataset, wanted):
    said = Notes()
    unlike = load_dataset(open_items(items(120)), (16, 16), 1)
    alike = load_dataset(open_items(items(0)), (16, 16), 1)
    assert open_extractor(wanted, unlike, reporter=said).name == "classifier"
    assert not any("pretrained" in line for line in said)
    assert open_extractor(wanted, alike, reporter=said).name == "pretrained"
    assert "not clearly more than always choosing the most frequent class (50.0%)" in said[-1]


@pytest.mark.parametrize("wanted", ["auto", "classifier"])
def test_no_classifier_is_trained_that_cannot_be_shown_to_be_better_than_guessing(dataset, wanted):
    said = Notes()
    rare = [(image, int(place < 12)) for place, (image, _) in enumerate(items(0, 300))]
    unequal = load_dataset(open_items(rare), (16, 16), 1)
    assert open_extractor(wanted, unequal, reporter=said).name == "pretrained"
    assert said == [
        "using the feature extractor pretrained: 96.0% of the images are of the class 0. With 30"
        " held-out images, even a perfect classifier cannot be shown to be better than always"
        " choosing it"
    ]
