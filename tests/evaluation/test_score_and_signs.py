"""Vital signs have one meaning, whichever features the score is computed on."""

from __future__ import annotations

import numpy as np

from dcgan.data import load_dataset, open_source
from dcgan.evaluation.score_and_signs import ScoreAndSigns
from dcgan.metrics.extractors.pretrained import pretrained_extractor
from dcgan.metrics.extractors.random_network import random_extractor


def test_signs_do_not_depend_on_the_extractor_of_the_score():
    dataset = load_dataset(open_source("digits"), (16, 16), 1)
    noise = np.random.default_rng(0).integers(0, 256, (150, 1, 16, 16), dtype=np.uint8)
    found = {
        of.name: ScoreAndSigns("frechet", of, dataset, 150, seed=0).of([noise[:64], noise[64:]])
        for of in (random_extractor(1, (16, 16)), pretrained_extractor(1, (16, 16)))
    }
    (random, random_signs), (pretrained, pretrained_signs) = found.values()
    assert random_signs == pretrained_signs
    assert random.value != pretrained.value
    assert pretrained.extractor.startswith("pretrained:")


def test_the_score_is_that_of_all_images():
    """More than those whose vital signs are looked at."""
    dataset = load_dataset(open_source("digits"), (16, 16), 1)
    images = np.random.default_rng(1).integers(0, 256, (1_100, 1, 16, 16), dtype=np.uint8)
    images[1_000:] = 0
    compare = ScoreAndSigns("frechet", random_extractor(1, (16, 16)), dataset, 800, seed=0)
    whole, _ = compare.of(np.split(images, 11))
    part, _ = compare.of(np.split(images[:1_000], 10))
    assert whole.value != part.value
    assert whole.generated == 1_100
