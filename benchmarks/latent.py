"""Test the commands for latent space on datasets where the right result is known.

    python benchmarks/latent.py shapes RUN [--checkpoint last] [--data-root DIR]
    python benchmarks/latent.py mnist RUN [--checkpoint last] [--data-root DIR]

Takes a run trained on `shapes` or on MNIST, and prints Markdown tables: what each direction
changes, how often arithmetic and its controls give the expected result, and for how many samples
`invert` finds the latent. Sizes, positions, slants and strokes are measured on pixels. A color is
the palette's nearest to the mean of the foreground. Classifiers read only shapes and digits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

import dcgan
from dcgan.data.sources.shapes import COLORS, SHAPES
from dcgan.evaluation.extractors import classes_of
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.latent.appearance import APPEARANCES, foreground
from dcgan.latent.arithmetic import Concept, combine, in_pixels
from dcgan.latent.choice import Choice
from dcgan.latent.direction_search import from_samples
from dcgan.latent.directions import moved
from dcgan.latent.forget import forget
from dcgan.latent.invert import invert
from dcgan.latent.inverted_images import own_samples, relative_errors
from dcgan.latent.labeling import Reader
from dcgan.runs.dataset import open_dataset
from dcgan.runtime.progress import TerminalReporter

FOUND_WITH, MEASURED_WITH = Choice(seed=0), Choice(seed=1)
SAMPLES, TRIALS, POOL = 1000, 200, 6000

Images = NDArray[np.uint8]
Shown = Mapping[str, NDArray[np.float64]]


def show_shapes(reader: Reader, images: Images) -> Shown:
    """Every property of each image of `shapes`: measured ones, and each class as 0 or 1."""
    front = foreground(images)
    weight = np.maximum(front.sum(axis=(1, 2)), 1e-6)
    mean = (images * front[:, None]).sum(axis=(2, 3)) / weight[:, None]
    palette = np.array(list(COLORS.values()))
    nearest = ((mean[:, None] - palette) ** 2).sum(axis=2).argmin(axis=1)
    shape = reader.probabilities(images, "shape").argmax(axis=1)
    return {
        "size": np.sqrt(APPEARANCES["area"](images)),
        "x": APPEARANCES["x"](images),
        "y": APPEARANCES["y"](images),
        **{name: (nearest == k).astype(float) for k, name in enumerate(COLORS)},
        **{name: (shape == k).astype(float) for k, name in enumerate(SHAPES)},
    }


def show_digits(reader: Reader, images: Images) -> Shown:
    """Slant, stroke, position, area and the most likely digit."""
    digit = reader.probabilities(images, "label").argmax(axis=1)
    names = ("slant", "stroke", "x", "y", "area")
    return {**{name: APPEARANCES[name](images) for name in names}, "digit": digit.astype(float)}


def lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def directions(
    run: dcgan.Run, reader: Reader, concepts: Mapping[str, str], is_digits: bool
) -> Iterator[str]:
    """What changes from -1 to +1 standard deviation along each direction."""
    show = show_digits if is_digits else show_shapes
    space = run.networks.latent
    latent_NZ = MEASURED_WITH.latents(run, 0, SAMPLES)
    still = show(reader, run.generate(latent_NZ))
    measured = [name for name in still if name != "digit" and len(np.unique(still[name])) > 2]
    classes = [name for name in still if name not in measured and name != "digit"]
    yield "Change from -1 to +1 standard deviation along each direction. Measured properties: in"
    yield "standard deviations of the property among samples. Classes: in percentage points.\n"
    rows = []
    for name, concept in concepts.items():
        found = from_samples(run, name, concept, reader, FOUND_WITH, least=0)
        score = next(iter(found.measured.items()))
        ends = [
            show(reader, run.generate(moved(space, latent_NZ, [(found.vector_D, by)])))
            for by in (-1.0, 1.0)
        ]
        row = [f"{name} ({score[0]} {score[1]:.2f})"]
        row += [f"{(ends[1][m] - ends[0][m]).mean() / still[m].std():+.2f}" for m in measured]
        row += [f"{100 * (ends[1][c] - ends[0][c]).mean():+.0f}" for c in classes]
        if is_digits:
            kept = np.mean([(end["digit"] == still["digit"]).mean() for end in ends])
            row.append(f"{kept:.0%}")
        rows.append(row)
    yield lines(["direction", *measured, *classes, *(["digit kept"] if is_digits else [])], rows)


def arithmetic(run: dcgan.Run, reader: Reader) -> Iterator[str]:
    """How often red circle − red + blue is a blue circle, with different exemplars each time."""
    space, random = run.networks.latent, np.random.default_rng(0)
    latent_NZ = MEASURED_WITH.latents(run, 0, POOL)
    images = run.generate(latent_NZ)
    shown = show_shapes(reader, images)
    has = {name: shown[name] > 0 for name in ("red", "blue", "circle")}
    yield f"{(has['blue'] & has['circle']).mean():.1%} of samples are blue circles.\n"

    def share(drawn: Images) -> list[str]:
        found = show_shapes(reader, drawn)
        blue, circle = found["blue"] > 0, found["circle"] > 0
        return [f"{rate.mean():.0%}" for rate in (blue & circle, blue, circle)]

    rows = []
    for count in (1, 3, 10, 30):
        sums, starts, in_pixel = [], [], []
        for _ in range(TRIALS):
            pools = (has["red"] & has["circle"], has["red"], has["blue"])
            chosen = [random.choice(np.flatnonzero(pool), count, replace=False) for pool in pools]
            concepts = [
                Concept(sign, "", (), latent_NZ[place])
                for sign, place in zip((1, -1, 1), chosen, strict=True)
            ]
            sums.append(combine(space, concepts))
            starts.append(combine(space, concepts[:1]))
            in_pixel.append(in_pixels([images[place] for place in chosen], (1, -1, 1)))
        drawn = {
            "red circle - red + blue": run.generate(torch.stack(sums)),
            "the same sum of pixels": np.stack(in_pixel),
            "red circle alone": run.generate(torch.stack(starts)),
        }
        rows += [[f"{count}", name, *share(found)] for name, found in drawn.items()]
    yield lines(["exemplars", "generated from", "blue circles", "blue", "circles"], rows)


def inversion(run: dcgan.Run) -> Iterator[str]:
    """For how many samples of the run the latent is found, with what error and in what time."""
    latent_NZ, drawn = own_samples(run, 100, MEASURED_WITH)
    rows = []
    for name, images in (("not rounded", drawn), ("rounded to 255 steps", run.generate(latent_NZ))):
        began = time.perf_counter()
        found = invert(run, images)
        seconds = (time.perf_counter() - began) / len(images)
        off = relative_errors(run.networks.latent, found.latent_NZ, latent_NZ)
        rows.append(
            [
                name,
                f"{(off < 0.01).float().mean():.0%}",
                f"{off.median():.1g}",
                f"{np.median(found.error_N):.1g}",
                f"{seconds:.2f}",
            ]
        )
    errors = ["median error of the latent", "median error of pixels"]
    yield lines(["images", "latents found", *errors, "seconds per image"], rows)


def real_digits(run: dcgan.Run, reader: Reader, root: str | None) -> Iterator[str]:
    """Error of real images, and whether they keep their digit, for several weights."""
    dataset = open_dataset(run.folder, run.networks, "mnist:test", data_root=root)
    chosen = chosen_order(len(dataset))[:100]
    real = take(dataset, chosen)
    known = classes_of(dataset)
    assert known is not None
    label = np.asarray(known[1].values)[chosen]
    rows = []
    for features, prior in ((0.0, 0.0), (0.0, 3e-3), (0.0, 3e-2), (3e-3, 3e-3), (3e-2, 3e-3)):
        found = invert(run, real, features=features, prior=prior, starts=2)
        digit = reader.probabilities(run.generate(found.latent_NZ), "label").argmax(axis=1)
        noise = found.latent_NZ[:, : run.networks.latent.dim]
        length = (noise.square().mean(dim=1).sqrt()).median()
        rows.append(
            [
                f"{features:g}",
                f"{prior:g}",
                f"{found.error_N.mean():.3f}",
                f"{(digit == label).mean():.0%}",
                f"{length:.2f}",
            ]
        )
    weights = ["weight of discriminator features", "weight of the prior"]
    yield lines([*weights, "error of pixels", "digit kept", "length"], rows)


def forgetting(run: dcgan.Run, reader: Reader, concepts: Sequence[str]) -> Iterator[str]:
    """Share of samples that show a class before and after its feature maps are switched off."""
    rows = []
    for concept in concepts:
        for row in range(1, len(run.generator.shapes)):
            found = forget(run, reader, FOUND_WITH, reads=concept, row=row, least=0)
            off = found.probe.drawing()
            rows.append(
                [
                    concept,
                    f"{row}",
                    f"{found.probe.accuracy:.2f}",
                    f"{off.sum()} of {len(off)}",
                    *(f"{share:.0%}" for share in found.shares.values()),
                ]
            )
    shares = ["share before", "share after", "share with random maps off"]
    yield lines(["class", "layer", "accuracy", "maps off", *shares], rows)


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=["shapes", "mnist"])
    parser.add_argument("run")
    parser.add_argument("--checkpoint", default="best")
    parser.add_argument("--data-root", default=None)
    asked = parser.parse_args()
    run = dcgan.open_run(asked.run, checkpoint=asked.checkpoint)
    reader = Reader(run, data=asked.data, data_root=asked.data_root, reporter=TerminalReporter())
    is_digits = asked.data == "mnist"
    if is_digits:
        concepts = {name: name for name in ("slant", "stroke")}
        parts = [
            directions(run, reader, concepts, is_digits=True),
            inversion(run),
            real_digits(run, reader, asked.data_root),
            forgetting(run, reader, ["label=1", "label=7"]),
        ]
    else:
        concepts = {name: name for name in ("size", "x", "y")}
        concepts |= {name: f"color={name}" for name in COLORS}
        concepts |= {name: f"shape={name}" for name in SHAPES}
        parts = [
            directions(run, reader, concepts, is_digits=False),
            arithmetic(run, reader),
            inversion(run),
            forgetting(run, reader, ["color=red", "color=blue", "shape=circle"]),
        ]
    for part in parts:
        for line in part:
            print(line, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
