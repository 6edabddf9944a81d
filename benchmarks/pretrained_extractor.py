"""Train the feature extractor that comes with the package, on labels and on quarter turns.

    python benchmarks/pretrained_extractor.py OUT.safetensors --data-root DIR [--without NAME]
        [--images 600000] [--threads 1]

DIR holds CIFAR-10 (cifar10-train.zip), MNIST (mnist) and emoji in folders by group (emoji-64.zip);
shapes are generated. Every batch mixes all datasets, as 32×32 color images. Two steps of three
learn the labels, each dataset with its own linear layer, and the third learns to tell by how many
quarter turns all images of the batch were rotated (Gidaris et al. 2018, arXiv:1803.07728). Images
are shifted, sometimes gray, and sometimes enlarged from a smaller copy, because generated images
come in many sizes. Batch norm is folded into the convolutions at the end. `--without` leaves a
dataset out, to test the features on images of a kind they were not trained on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, max_pool2d, pad, relu

from dcgan.data import load_dataset, open_source
from dcgan.evaluation.real_images import take
from dcgan.metrics.extractors.pretrained import WIDTHS, PretrainedConvolutions, compressed

SIDE, BATCH, RATE = 32, 128, 0.15
SHARES = {"cifar10": 0.5, "mnist": 0.2, "emoji": 0.2, "shapes": 0.1}
"""Of each batch."""

TURNED = ("cifar10", "mnist", "emoji")
"""Shapes look the same after a turn."""

SMALL_SIDES = (12, 16, 16, 20, 24, 28)
"""Sides of smaller copies."""

Data = dict[str, tuple[Tensor, NDArray[np.int64]]]


class Learner(nn.Module):
    """The convolutions with batch norm, and a linear layer for each task."""

    def __init__(self, classes: dict[str, int]) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3 if i else 4, 1 if i else 2, 1, bias=False)
            for i in range(4)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in WIDTHS)
        self.heads = nn.ModuleDict({name: nn.Linear(WIDTHS[-1], n) for name, n in classes.items()})

    def forward(self, image_BCHW: Tensor) -> Tensor:
        x = image_BCHW
        for number, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            x = relu(norm(convolution(max_pool2d(x, 2) if number > 1 else x)))
        return x.mean(dim=(2, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--without", default="")
    parser.add_argument("--images", type=int, default=600_000)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    data = {name: read(name, asked.data_root) for name in SHARES if name != asked.without}
    learner = fit(data, asked.images // BATCH)
    save_file(compressed(folded(learner, data).state_dict()), asked.out)


def read(name: str, root: Path) -> tuple[Tensor, NDArray[np.int64]]:
    """Images of a dataset, uint8 (N, 3, 32, 32), and their classes (N,)."""
    images, classes = read_as(name, root, SIDE, 3)
    return torch.from_numpy(images), classes


def read_as(
    name: str, root: Path, side: int, channels: int, *, is_fine: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of a dataset in a size, uint8 (N, C, H, W), and their classes (N,).

    The classes of shapes are by shape and color or, fine ones, by shape, angle and size.
    """
    files = {"cifar10": "cifar10-train.zip", "emoji": "emoji-64.zip"}
    source = open_source(str(root / files[name]) if name in files else name, root)
    dataset = load_dataset(source, (side, side), channels)
    rows = dataset.rows(np.arange(len(dataset)))
    values = {factor: known.values[rows] for factor, known in dataset.labels.items()}
    if name != "shapes":
        classes = values["label"]
    elif is_fine:
        turns = np.choose(values["shape"], [np.inf, np.pi / 2, 2 * np.pi / 3])  # of a symmetry
        quarter = np.floor(4 * (values["angle"] / turns % 1)).astype(np.int64)
        third = np.searchsorted(np.quantile(values["size"], [1 / 3, 2 / 3]), values["size"])
        classes = (values["shape"] * 4 + quarter) * 3 + third
    else:
        classes = values["shape"] * 4 + values["color"]
    return take(dataset, np.arange(len(dataset))), classes.astype(np.int64)


def fit(data: Data, steps: int) -> Learner:
    classes = {name: int(known.max()) + 1 for name, (_, known) in data.items()}
    classes |= {f"{name} turned": 4 for name in data if name in TURNED}
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    learner = Learner(classes).to(memory_format=torch.channels_last)
    decaying = [weight for weight in learner.parameters() if weight.ndim > 1]
    others = [weight for weight in learner.parameters() if weight.ndim <= 1]
    groups = [{"params": decaying, "weight_decay": 5e-4}, {"params": others}]
    optimizer = torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=steps + 1, pct_start=0.25
    )
    began, right = time.perf_counter(), dict.fromkeys(classes, 0.0)
    for step in range(steps):
        loss = torch.zeros(())
        for name, logit_BK, class_B in batch_of(learner, data, random, is_turned=step % 3 == 2):
            loss = loss + cross_entropy(logit_BK, class_B) * len(class_B) / BATCH
            is_right = (logit_BK.detach().argmax(dim=1) == class_B).float().mean().item()
            right[name] = 0.98 * right[name] + 0.02 * is_right
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()
        if step % 200 == 0 or step == steps - 1:
            rates = ", ".join(f"{name} {rate:.2f}" for name, rate in right.items())
            print(f"{step:5} of {steps}, {time.perf_counter() - began:.0f} s: {rates}", flush=True)
    return learner.eval()


def batch_of(
    learner: Learner, data: Data, random: np.random.Generator, *, is_turned: bool
) -> list[tuple[str, Tensor, Tensor]]:
    """The tasks of a batch: name, logits, and the right classes."""
    total = sum(SHARES[name] for name in data)
    parts, known = [], []
    for name, (images, classes) in data.items():
        rows = random.integers(0, len(images), int(BATCH * SHARES[name] / total))
        parts.append(varied(as_floats(images[rows]), random))
        known.append(torch.from_numpy(classes[rows]))
    image_BCHW = torch.cat(parts)
    if random.random() < 0.25:
        image_BCHW = image_BCHW.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    if is_turned:
        turn_B = torch.from_numpy(random.integers(0, 4, len(image_BCHW)))
        image_BCHW = torch.stack(
            [
                torch.rot90(image, int(turn), (1, 2))
                for image, turn in zip(image_BCHW, turn_B, strict=True)
            ]
        )
        known = list(turn_B.split([len(part) for part in parts]))
    feature_BF = learner(image_BCHW.contiguous(memory_format=torch.channels_last))
    tasks = []
    for name, feature_CF, class_C in zip(
        data, feature_BF.split([len(part) for part in parts]), known, strict=True
    ):
        task = f"{name} turned" if is_turned else name
        if task in learner.heads:
            tasks.append((task, learner.heads[task](feature_CF), class_C))
    return tasks


def as_floats(pixel_BCHW: Tensor) -> Tensor:
    return pixel_BCHW.float() / 127.5 - 1


def varied(image_BCHW: Tensor, random: np.random.Generator) -> Tensor:
    """Images that are shifted by up to three pixels, and sometimes enlarged from a smaller copy."""
    if random.random() < 0.4:
        side = int(random.choice(SMALL_SIDES))
        small = interpolate(image_BCHW, size=(side, side), mode="bilinear", antialias=True)
        image_BCHW = interpolate(small, size=(SIDE, SIDE), mode="bilinear")
    down, right = (int(shift) for shift in random.integers(-3, 4, 2))
    wide = pad(image_BCHW, (3, 3, 3, 3), mode="replicate")
    return wide[:, :, 3 + down : 3 + down + SIDE, 3 + right : 3 + right + SIDE]


@torch.inference_mode()
def folded(learner: Learner, data: Data) -> PretrainedConvolutions:
    """The convolutions with batch norm as weights and biases, and features of mean 0, variance 1.

    Means and variances are those of real images, averaged over the datasets.
    """
    network = PretrainedConvolutions()
    for stage, convolution, norm in zip(
        network.stages, learner.convolutions, learner.norms, strict=True
    ):
        scale_C = norm.weight / (norm.running_var + norm.eps).sqrt()
        stage.weight.copy_(convolution.weight * scale_C[:, None, None, None])
        stage.bias.copy_(norm.bias - norm.running_mean * scale_C)
    means, variances = [], []
    for images, _ in data.values():
        rows = np.random.default_rng(0).permutation(len(images))[:3000]
        feature_NF = network.means(as_floats(images[rows]))
        means.append(feature_NF.mean(dim=0))
        variances.append(feature_NF.var(dim=0))
    network.mean_F.copy_(torch.stack(means).mean(dim=0))
    network.deviation_F.copy_(torch.stack(variances).mean(dim=0).sqrt())
    return network


if __name__ == "__main__":
    main()
