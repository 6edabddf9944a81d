"""Compare metrics without labels with the Fréchet distance of a classifier, for all checkpoints.

    python benchmarks/metric_candidates.py RUN [RUN ...] [--labels DATA] [--data-root DIR]

Every checkpoint of a run generates 5,000 images. The target is their Fréchet distance to as many
real images on the features of a classifier of the labels (of DATA, if the run's own images are too
few to learn from). Candidates are distances of 2,000 images on two kinds of features without
labels: the fixed random network that training uses today, and a small network that has learned to
tell by how many quarter turns an image was rotated (Gidaris et al. 2018, arXiv:1803.07728). Each is
taken as it is (fd), after whitening by the covariance of the real images (whitened), and as the
share of real images that are not covered (uncovered). Prints for each candidate, and for geometric
means of two and three of them, Spearman's rank correlation with the target over the checkpoints,
and the target of the chosen checkpoint divided by that of the best one. Runs of `health.py` serve.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from dcgan.data import ImageDataset
from dcgan.evaluation.extractors import classes_of
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.classifier_network import Card, Classifier, place
from dcgan.metrics.extractors.classifier_training import fit, row_batches, train_classifier
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.extractors.weights import he_weights, without_weights
from dcgan.metrics.frechet import frechet_distance
from dcgan.metrics.neighbors import density_coverage
from dcgan.runs import open_run
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import open_dataset
from dcgan.runtime.progress import TerminalReporter

TARGET_IMAGES, IMAGES, COVERED = 5_000, 2_000, 1_000
ROTATION_BUDGET, BATCH, RATE = 40_000, 128, 0.05
FEWEST = 10
"""Images of a class; rarer classes are left out of the classifier."""

Features = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--labels", help="a dataset of the same kind with more images")
    parser.add_argument("--data-root", type=Path)
    asked = parser.parse_args()
    for path in asked.runs:
        run = open_run(path)
        dataset = open_dataset(run.folder, run.networks, data_root=asked.data_root)
        labelled = dataset
        if asked.labels:
            labelled = open_dataset(
                run.folder, run.networks, asked.labels, data_root=asked.data_root
            )
        judge = classifier_of(labelled)
        real = take(labelled, chosen_order(len(labelled))[:TARGET_IMAGES])
        reference = take(dataset, chosen_order(len(dataset))[: min(IMAGES, len(dataset) // 2)])
        features = {
            "random": features_of(random_extractor(reference.shape[1], reference.shape[2:])),
            "rotation": rotation_features(take(dataset, chosen_order(len(dataset))[:20_000])),
        }
        real_target = judge(real).values
        target, scores = [], []
        for checkpoint in list_checkpoints(run.folder.checkpoints):
            images = open_run(path, checkpoint=checkpoint.name).sample(TARGET_IMAGES, seed=1)
            target.append(frechet_distance(real_target, judge(images).values))
            scores.append(candidates(features, reference, images[: len(reference)]))
        report(path.name, judge.about, target, scores)


def classifier_of(dataset: ImageDataset) -> Extractor:
    """A classifier of the labels with enough images."""
    found = classes_of(dataset)
    assert found is not None, "the images have no labels: use --labels"
    numbers = found[1].values[dataset.rows(np.arange(len(dataset)))].astype(np.int64)
    counts = np.bincount(numbers)
    kept = np.flatnonzero(counts >= FEWEST)
    rows = np.flatnonzero(np.isin(numbers, kept))
    rows = rows[np.random.default_rng(0).permutation(len(rows))[:60_000]]
    names = [found[1].names[number] for number in kept]
    labels = np.searchsorted(kept, numbers[rows])
    return train_classifier(take(dataset, rows), labels, names, reporter=TerminalReporter())


def features_of(extractor: Extractor) -> Features:
    return lambda images: extractor(images).values


def rotation_features(images: NDArray[np.uint8]) -> Features:
    """Features of a network that has learned to recognize quarter turns; square images only."""
    random = np.random.default_rng(0)
    card = Card(images.shape[1], images.shape[2:], ("0", "90", "180", "270"))
    network = without_weights(lambda: Classifier(card))
    he_weights(network, np.random.Generator(np.random.Philox(0)))
    place(network, torch.device("cpu"))
    steps = ROTATION_BUDGET // BATCH

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rows = np.arange(len(images))
        for chosen in row_batches(rows, steps, BATCH, random, drop_last=False):
            turns = random.integers(0, 4, len(chosen))
            turned = [
                np.rot90(images[row], turn, (1, 2)) for row, turn in zip(chosen, turns, strict=True)
            ]
            yield torch.from_numpy(np.stack(turned)), torch.from_numpy(turns)

    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, weight_decay=5e-4)
    network.train()
    for _ in fit(lambda pixel: network(pixel)[1], optimizer, batches(), torch.device("cpu")):
        pass
    return features_of(Extractor("rotation", network))


def candidates(
    features: dict[str, Features], real: NDArray[np.uint8], images: NDArray[np.uint8]
) -> dict[str, float]:
    """Every candidate's score; lower is better."""
    found = {}
    for name, of in features.items():
        real_NF, generated_NF = of(real), of(images)
        found[f"{name}, fd"] = frechet_distance(real_NF, generated_NF)
        mean_F, whitening_FF = whitening(real_NF.astype(np.float64))
        white = [
            ((one - mean_F) @ whitening_FF).astype(np.float32) for one in (real_NF, generated_NF)
        ]
        found[f"{name}, whitened"] = frechet_distance(*white)
        covered = density_coverage(real_NF[:COVERED], generated_NF[:COVERED]).coverage
        found[f"{name}, uncovered"] = 1 - covered + 1 / COVERED
    return found


def whitening(real_NF: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and inverse square root of the covariance, with a thousandth of its mean added."""
    covariance = np.cov(real_NF.T)
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    return real_NF.mean(axis=0), (vectors / np.sqrt(values)) @ vectors.T


def report(name: str, about: str, target: list[float], scores: list[dict[str, float]]) -> None:
    print(f"\n## {name}: {len(target)} checkpoints, classifier {about}\n")
    print("| metric | rank correlation | chosen / best |\n|---|---|---|")
    for count in (1, 2, 3):
        for combination in combinations(scores[0], count):
            sums = [sum(np.log(score[one]) for one in combination) for score in scores]
            correlation = float(spearmanr(sums, target).statistic)
            chosen = target[int(np.argmin(sums))] / min(target)
            print(f"| {' × '.join(combination)} | {correlation:.3f} | {chosen:.3f} |", flush=True)


if __name__ == "__main__":
    main()
