"""Fine-tuning against training from scratch on few images.

    python benchmarks/transfer.py OUT [--source cifar10] [--few 500] [--size 32] ...

Trains a generator on CIFAR-10, then on 500 emoji in four ways: from scratch, from the CIFAR-10 run
(`--init`), from it with the first two layers of the discriminator frozen, and from a built-in
model, which has no discriminator. Prints the Fréchet distance after so many images seen,
and copying at the end. Complete runs are not repeated.
"""

from __future__ import annotations

import argparse
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import dcgan

_MARKS = (2_500, 5_000, 10_000, 20_000)
"""Images seen at which arms are compared: each at its last score before."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--source", help="CIFAR-10, its name or a path; without, only the model")
    parser.add_argument("--target", default="emoji-64.zip", help="a zip in the folder of datasets")
    parser.add_argument("--model", default="cifar10-demo", help="a built-in model")
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    asked.out.mkdir(parents=True, exist_ok=True)
    few = part_of(asked.target, asked.few, asked.out)
    shape = {"size": asked.size, "channels": asked.channels}
    arms: dict[str, dict[str, Any]] = {"from scratch": {}}
    if asked.source is not None:
        source = asked.out / "source"
        train(asked.source, source, images=60_000, seed=0, shape=shape)
        arms["from CIFAR-10"] = {"init": source}
        frozen = {"init": source, "settings": {"start": {"freeze_discriminator": 2}}}
        arms["from CIFAR-10, two layers of D frozen"] = frozen
    arms[f"from the generator of `{asked.model}`"] = {"init": asked.model}
    folders: dict[str, list[Path]] = {}
    jobs = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for title, changes in arms.items():
            start = title.replace(" ", "-").replace("`", "").replace(",", "")
            name = f"{few.stem}-{asked.size}-{start}"
            folders[title] = [asked.out / f"{name}-{seed}" for seed in range(asked.seeds)]
            jobs += [
                pool.submit(train, few, out, images=asked.images, seed=seed, shape=shape, **changes)
                for seed, out in enumerate(folders[title])
            ]
        for job in jobs:
            job.result()
    marks = [mark for mark in _MARKS if mark <= asked.images]
    print(f"| start | {' | '.join(f'{mark:,}' for mark in marks)} | distance to training images |")
    print("|---" * (len(marks) + 2) + "|")
    for title, runs in folders.items():
        cells = [f"{median(score_at(run, mark) for run in runs):.3g}" for mark in marks]
        near = median(float(scores_of(run)[-1].signs["distance"]) for run in runs)
        print(f"| {title} | {' | '.join(cells)} | {near:.2f} |")


def train(
    data: str | Path,
    out: Path,
    *,
    images: int,
    seed: int,
    shape: dict[str, int],
    settings: dict[str, Any] | None = None,
    init: str | Path | None = None,
) -> None:
    """One run on one thread, scored every 2,500 images; nothing if it is complete."""
    own = {
        "data": {"channels": shape["channels"]},
        "metrics": {"every": 2_500, "images": 500},
        "records": {"tensorboard": False},
    }
    dcgan.train(
        str(data),
        out=out,
        size=shape["size"],
        images=images,
        seed=seed,
        threads=1,
        precision="fp32",
        init=init,
        settings=own | (settings or {}),
        progress=False,
    )


def part_of(name: str, count: int, out: Path) -> Path:
    """A zip of some images of a dataset, drawn at random with a fixed seed."""
    path = out / f"{count}-of-{name}"
    if not path.exists():
        whole = Path(os.environ["DCGAN_DATA"]) / name
        with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w") as part:
            names = sorted(one for one in archive.namelist() if not one.endswith("/"))
            for place in np.random.default_rng(0).choice(len(names), count, replace=False):
                part.writestr(names[place].replace("/", "-"), archive.read(names[place]))
    return path


def scores_of(run: Path) -> list[Any]:
    from dcgan.runs.folder import RunFolder
    from dcgan.runs.scores import read_scores

    return read_scores(RunFolder(run))


def score_at(run: Path, images: int) -> float:
    """The lowest score up to so many images seen."""
    return min(
        [one.score.value for one in scores_of(run) if one.images <= images + 500],
        default=float("nan"),
    )


if __name__ == "__main__":
    main()
