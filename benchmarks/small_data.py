"""Train recipes on a thousand images, and score how much variety they keep and whether they copy.

    python benchmarks/small_data.py cifar10 CONTESTANT [CONTESTANT ...] --minutes 20
        [--images 1000] [--seeds 0 1 2] [--threads 2] [--data-root DIR] [--results DIR]

The images are a random part of the dataset, and as many others are held out. Contestants are those
of `contestants.yaml`; each trains on these images only. The distance and the shares of classes
compare samples with the whole dataset on the features of a classifier, as in `time_to_quality.py`.
Copies are searched among the training images, as in `dcgan evaluate`.

Prints a Markdown table of all results: median of the seeds, minimum and maximum in parentheses, and
the scores of real images in the column heads. ``--minutes 0`` only prints the table.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from quality_table import spread, table
from time_to_quality import HERE, Contestant, Measuring, Task, contestants, open_data

import dcgan
from dcgan.config import merge
from dcgan.data import ImageDataset
from dcgan.evaluation.real_images import chosen_order, take
from dcgan.metrics.score import Score
from dcgan.render.sheet import pillow_image, save_image, sheet

_BRIEF = {"records": {"tensorboard": False, "sheets": 1}}


def write_images(dataset: ImageDataset, index: NDArray[np.int64], folder: Path) -> Path:
    """PNG files in one folder."""
    folder.mkdir(parents=True)
    for number, pixel_CHW in zip(index, take(dataset, index), strict=True):
        save_image(pillow_image(pixel_CHW), folder / f"{number:06}.png")
    return folder


def learn(
    name: str, asked: Contestant, task: Task, count: int, measure: Measuring, results: Path
) -> None:
    """Train one contestant on some images, and write its scores."""
    path = results / f"{name}-{task.seed}.json"
    if path.exists():
        print(f"{path} is there already", flush=True)
        return
    whole = open_data(task)
    order = chosen_order(len(whole))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        known = write_images(whole, order[:count], folder / "known")
        others = write_images(whole, order[count : 2 * count], folder / "others")
        run = dcgan.train(
            str(known),
            recipe=asked.recipe,
            out=folder / "run",
            seed=task.seed,
            minutes=task.seconds / 60,
            settings=merge(_BRIEF, asked.settings),
        )
        found = {"contestant": name, "seed": task.seed, "pictures": count}
        for checkpoint in ("best", "last"):
            opened = dcgan.open_run(run.path, checkpoint=checkpoint)
            evaluation = opened.evaluate(
                images=count, held_out=str(others), extractor="random"
            ).to_json()
            found[checkpoint] = {
                "images_seen": opened.images_seen,
                **measure(lambda number, opened=opened: opened.sample(number, seed=1)),
                "copying": evaluation["copying"],
                "scores": evaluation["scores"],
            }
            save_image(
                sheet(opened.sample(100, seed=1)), path.with_name(f"{path.stem}-{checkpoint}.png")
            )
    found |= {
        "minutes": task.seconds / 60,
        "settings": {"recipe": asked.recipe, **asked.settings},
        "floor": measure.floor,
        "extractor": f"{measure.extractor.label} ({measure.extractor.about})",
        "date": f"{date.today()}",
        "torch": torch.__version__,
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(
        f"{name} {task.seed}: FD {found['best']['fd']:.2f}, {found['last']['fd']:.2f}", flush=True
    )


_SHOWN = {
    "recall": ("recall", ".2f"),
    "MS-SSIM": ("ms_ssim", ".3f"),
    "duplicates": ("duplicate_rate", ".1%"),
    "repeats": ("repeat_rate", ".1%"),
    "copying test": ("copying_test", ".2f"),
}
"""Column → metric of ``dcgan evaluate``, and its number format."""


def summary(results: Path, checkpoint: str = "last") -> str:
    """A row for each contestant, over its seeds."""
    runs: dict[str, list[dict[str, Any]]] = {}
    baselines: dict[str, float] = {}
    for path in sorted(results.glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        found = run[checkpoint] | {"seed": run["seed"]}
        found |= {"rarest": min(found["shares"]), "commonest": max(found["shares"])}
        scores = [Score.from_json(one) for one in found["scores"]]
        baselines |= {one.metric: one.baseline or 0.0 for one in scores}
        found["scores"] = {one.metric: one.value for one in scores}
        runs.setdefault(run["contestant"], []).append(found)
    columns = {"images_seen": ",.0f", "fd": ".2f", "rarest": ".1%", "commonest": ".1%"}
    head = ["contestant", "seeds", "images", "FD", "rarest class", "most frequent class"]
    head += [f"{name} ({baselines[key]:{form}})" for name, (key, form) in _SHOWN.items()]
    rows = [
        [
            f"`{name}`",
            " ".join(str(one["seed"]) for one in found),
            *(spread((one[key] for one in found), form) for key, form in columns.items()),
            *(spread((one["scores"][key] for one in found), form) for key, form in _SHOWN.values()),
        ]
        for name, found in runs.items()
    ]
    return table(head, rows)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="mnist, or cifar10")
    parser.add_argument("names", nargs="+", metavar="CONTESTANT")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--source", help="images in place of the named dataset")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "small")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    listed = contestants(asked.data)
    folder = asked.results / f"{asked.data}-{asked.images}"
    folder.mkdir(parents=True, exist_ok=True)
    measure = None
    for seed in asked.seeds if asked.minutes else ():
        for name in asked.names:
            task = Task(asked.source or asked.data, asked.data_root, seed, 60 * asked.minutes, 0)
            measure = measure or Measuring(open_data(task))
            learn(name, listed[name], task, asked.images, measure, folder)
    print(summary(folder))


if __name__ == "__main__":
    main()
