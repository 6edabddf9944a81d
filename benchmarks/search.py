"""What each choice in a recipe buys: one change at a time, for equally many images.

    python benchmarks/search.py mnist VARIANT [VARIANT ...] --images 150000
        [--seeds 0] [--threads 1] [--data-root DIR] [--results DIR]

Variants are named in `variants.yaml`: settings on top of a recipe. Each trains once, to the end of
its schedule, and is measured as in `time_to_quality.py`. The cost is the process's CPU time, which
other work on the machine disturbs less than the clock on the wall. Each variant and seed writes one
JSON file and one sheet; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import resource
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import yaml
from time_to_quality import HERE, Contestant, Measuring, Task, open_data

import dcgan
from dcgan.config import merge
from dcgan.render.sheet import save_image, sheet

_BRIEF = {
    "records": {"tensorboard": False, "sheets": 1, "keep": 1},
    "metrics": {"measure": "off"},
}


def variants(data: str) -> dict[str, Contestant]:
    """All that `variants.yaml` names for a data set."""
    listed = yaml.safe_load((HERE / "variants.yaml").read_text(encoding="utf-8"))[data]
    return {
        name: Contestant(**{"recipe": "auto", **(asked or {})}) for name, asked in listed.items()
    }


def processor_seconds() -> float:
    """Of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def try_one(
    name: str, asked: Contestant, task: Task, images: int, measure: Measuring, results: Path
) -> None:
    """Train one variant with one seed, and write what it reached."""
    path = results / f"{name}-{task.seed}.json"
    if path.exists():
        return
    with TemporaryDirectory() as folder:
        began = processor_seconds()
        run = dcgan.train(
            task.source,
            recipe=asked.recipe,
            out=Path(folder) / "run",
            seed=task.seed,
            data_root=task.root,
            settings=merge(_BRIEF, merge({"length": {"images": images}}, asked.settings)),
        )
        spent = processor_seconds() - began
        last = dcgan.open_run(run.path, checkpoint="last")
        found = {
            "variant": name,
            "seed": task.seed,
            "settings": {"recipe": asked.recipe, **asked.settings},
            "images": last.images_seen,
            "cpu_seconds": round(spent, 1),
            "wall_seconds": run.log()[-1]["seconds"],
            **measure(lambda count: last.sample(count, seed=1)),
            "floor": measure.floor,
            "extractor": f"{measure.extractor.label} ({measure.extractor.about})",
            "date": f"{date.today()}",
            "torch": torch.__version__,
        }
        save_image(sheet(last.sample(100, seed=1)), path.with_suffix(".png"))
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{name} {task.seed}: FD {found['fd']:.3f}, {spent:.0f} s", flush=True)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="mnist, or cifar10")
    parser.add_argument("names", nargs="+", metavar="VARIANT")
    parser.add_argument("--images", type=int, default=150_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--results", type=Path, default=HERE / "results" / "search")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    listed = variants(asked.data)
    folder = asked.results / f"{asked.data}-{asked.images}"
    folder.mkdir(parents=True, exist_ok=True)
    measure = None
    for seed in asked.seeds:
        for name in asked.names:
            task = Task(asked.data, asked.data_root, seed, 0, 0)
            measure = measure or Measuring(open_data(task))
            try_one(name, listed[name], task, asked.images, measure, folder)


if __name__ == "__main__":
    main()
