"""Train on images that your program has or makes, without writing image files.

    python own_dataset.py dataset --images 20000

``dcgan.train`` takes any sequence of images, such as a list or a map-style
``torch.utils.data.Dataset``; an array or tensor; and any other iterable, such as a generator. An
item may also be a tuple of an image and its class.
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw

import dcgan


class Disks:
    """A sequence of images, each made when it is read. The same index gives the same image."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Image.Image:
        random = np.random.default_rng(index)
        x, y, radius = (int(number) for number in random.integers((11, 11, 5), (21, 21, 11)))
        image = Image.new("RGB", (32, 32), "white")
        ImageDraw.Draw(image).circle((x, y), radius, fill=tuple(random.integers(0, 200, 3)))
        return image


parser = argparse.ArgumentParser(description="Train on colored disks.")
parser.add_argument("kind", choices=["dataset", "array", "generator"])
parser.add_argument("--images", type=int, default=20_000, help="real images to show")
parser.add_argument("--out", default="runs/disks", help="the run folder")
args = parser.parse_args()

disks = Disks(1_000)
if args.kind == "array":
    data = np.stack([np.asarray(disks[index]) for index in range(len(disks))])  # (N, H, W, C)
elif args.kind == "generator":
    data = (disks[index] for index in range(len(disks)))
else:
    data = disks
run = dcgan.train(data, images=args.images, out=args.out)
run.sheet(64).save(f"{args.out}.png")
