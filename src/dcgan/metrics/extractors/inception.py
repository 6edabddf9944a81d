"""The Inception-v3 network that published Fréchet Inception distances use.

It is the classifier of the TensorFlow graph of 2015-12-05, whose converted weights are published
under the Apache License 2.0 (pytorch-fid, torch-fidelity). It differs from the Inception-v3 of the
paper (Szegedy et al. 2016, arXiv:1512.00567) in three points that change the features: mean pooling
does not count padding, the last block uses max pooling, and images are resized as in TensorFlow 1.
It follows that graph, so that distances agree with those of the papers (Heusel et al. 2017,
arXiv:1706.08500).

B batch · C channels · H, W sides · F = 2048 features · K = 1008 classes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dcgan.errors import DataError
from dcgan.metrics.extractor import Extractor
from dcgan.metrics.extractors.inception_weights import read_weights, weights_file
from dcgan.metrics.extractors.pixels import to_rgb
from dcgan.metrics.extractors.weights import with_any_weights
from dcgan.runtime.files import StrPath, expanded

NAME = "inception"

_SIDE = 299
_CLASSES = 1008

Kernel = tuple[int, int]
Layer = tuple[int, Kernel]
"""Output channels, and the kernel's height and width."""

Row = Sequence[Layer | list[Layer]]
"""Consecutive layers; a list is a fork, whose members have the same input."""

Paths = Mapping[str, Row]

_ONE, _THREE, _FIVE = (1, 1), (3, 3), (5, 5)
_ROW_3, _COLUMN_3, _ROW_7, _COLUMN_7 = (1, 3), (3, 1), (1, 7), (7, 1)


class Convolution(nn.Module):
    """Convolution without bias, batch norm (ε = 0.001), ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel, *, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Parallel paths whose outputs are concatenated.

    Parameters
    ----------
    inputs : int
        Channels.
    paths : Paths
        Layers are named by the path and their number, as in the weights file.
    pooled : int, optional
        Channels of the last path: 3×3 pooling that keeps the sides, then a 1×1 convolution. None:
        the block halves the sides; the last layer of each path has stride 2, and so has the
        pooling, without a convolution.
    pool : {"mean", "max"}
        Pooling of the last path; a block that halves uses max.

    Attributes
    ----------
    channels : int
        Of the output.
    """

    def __init__(
        self,
        inputs: int,
        paths: Paths,
        pooled: int | None = None,
        *,
        pool: Literal["mean", "max"] = "mean",
    ) -> None:
        super().__init__()
        self._halves = pooled is None
        self._pool = pool
        self._paths = [self._add_path(name, inputs, path) for name, path in paths.items()]
        if pooled is not None:
            self.branch_pool = Convolution(inputs, pooled, _ONE)
        self.channels = sum(width for _, width in self._paths) + (pooled or inputs)

    def _add_path(self, name: str, inputs: int, path: Row) -> tuple[list[list[str]], int]:
        """Create a path's layers; returns their names at each step, and the output channels."""
        steps = []
        for number, step in enumerate(path, start=1):
            stem = name if len(path) == 1 else f"{name}_{number}"
            fork = step if isinstance(step, list) else [step]
            names = [f"{stem}{letter}" for letter in ("ab" if len(fork) > 1 else [""])]
            strides = self._halves and number == len(path)
            for member, (outputs, kernel) in zip(names, fork, strict=True):
                layer = Convolution(
                    inputs, outputs, kernel, stride=2 if strides else 1, padded=not strides
                )
                self.add_module(member, layer)
            inputs = sum(outputs for outputs, _ in fork)
            steps.append(names)
        return steps, inputs

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for steps, _ in self._paths:
            y = x
            for names in steps:
                y = torch.cat([self.get_submodule(name)(y) for name in names], dim=1)
            outputs.append(y)
        return torch.cat([*outputs, self._pooled(x)], dim=1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self._halves:
            return functional.max_pool2d(x, 3, stride=2)
        if self._pool == "max":
            y = functional.max_pool2d(x, 3, stride=1, padding=1)
        else:  # TensorFlow does not count padding
            y = functional.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        found: Tensor = self.branch_pool(y)
        return found


_FIGURE_5: Paths = {  # of the paper: 5×5, and twice 3×3
    "branch1x1": [(64, _ONE)],
    "branch5x5": [(48, _ONE), (64, _FIVE)],
    "branch3x3dbl": [(64, _ONE), (96, _THREE), (96, _THREE)],
}
_HALVING_6: Paths = {
    "branch3x3": [(384, _THREE)],
    "branch3x3dbl": [(64, _ONE), (96, _THREE), (96, _THREE)],
}
_HALVING_7: Paths = {
    "branch3x3": [(192, _ONE), (320, _THREE)],
    "branch7x7x3": [(192, _ONE), (192, _ROW_7), (192, _COLUMN_7), (192, _THREE)],
}
_FORK = [(384, _ROW_3), (384, _COLUMN_3)]
_FIGURE_7: Paths = {  # rows and columns in parallel
    "branch1x1": [(320, _ONE)],
    "branch3x3": [(384, _ONE), _FORK],
    "branch3x3dbl": [(448, _ONE), (384, _THREE), _FORK],
}


def _figure_6(width: int) -> Paths:
    """7×7 kernels, factored into rows and columns."""
    row, column = (width, _ROW_7), (width, _COLUMN_7)
    return {
        "branch1x1": [(192, _ONE)],
        "branch7x7": [(width, _ONE), row, (192, _COLUMN_7)],
        "branch7x7dbl": [(width, _ONE), column, row, column, (192, _ROW_7)],
    }


class Inception(nn.Module):
    """The network, with the names of its weights as in the published file.

    Shape: uint8 (B, C, H, W) of 1 to 4 channels and any size → features (B, 2048), which are the
    means of the last block over its 8×8 positions, and logits (B, 1008) without the bias of the
    last layer, from which the Inception score is computed (Salimans et al. 2016,
    arXiv:1606.03498, in their code).
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, _THREE, stride=2, padded=False)
        self.Conv2d_2a_3x3 = Convolution(32, 32, _THREE, padded=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, _THREE)
        self.Conv2d_3b_1x1 = Convolution(64, 80, _ONE)
        self.Conv2d_4a_3x3 = Convolution(80, 192, _THREE, padded=False)
        self.Mixed_5b = Mixed(192, _FIGURE_5, pooled=32)
        self.Mixed_5c = Mixed(256, _FIGURE_5, pooled=64)
        self.Mixed_5d = Mixed(288, _FIGURE_5, pooled=64)
        self.Mixed_6a = Mixed(288, _HALVING_6)
        self.Mixed_6b = Mixed(768, _figure_6(128), pooled=192)
        self.Mixed_6c = Mixed(768, _figure_6(160), pooled=192)
        self.Mixed_6d = Mixed(768, _figure_6(160), pooled=192)
        self.Mixed_6e = Mixed(768, _figure_6(192), pooled=192)
        self.Mixed_7a = Mixed(768, _HALVING_7)
        self.Mixed_7b = Mixed(1280, _FIGURE_7, pooled=192)
        # the paper has mean pooling here
        self.Mixed_7c = Mixed(2048, _FIGURE_7, pooled=192, pool="max")
        self.fc = nn.Linear(2048, _CLASSES)

    def forward(self, pixel_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        x = (resize_like_tensorflow(to_rgb(pixel_BCHW), _SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x))
        x = functional.max_pool2d(x, 3, stride=2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        feature_BF = x.mean(dim=(2, 3))
        return feature_BF, functional.linear(feature_BF, self.fc.weight)


def resize_like_tensorflow(image_BCHW: Tensor, side: int) -> Tensor:
    """Bilinear as in TensorFlow 1: output pixel i is at input i · H / side, without the half-pixel
    offset and the antialiasing of :func:`torch.nn.functional.interpolate`."""
    for dim in (3, 2):
        length = image_BCHW.shape[dim]
        place = torch.arange(side, device=image_BCHW.device, dtype=torch.float32) * (length / side)
        before = place.long().clamp(max=length - 1)
        after = (before + 1).clamp(max=length - 1)
        share = (place - before).reshape([-1 if axis == dim else 1 for axis in range(4)])
        low, high = image_BCHW.index_select(dim, before), image_BCHW.index_select(dim, after)
        image_BCHW = low + (high - low) * share
    return image_BCHW


def inception_extractor(
    weights: StrPath | None = None, *, device: torch.device | str = "cpu", download: bool = False
) -> Extractor:
    """The extractor of published Fréchet Inception distances, kernel distances and scores.

    Images may have any size and 1 to 4 channels: gray is repeated, and alpha is put on white. It
    was trained on photographs of ImageNet, and may miss what matters in other images, such as the
    strokes of letters.

    Parameters
    ----------
    weights : path, optional
        The published file; default ``extractors`` in the cache.
    device : torch.device, default CPU
    download : bool
        Whether to download the file (91 MB) if it is missing.

    Raises
    ------
    DataError, Unreachable
        As :func:`~dcgan.metrics.extractors.inception_weights.weights_file`.
    """
    given = None if weights is None else expanded(weights)
    path, digest = weights_file(given, download=download)
    network = with_any_weights(Inception)
    load_published(network, read_weights(path), str(path))
    device = torch.device(device)
    return Extractor(
        NAME,
        network,
        digest=digest,
        about="Inception-v3 of 2015-12-05, trained on ImageNet, as converted from TensorFlow",
        device=device,
        # half a second per image on a CPU core: a small batch wastes little on padding
        batch=8 if device.type == "cpu" else 64,
    )


def load_published(network: Inception, stored: dict[str, Tensor], origin: str) -> None:
    """Load weights by name; raises ``DataError`` for names or shapes of another network."""
    try:
        # num_batches_tracked, which no feature depends on, may be missing, as in old files
        network.load_state_dict(stored)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise DataError(f"{origin}: not the weights of Inception-v3 of 2015-12-05") from error
