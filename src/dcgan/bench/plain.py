"""The standard PyTorch DCGAN example with the networks of any recipe, to compare dcgan with.

As in DCGAN tutorials: a dataset that converts one image at a time, a DataLoader, probabilities and
`BCELoss`, two backward passes of D, unused gradients of D in G's step, numbers read from the device
at every step, fp32, no averaged weights.

B batch · N images · C channels · H, W sides
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
from dcgan.layer_tables import resolve_networks


def use_plain_convolutions(network: nn.Module) -> None:
    """Replace our faster convolutions by PyTorch's modules."""
    for module in network.modules():
        for plain in (nn.Conv2d, nn.ConvTranspose2d):
            if type(module) is not plain and isinstance(module, plain):
                module.__class__ = plain


class OneByOne(Dataset[Tensor]):
    """Images as tensors in [-1, 1], through Pillow like torchvision's datasets."""

    def __init__(self, pixel_NCHW: NDArray[np.uint8]) -> None:
        self._pixel_NHWC = np.ascontiguousarray(pixel_NCHW.transpose(0, 2, 3, 1)).squeeze()

    def __len__(self) -> int:
        return len(self._pixel_NHWC)

    def __getitem__(self, index: int) -> Tensor:
        image = Image.fromarray(self._pixel_NHWC[index])
        array = np.array(image, np.uint8, copy=True)
        array = array.reshape(image.height, image.width, -1)
        tensor = torch.from_numpy(array).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return tensor.sub_(0.5).div_(0.5)


class PlainLoop:
    """The standard example, one step at a time.

    Of ``config`` it uses the networks, the batch size, Adam's settings and label smoothing.
    ``workers`` are processes of the DataLoader; 0 loads in this process.
    """

    def __init__(
        self,
        config: RunConfig,
        pixel_NCHW: NDArray[np.uint8],
        *,
        workers: int = 2,
        device: torch.device | str = "cpu",
    ) -> None:
        torch.manual_seed(config.seed)
        networks = resolve_networks(config)
        self.latent = networks.latent
        self.device = torch.device(device)
        self.generator = networks.build_generator(config.model.generator.init)
        self.discriminator = networks.build_discriminator(config.model.discriminator.init)
        for network in (self.generator, self.discriminator):
            use_plain_convolutions(network)
            network.to(self.device)
        self._loader = DataLoader(
            OneByOne(pixel_NCHW),
            resolved(config.optim.batch),
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,  # an epoch may be short
            drop_last=True,
        )
        ours, theirs = config.optim.generator, config.optim.discriminator
        self._g = torch.optim.Adam(
            self.generator.parameters(), lr=resolved(ours.lr), betas=ours.betas
        )
        self._d = torch.optim.Adam(
            self.discriminator.parameters(), lr=resolved(theirs.lr), betas=theirs.betas
        )
        self._real_target = config.objective.real_target
        self._loss = nn.BCELoss()
        self.images_seen = 0

    def steps(self) -> Iterator[None]:
        """Train without end; yields after each step."""
        while True:
            for loaded_BCHW in self._loader:
                real_BCHW = loaded_BCHW.to(self.device)
                self.step(real_BCHW, self.noise(len(real_BCHW)))
                yield

    def step(self, real_BCHW: Tensor, latent_BZ: Tensor) -> tuple[float, float]:
        """Update both networks; returns the losses of D and G before their updates."""
        self.discriminator.zero_grad()
        label = torch.full((len(real_BCHW),), self._real_target, device=self.device)
        output = torch.sigmoid(self.discriminator(real_BCHW)).view(-1)
        on_real = self._loss(output, label)
        on_real.backward()
        output.mean().item()
        fake_BCHW = self.generator(latent_BZ)
        label.fill_(0.0)
        output = torch.sigmoid(self.discriminator(fake_BCHW.detach())).view(-1)
        on_fake = self._loss(output, label)
        on_fake.backward()
        output.mean().item()
        self._d.step()
        self.generator.zero_grad()
        label.fill_(1.0)
        output = torch.sigmoid(self.discriminator(fake_BCHW)).view(-1)
        of_generator = self._loss(output, label)
        of_generator.backward()
        output.mean().item()
        self._g.step()
        self.images_seen += len(real_BCHW)
        return (on_real + on_fake).item(), of_generator.item()

    def save(self, path: Path, seconds: float) -> None:
        """Save weights, optimizers and seconds, to resume at the start of an epoch."""
        parts = [module.state_dict() for module in self._modules()]
        kept = {"parts": parts, "images_seen": self.images_seen, "seconds": seconds}
        torch.save(kept, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> float:
        """Resume from :meth:`save`; returns the seconds."""
        kept = torch.load(path)
        for module, part in zip(self._modules(), kept["parts"], strict=True):
            module.load_state_dict(part)
        self.images_seen = kept["images_seen"]
        torch.manual_seed(self.images_seen)
        return float(kept["seconds"])

    def noise(self, count: int) -> Tensor:
        """Random latents (B, Z) from the global random generator."""
        if self.latent.distribution == "normal":
            return torch.randn(count, self.latent.dim, device=self.device)
        return torch.rand(count, self.latent.dim, device=self.device) * 2 - 1

    def _modules(self) -> list[Any]:
        return [self.generator, self.discriminator, self._g, self._d]
