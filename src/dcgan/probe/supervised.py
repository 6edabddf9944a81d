"""A classifier of the discriminator's shape, trained on the labels: what they alone can give.

B batch · N images · K classes
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcgan.metrics.extractors.classifier_training import fit, row_batches
from dcgan.models.blocks import Block
from dcgan.models.geometry import layer_shapes
from dcgan.models.table import Layer
from dcgan.probe.features import batches_of
from dcgan.probe.labeled import Labeled
from dcgan.runs.networks import Networks
from dcgan.runtime.optimizers import Adam
from dcgan.runtime.rng import derived_seed
from dcgan.vocabulary import Initialization

BUDGET = 500_000
"""Images that training sees: ten times all of CIFAR-10."""

_MOST_EPOCHS = 100
"""With few images, each is seen so often at most."""

_BATCH = 128
_RATE = 1e-3
"""Adam's own default (Kingma and Ba 2015)."""

_CHECKS = 10
"""How often the weights are judged on the validation part; the best stay."""


@dataclass(frozen=True)
class Supervised:
    """A trained classifier.

    Attributes
    ----------
    network : nn.Module
        (B, C, H, W) → (B, K).
    accuracy : float
        On the validation part.
    seen : int
        Images that its weights had seen, of ``budget``.
    budget : int
        Images that training saw.
    """

    network: nn.Module
    accuracy: float
    seen: int
    budget: int


def train_supervised(
    networks: Networks,
    init: Initialization,
    train: Labeled,
    validation: Labeled,
    *,
    seed: int,
    budget: int = BUDGET,
    device: torch.device | str = "cpu",
) -> Supervised:
    """Train the run's discriminator table with K outputs by cross-entropy and Adam.

    No augmentation, constant rate 0.001, batches of 128 (or all images, if there are fewer).
    The weights are those of the check, of ten, with the best validation accuracy.

    Parameters
    ----------
    networks : Networks
        Of the run: layer table, image shape and scale.
    init : {"default", "dcgan", "he"}
        Initial weights, as the run's.
    train, validation : Labeled
    seed : int
        Of weights, order, dropout and noise.
    budget : int, default 500,000
        Images seen; at least ten batches, and at most 100 times each image.
    device : torch.device, default CPU
    """
    device = torch.device(device)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(derived_seed(seed, "supervised"))
        network = classifier(networks, len(train.names), init).to(device)
        return _train(network, networks, train, validation, seed, budget, device)


def classifier(networks: Networks, classes: int, init: Initialization) -> nn.Sequential:
    """The discriminator with its one output replaced by K, (B, C, H, W) → (B, K)."""
    networks.refuse_no_discriminator()
    first, *rest = networks.discriminator
    table = (replace(first, pack=1), *rest)
    layers: Sequence[Layer] = (*table[:-1], replace(table[-1], channels=classes))
    shapes = [networks.image_shape, *layer_shapes(layers, networks.image_shape)]
    blocks = [Block(layer, shape, init) for layer, shape in zip(layers, shapes[:-1], strict=True)]
    return nn.Sequential(*blocks, nn.Flatten())


def predict(network: nn.Module, networks: Networks, some: Labeled) -> NDArray[np.int64]:
    """Classes (N,) of images."""
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode():
        found = [
            network(networks.scale.normalize(pixel_BCHW.to(device))).argmax(dim=1).cpu()
            for pixel_BCHW in batches_of(some.dataset, some.index)
        ]
    return torch.cat(found).numpy()


def _train(
    network: nn.Module,
    networks: Networks,
    train: Labeled,
    validation: Labeled,
    seed: int,
    budget: int,
    device: torch.device,
) -> Supervised:
    batch = min(_BATCH, len(train))
    budget = min(budget, _MOST_EPOCHS * len(train))
    steps = max(_CHECKS, budget // batch)
    budget = max(budget, steps * batch)
    rows = np.arange(len(train))
    order = np.random.default_rng(derived_seed(seed, "order"))

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in row_batches(rows, steps, batch, order, drop_last=True):
            network.train()
            some = train.take(chosen)
            pixel_BCHW = some.dataset.take(some.index, np.full(batch, 0.5))
            yield pixel_BCHW, torch.from_numpy(some.label)

    best, weights = Supervised(network, -1.0, 0, budget), network.state_dict()
    optimizer = Adam(network.parameters(), _RATE)
    for step in fit(lambda x: network(networks.scale.normalize(x)), optimizer, batches(), device):
        if step * _CHECKS // steps > (step - 1) * _CHECKS // steps:
            found = predict(network, networks, validation)
            accuracy = float(np.mean(found == validation.label))
            if accuracy > best.accuracy:
                best = replace(best, accuracy=accuracy, seen=step * batch)
                weights = copy.deepcopy(network.state_dict())
    network.load_state_dict(weights)
    return best
