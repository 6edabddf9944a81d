"""Time decoding, cached reading and streaming, compared with a torch DataLoader.

    python benchmarks/data.py [--files 2000] [--rounds 5] [--pillow] [--json]
    python benchmarks/data.py --drafts

All variants return the same batches: 64 color images of 64×64, shuffled, as floats in [-1, 1]. They
read the same 218×178 JPEGs: random crops of two photographs from scikit-learn, with the size of
CelebA's files and, at quality 90, about their bytes. The DataLoader reads each file with Pillow,
resizes (bilinear, antialiased, the shorter side to 64), crops the center and normalizes, like
PyTorch's tutorials. The variants take turns in each round. The medians of the rounds are printed.

Decoding is compared on one core: the process, and the DataLoader without workers, are bound to it.

--drafts does not measure speed. It compares images decoded at reduced size with the same images
decoded in full: 100 crops of the two photographs, 170 to 400 pixels a side.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader, Dataset

from dcgan.data import Batches, decode, load_dataset, open_items, open_source
from dcgan.data.cache import Cache
from dcgan.data.fit import fit
from dcgan.data.image_view import View
from dcgan.data.store import decode_all
from dcgan.data.stream import StreamedDataset

BATCH = 64
SIDE = 64
VIEW = View((SIDE, SIDE), 3)


class Files(Dataset):
    """The files as the tutorials read them."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as file:
            image = file.convert("RGB")
        width, height = image.size
        if width < height:
            image = image.resize((SIDE, round(SIDE * height / width)), Image.Resampling.BILINEAR)
        else:
            image = image.resize((round(SIDE * width / height), SIDE), Image.Resampling.BILINEAR)
        left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
        image = image.crop((left, top, left + SIDE, top + SIDE))
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
        return tensor.sub_(0.5).div_(0.5)


def write_files(folder: Path, count: int) -> list[Path]:
    """Random cuts of two photographs, at three scales."""
    random = np.random.default_rng(0)
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    paths = []
    for number in range(count):
        photograph = photographs[number % 2]
        zoom = (1.0, 0.8, 0.6)[number % 3]
        size = (round(photograph.width * zoom), round(photograph.height * zoom))
        photograph = photograph.resize(size, Image.Resampling.BICUBIC)
        left = int(random.integers(photograph.width - 178 + 1))
        top = int(random.integers(photograph.height - 218 + 1))
        path = folder / f"{number:06d}.jpg"
        photograph.crop((left, top, left + 178, top + 218)).save(path, quality=90)
        paths.append(path)
    return paths


def write_shards(folder: Path, paths: list[Path], per_shard: int = 500) -> None:
    """The same files as WebDataset shards."""
    for number, start in enumerate(range(0, len(paths), per_shard)):
        with tarfile.open(folder / f"shard-{number:04d}.tar", "w") as shard:
            for path in paths[start : start + per_shard]:
                content = path.read_bytes()
                member = tarfile.TarInfo(path.name)
                member.size = len(content)
                shard.addfile(member, BytesIO(content))


def rate(batches: Iterable[torch.Tensor], images: int) -> float:
    """Images per second over a number of images, the first batch and its start-up left out."""
    iterator = iter(batches)
    next(iterator)
    seen, started = 0, time.perf_counter()
    for batch in iterator:
        seen += len(batch)
        if seen >= images:
            break
    spent = time.perf_counter() - started
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
    return seen / spent


@contextmanager
def one_core() -> Iterator[None]:
    """Bind this process, and torch, to one core."""
    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    os.sched_setaffinity(0, {min(cores)})
    torch.set_num_threads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def measure(folder: Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Images per second of every way, per round."""
    (folder / "files").mkdir()
    (folder / "shards").mkdir()
    paths = write_files(folder / "files", count)
    write_shards(folder / "shards", paths)
    files, shards = open_source(str(folder / "files")), open_source(str(folder / "shards"))
    cached = load_dataset(files, VIEW.size, 3, cache=Cache(folder / "cache", 10**12))
    cores = os.cpu_count() or 1

    def loader(workers: int) -> DataLoader:
        return DataLoader(Files(paths), BATCH, shuffle=True, drop_last=True, num_workers=workers)

    def decoded() -> Iterator[list[int]]:
        for one in decode_all(files, VIEW, lambda *_: None):
            yield [one.index]

    few, many = count - 2 * BATCH, 50 * count
    on_one_core: dict[str, Callable[[], float]] = {
        "DataLoader, 1 core": lambda: rate(loader(0), few),
        "decoding, 1 core": lambda: rate(decoded(), few),  # type: ignore[arg-type]
        "streaming files, 1 core": lambda: rate(stream(files), few),
    }
    on_all: dict[str, Callable[[], float]] = {
        f"DataLoader, {cores} workers": lambda: rate(loader(cores), few),
        "streaming files": lambda: rate(stream(files), few),
        "streaming tar shards": lambda: rate(stream(shards), few),
        "cached": lambda: rate(Batches(cached, BATCH, seed=0).starting_at(0), many),
    }
    found: dict[str, list[float]] = {name: [] for name in (*on_one_core, *on_all)}
    for _ in range(rounds):
        with one_core():
            for name, way in on_one_core.items():
                found[name].append(way())
        for name, way in on_all.items():
            found[name].append(way())
    return found


def drafts(count: int = 100) -> np.ndarray:
    """Mean difference in levels of each image, decoded at reduced size and in full, at 64×64."""
    random = np.random.default_rng(0)
    photographs = [Image.fromarray(image) for image in load_sample_images().images]
    found = []
    for number in range(count):
        photograph = photographs[number % 2]
        width, height = (int(side) for side in random.integers(170, 400, 2))
        left = int(random.integers(photograph.width - width + 1))
        top = int(random.integers(photograph.height - height + 1))
        file = BytesIO()
        cut = photograph.crop((left, top, left + width, top + height))
        cut.save(file, "JPEG", quality=90)
        full = fit(decode.decode(file.getvalue()), (SIDE, SIDE))
        draft = VIEW.of(open_items([file.getvalue()]), 0)
        difference = np.moveaxis(np.asarray(full, float), 2, 0) - draft
        found.append(np.abs(difference).mean())
    return np.array(found)


def stream(source: object) -> Iterator[torch.Tensor]:
    """Batches that are decoded when they are needed."""
    return Batches(StreamedDataset(source, VIEW), BATCH, seed=0).starting_at(0)  # type: ignore[arg-type]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pillow", action="store_true", help="decode without the extra 'fast'")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drafts", action="store_true", help="compare reduced with full decoding")
    asked = parser.parse_args()
    if asked.pillow:
        decode._simplejpeg = lambda: None
    if asked.drafts:
        found = drafts()
        print(f"{len(found)} images: {found.mean():.2f} of 255 levels, at most {found.max():.2f}")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), asked.files, asked.rounds)
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    one, all_cores = medians["DataLoader, 1 core"], medians[f"DataLoader, {os.cpu_count()} workers"]
    ratios = {name: m / (one if "1 core" in name else all_cores) for name, m in medians.items()}
    about = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "files": asked.files,
        "rounds": asked.rounds,
        "decoder": "simplejpeg" if decode._simplejpeg() else "Pillow",
    }
    if asked.json:
        print(json.dumps(about | {"images_per_second": found, "ratios": ratios}))
        return
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    for name, rates in found.items():
        print(
            f"{name:<24} {medians[name]:>10,.0f} images/s  {ratios[name]:>7.2f}x"
            f"   ({min(rates):,.0f} to {max(rates):,.0f})"
        )


if __name__ == "__main__":
    main()
