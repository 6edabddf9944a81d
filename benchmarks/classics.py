"""Collect what `classics.sh` has trained: pictures for `docs/classics.md`, and a table of scores.

    python benchmarks/classics.py OUT

Copies, for each run, sheets, curves and gradients to `docs/images/classics/`, in 64 colors, and the
closed circle; prints one line of Markdown for each run.
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
        copy(sheets[nearest], f"{name}-{label}.png")
    copy(folder.curves, f"{name}-curves.png")
    copy(folder.gradients, f"{name}-gradients.png")


def copy(path: Path, name: str) -> None:
    with Image.open(path) as image:
        picture = image.convert("RGB" if image.mode not in {"L", "RGB"} else image.mode)
    if picture.width > _WIDEST:
        height = round(picture.height * _WIDEST / picture.width)
        picture = picture.resize((_WIDEST, height), Image.Resampling.LANCZOS)
    picture.quantize(64).save(PICTURES / name, optimize=True)


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
