"""Collect what `classics.sh` has trained: pictures for `docs/classics.md`, and a table of scores.

    python benchmarks/classics.py OUT

Copies sheets, curves and gradients of each run to `docs/images/classics/`, and the closed circle;
prints one line of Markdown for each run. Plots and gray sheets have 64 colors, which does not show.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from PIL import Image

import dcgan
from dcgan.runs import Run

PICTURES = Path(__file__).parents[1] / "docs" / "images" / "classics"

EPOCHS = {
    "small-mnist": (10, 50),
    "small-mnist-spatial-latent": (10, 50),
    "mlp-mnist": (10, 50),
    "wide-mnist": (1, 2),
    "collapse": (1, 2),
}
"""After which epochs a sheet is shown; of other runs, only that of the end."""

_WIDEST = 900


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    PICTURES.mkdir(parents=True, exist_ok=True)
    print(
        "| run | dataset | images seen | epochs | time | Fréchet distance | real images | verdict |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for done in sorted(out.glob("*.done")):
        run = dcgan.open_run(out / done.stem)
        copy_pictures(run, done.stem)
        print(row(run, done.stem))
    for circle in out.glob("circle.gif"):
        shutil.copyfile(circle, PICTURES / circle.name)


def copy_pictures(run: Run, name: str) -> None:
    """Sheets, and both plots."""
    folder, count = run.folder, images_of(run)
    sheets = {int(path.stem): path for path in folder.sheets()}
    wanted = {f"epoch-{epoch}": epoch * count for epoch in EPOCHS.get(name, ())}
    for label, images in (wanted or {"end": max(sheets)}).items():
        nearest = min(sheets, key=lambda seen: abs(seen - images))
        picture = opened(sheets[nearest])
        if picture.mode == "L":
            save(picture, f"{name}-{label}")
        else:
            picture.save(PICTURES / f"{name}-{label}.webp", quality=90, method=6)
    save(opened(folder.curves), f"{name}-curves")
    save(opened(folder.gradients), f"{name}-gradients")


def opened(path: Path) -> Image.Image:
    """The picture of a file, gray or RGB, shrunk if it is too wide for a page."""
    with Image.open(path) as image:
        picture = image.convert("RGB" if image.mode not in {"L", "RGB"} else image.mode)
    if picture.width <= _WIDEST:
        return picture
    height = round(picture.height * _WIDEST / picture.width)
    return picture.resize((_WIDEST, height), Image.Resampling.LANCZOS)


def save(picture: Image.Image, name: str) -> None:
    picture.quantize(64).save(PICTURES / f"{name}.png", optimize=True)


def row(run: Run, name: str) -> str:
    """One line of the table."""
    last = run.log()[-1]
    stored = json.loads(run.folder.provenance.read_text(encoding="utf-8"))
    files = sorted(run.folder.evaluations.glob("[0-9]*.json"))
    scores = json.loads(files[-1].read_text(encoding="utf-8"))["scores"] if files else []
    distance = next((one for one in scores if one["metric"] == "frechet_distance"), None)
    numbers = f"{distance['value']:.3g} | {distance['baseline']:.2g}" if distance else "- | -"
    epochs = last["images"] / images_of(run)
    return (
        f"| {name} | {Path(stored['data']['source']).name} | {last['images']:,} | {epochs:.3g} |"
        f" {last['seconds'] / 60:.0f} min | {numbers} | {run.health().verdict.split('. ')[0]} |"
    )


def images_of(run: Run) -> int:
    """Images in the dataset."""
    return int(json.loads(run.folder.provenance.read_text(encoding="utf-8"))["data"]["count"])


if __name__ == "__main__":
    main()
