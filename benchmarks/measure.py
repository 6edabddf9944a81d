"""Test whether the cheap metric during training chooses the same checkpoint as the expensive one.

For every checkpoint of a finished run, computes both distances with the `random` extractor on 2,000
images, and the Fréchet distance with a classifier of the images' labels on more. Prints Spearman's
rank correlation over the checkpoints, and the score of the chosen checkpoint next to the best one.
Last, times `dcgan evaluate` on 10,000 images with everything cached that can be.

    python benchmarks/measure.py RUN [DATA] [--data-root DIR] [--images 5000]
"""

from __future__ import annotations

import argparse
import platform
import time
from datetime import UTC, datetime
from pathlib import Path

import torch
from scipy.stats import spearmanr

from dcgan.evaluation.evaluate_runs import evaluate
from dcgan.evaluation.extractors import open_extractor
from dcgan.evaluation.real_features import real_features
from dcgan.evaluation.real_images import chosen_order
from dcgan.metrics.frechet import Moments, frechet_distance
from dcgan.metrics.kernel import squared_mmd
from dcgan.runs import open_run
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.dataset import open_dataset
from dcgan.runtime.progress import TerminalReporter

CHEAP = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--images", type=int, default=5_000)
    asked = parser.parse_args()
    first = open_run(asked.run)
    dataset = open_dataset(first.folder, first.networks, asked.data, data_root=asked.data_root)
    cheap = open_extractor("random", dataset)
    dear = open_extractor("classifier", dataset, reporter=TerminalReporter())
    rows = chosen_order(len(dataset))[: asked.images]
    real_cheap = real_features(dataset, rows[:CHEAP], cheap).values
    real_dear = Moments.of(real_features(dataset, rows, dear).values)
    found = []
    for path in list_checkpoints(first.folder.checkpoints):
        images = open_run(asked.run, checkpoint=path.name).sample(asked.images, seed=1)
        drawn = cheap(images[:CHEAP]).values
        found.append(
            (
                int(path.name),
                squared_mmd(real_cheap, drawn),
                frechet_distance(Moments.of(real_cheap), Moments.of(drawn)),
                frechet_distance(real_dear, Moments.of(dear(images).values)),
            )
        )
        print("{:>9,} {:10.5f} {:10.4f} {:10.4f}".format(*found[-1]), flush=True)
    report(asked, found, f"{cheap.label} and {dear.label} ({dear.about})")
    took = seconds_to_evaluate(asked)
    print(f"`dcgan evaluate` of 10,000 images, the second time: {took:.0f} s")


def report(
    asked: argparse.Namespace, found: list[tuple[int, float, float, float]], on: str
) -> None:
    """The page's part on one run."""
    print(f"\n## {asked.run.name}: {len(found)} checkpoints\n")
    print(
        f"{datetime.now(UTC):%Y-%m-%d} · {platform.machine()}, {torch.get_num_threads()} threads,"
    )
    print(f"torch {torch.__version__} · {on}\n")
    truth = [row[3] for row in found]
    best = min(found, key=lambda row: row[3])
    print("| during training | rank correlation | later half | chosen checkpoint | FD | best FD |")
    print("|---|---|---|---|---|---|")
    half = len(found) // 2
    for column, name in ((1, "kernel distance"), (2, "Fréchet distance")):
        values = [row[column] for row in found]
        picked = min(found, key=lambda row: row[column])
        whole = spearmanr(values, truth).statistic
        late = spearmanr(values[half:], truth[half:]).statistic
        print(
            f"| {name}, random, n = {CHEAP:,} | {whole:.2f} | {late:.2f} | {picked[0]:,} |"
            f" {picked[3]:.3f} | {best[3]:.3f} at {best[0]:,} |"
        )


def seconds_to_evaluate(asked: argparse.Namespace) -> float:
    """Of a second call: the first trains the classifier and caches features of real images."""
    for _ in range(2):
        began = time.perf_counter()
        evaluate([open_run(asked.run)], asked.data, data_root=asked.data_root)
        took = time.perf_counter() - began
    return took


if __name__ == "__main__":
    main()
