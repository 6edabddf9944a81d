"""Compare metrics without labels with the Fréchet distance of a classifier, for all checkpoints.

    python benchmarks/metric_candidates.py RUN [RUN ...] [--data-root DIR] [--without DIR]

Every checkpoint of a run generates 5,000 images. The target is their Fréchet distance to as many
real images on the features of a classifier that was trained on labels of such images (of shapes:
by shape, angle and size; with only the shape, the classifier accepts blots). Candidates are the
distances that training would compute, of up to 2,000 images, on features without labels: `random`,
`pretrained`, and, with DIR, `pretrained` trained without this dataset, by `pretrained_extractor.py
--without NAME` as DIR/without-NAME.safetensors. For each candidate, prints Spearman's rank
correlation with the target over the checkpoints, and the target of the checkpoint that it chooses,
divided by that of the best one. In the last column, the candidate is the same target with another
classifier, of another seed: no metric can be expected to agree better. Runs of `health.py` serve.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pretrained_extractor import read_as
from safetensors.torch import load_file
from scipy.stats import spearmanr

from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.classifier_training import train_classifier
from dcgan.metrics.extractors.pretrained import PretrainedConvolutions, pretrained_extractor
from dcgan.metrics.extractors.random_network import random_extractor
from dcgan.metrics.frechet import frechet_distance
from dcgan.runs import open_run
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import open_dataset

TARGET_IMAGES, IMAGES, JUDGE_BUDGET = 5_000, 2_000, 150_000
FEWEST = 20
"""Images of a class; rarer classes are left out of the classifier."""

KINDS = {
    "digits": "mnist",  # no part of the training images, but similar ones
    "mnist": "mnist",
    "cifar": "cifar10",
    "emoji": "emoji",
    "shapes": "shapes",
}
"""By the beginning of a run's name: which dataset the third candidate must not have seen."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--without", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| run | checkpoints | random | pretrained | without this kind | other classifier |")
    print("|---|---|---|---|---|---|", flush=True)
    for path in asked.runs:
        kind = next(one for one in KINDS if path.name.startswith(one))
        run = open_run(path)
        channels, *size = run.networks.image_shape
        dataset = open_dataset(run.folder, run.networks, data_root=asked.data_root)
        order = chosen_order(len(dataset))
        real, reference = (
            take(dataset, order[: min(count, most)])
            for count, most in ((TARGET_IMAGES, len(order)), (IMAGES, len(order) // 2))
        )
        judges = [judge(kind, channels, size[0], asked.data_root, seed) for seed in (0, 1)]
        candidates = [
            random_extractor(channels, (size[0], size[1])),
            pretrained_extractor(channels, (size[0], size[1])),
        ]
        if asked.without:
            candidates.append(trained_without(asked.without / f"without-{KINDS[kind]}.safetensors"))
        of_real = features(judges, real) + features(candidates, reference)
        scores = []
        checkpoints = list_checkpoints(run.folder.checkpoints)
        for checkpoint in checkpoints:
            images = open_run(path, checkpoint=checkpoint.name).sample(TARGET_IMAGES, seed=1)
            found = features(judges, images) + features(candidates, images[: len(reference)])
            scores.append([frechet_distance(*pair) for pair in zip(of_real, found, strict=True)])
        target, other, *columns = np.array(scores).T
        cells = [agreement(one, target) for one in (*columns, other)]
        print(f"| {path.name} | {len(checkpoints)} | {' | '.join(cells)} |", flush=True)


def features(
    extractors: Sequence[Extractor], images: NDArray[np.uint8]
) -> list[NDArray[np.float32]]:
    return [extractor(images).values for extractor in extractors]


def agreement(score_N: NDArray[np.float64], target_N: NDArray[np.float64]) -> str:
    correlation = float(spearmanr(score_N, target_N).statistic)
    return f"{correlation:.2f}, {target_N[score_N.argmin()] / target_N.min():.2f}"


@cache
def judge(kind: str, channels: int, side: int, root: Path, seed: int) -> Extractor:
    """A classifier of such images."""
    name = "digits" if kind == "digits" else KINDS[kind]
    images, classes = read_as(name, root, side, channels, is_fine=True)
    kept = np.flatnonzero(np.bincount(classes)[classes] >= FEWEST)
    kept = np.random.default_rng(0).permutation(kept)[:50_000]
    names, label_N = np.unique(classes[kept], return_inverse=True)
    return train_classifier(
        images[kept],
        label_N,
        [str(one) for one in names],
        seed=seed,
        budget=JUDGE_BUDGET,
        shifted=name != "shapes",
    )


def trained_without(path: Path) -> Extractor:
    network = PretrainedConvolutions()
    network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return Extractor(path.stem, network)


if __name__ == "__main__":
    main()
