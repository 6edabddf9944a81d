"""The training loop that everybody copies, on the networks of any recipe: what ours is timed by.

After the DCGAN tutorials: a data set that makes one picture at a time a normalised tensor, a
DataLoader with two workers, probabilities and `BCELoss`, two backward passes of D, a log line read
from the device at every step, fp32, no averaged weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from dcgan.config import RunConfig, resolved
from dcgan.training.tables import resolve_networks


def use_plain_convolutions(network: nn.Module) -> None:
    """PyTorch's own modules, where ours compute the same faster."""
    for module in network.modules():
        for plain in (nn.Conv2d, nn.ConvTranspose2d):
            if type(module) is not plain and isinstance(module, plain):
                module.__class__ = plain


class OneByOne(Dataset[Tensor]):
    """Pictures as tensors in [-1, 1], by way of Pillow like torchvision's data sets."""

    def __init__(self, pixel_NCHW: NDArray[np.uint8]) -> None:
        self._pixel_NHWC = np.ascontiguousarray(pixel_NCHW.transpose(0, 2, 3, 1)).squeeze()

    def __len__(self) -> int:
        return len(self._pixel_NHWC)

    def __getitem__(self, index: int) -> Tensor:
        picture = Image.fromarray(self._pixel_NHWC[index])
        array = np.array(picture, np.uint8, copy=True)
        array = array.reshape(picture.height, picture.width, -1)
        tensor = torch.from_numpy(array).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return tensor.sub_(0.5).div_(0.5)


class PlainLoop:
    """Steps of the loop, one at a time."""

    def __init__(self, config: RunConfig, pixel_NCHW: NDArray[np.uint8]) -> None:
        torch.manual_seed(config.seed)
        networks = resolve_networks(config)
        self.latent = networks.latent
        self.generator = networks.build_generator(config.model.generator.init)
        self._discriminator = networks.build_discriminator(config.model.discriminator.init)
        for network in (self.generator, self._discriminator):
            use_plain_convolutions(network)
        self._batch = resolved(config.optim.batch)
        self._loader = DataLoader(
            OneByOne(pixel_NCHW), self._batch, shuffle=True, num_workers=2, drop_last=True
        )
        ours, theirs = config.optim.generator, config.optim.discriminator
        self._g = torch.optim.Adam(
            self.generator.parameters(), lr=resolved(ours.lr), betas=ours.betas
        )
        self._d = torch.optim.Adam(
            self._discriminator.parameters(), lr=resolved(theirs.lr), betas=theirs.betas
        )
        self._real_target = config.objective.real_target
        self.images_seen = 0
        self.lines: list[str] = []

    def steps(self) -> Iterator[None]:
        """Train for ever; control comes back after each step."""
        loss = nn.BCELoss()
        while True:
            for number, real in enumerate(self._loader):
                self._discriminator.zero_grad()
                label = torch.full((len(real),), self._real_target)
                output = torch.sigmoid(self._discriminator(real)).view(-1)
                on_real = loss(output, label)
                on_real.backward()
                score = output.mean().item()
                noise = self._noise(len(real))
                fake = self.generator(noise)
                label.fill_(0.0)
                output = torch.sigmoid(self._discriminator(fake.detach())).view(-1)
                on_fake = loss(output, label)
                on_fake.backward()
                before = output.mean().item()
                self._d.step()
                self.generator.zero_grad()
                label.fill_(1.0)
                output = torch.sigmoid(self._discriminator(fake)).view(-1)
                of_generator = loss(output, label)
                of_generator.backward()
                after = output.mean().item()
                self._g.step()
                self.images_seen += len(real)
                losses = (on_real + on_fake).item(), of_generator.item()
                if number % 50 == 0:
                    self.lines.append(f"{number} {losses} {score} {before} {after}")
                yield

    def save(self, path: Path, seconds: float) -> None:
        """Keep weights, optimisers and the clock, to go on from the next epoch's beginning."""
        parts = [module.state_dict() for module in self._modules()]
        kept = {"parts": parts, "images_seen": self.images_seen, "seconds": seconds}
        torch.save(kept, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> float:
        """Go on from what :meth:`save` kept; returns its clock."""
        kept = torch.load(path)
        for module, part in zip(self._modules(), kept["parts"], strict=True):
            module.load_state_dict(part)
        self.images_seen = kept["images_seen"]
        torch.manual_seed(self.images_seen)
        return float(kept["seconds"])

    def _modules(self) -> list[Any]:
        return [self.generator, self._discriminator, self._g, self._d]

    def _noise(self, count: int) -> Tensor:
        if self.latent.distribution == "normal":
            return torch.randn(count, self.latent.dim)
        return torch.rand(count, self.latent.dim) * 2 - 1
