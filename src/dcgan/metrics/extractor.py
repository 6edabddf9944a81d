"""Images to features: what every distance between sets of images is measured on.

N images · B batch · C channels · H, W sides · F features · K classes
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dcgan.runtime.device import no_tf32
from dcgan.runtime.ranks import Ranks
from dcgan.runtime.threads import in_threads

_DIGEST_LETTERS = 12
"""Of a SHA-256 in hex: enough to tell any two networks of this world apart."""


@dataclass(frozen=True)
class Features:
    """What an extractor makes of N images.

    Parameters
    ----------
    values : float32 (N, F)
    probabilities : float32 (N, K), optional
        Of each class, where the extractor classifies; rows sum to 1.
    """

    values: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.int64] | slice) -> Features:
        """The features of some images."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Features(self.values[rows], probabilities)


class Extractor:
    """A frozen network with a name and a digest, by which numbers measured on it are known.

    Parameters
    ----------
    name : str
        Its kind, such as ``random``.
    network : nn.Module
        Takes uint8 (B, C, H, W) and returns features (B, F), or features and logits (B, K).
    digest : str, optional
        What tells its weights from all others, in hex; default :func:`digest_of` the network.
    about : str
        For people: what it was trained on, and how well it does.
    classes : tuple of str
        Names of the K classes, where it classifies.
    device : torch.device, default CPU
    batch : int
        Images per forward pass. Always exactly so many: kernels are chosen by batch size and round
        differently, and an image's features must not depend on what is measured beside it.

    Attributes
    ----------
    ranks : Ranks
        Processes that all are given the same images and share the work; by default this one alone.

    Examples
    --------
    >>> from torch import nn
    >>> extractor = Extractor("pixels", nn.Flatten())
    >>> extractor(np.zeros((5, 1, 4, 4), np.uint8)).values.shape
    (5, 16)
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        *,
        digest: str | None = None,
        about: str = "",
        classes: tuple[str, ...] = (),
        device: torch.device | str = "cpu",
        batch: int = 64,
    ) -> None:
        self.name = name
        self.digest = (digest or digest_of(network))[:_DIGEST_LETTERS]
        self.about = about
        self.classes = classes
        self.network = network.eval().requires_grad_(False).to(device)
        self.ranks = Ranks()
        self.device = torch.device(device)
        self.batch = batch

    @property
    def label(self) -> str:
        """Name and digest, such as ``random:3f2a91c07b5d``."""
        return f"{self.name}:{self.digest}"

    def __call__(self, images: NDArray[np.uint8] | Iterable[NDArray[np.uint8]]) -> Features:
        """The features of images, uint8 (N, C, H, W), or of parts that come one by one."""
        parts = [images] if isinstance(images, np.ndarray) else images
        count = 0

        def own_share() -> Iterator[NDArray[np.uint8]]:
            nonlocal count
            for block in _blocks(parts, self.batch):
                if count % self.ranks.size == self.ranks.rank:
                    yield block
                count += 1

        # a thread to each batch: threads that share every operation wait for each other, and for
        # the cores that another program keeps busy
        is_cpu = self.device.type == "cpu"
        with no_tf32():  # what a CPU kept is compared with what a GPU finds
            mine = list((in_threads if is_cpu else map)(self._batch_of, own_share()))
        found = list(self.ranks.collect(mine, count))
        values = [feature_BF for feature_BF, _ in found]
        probabilities = [
            probability_BK for _, probability_BK in found if probability_BK is not None
        ]
        return Features(
            np.concatenate(values) if values else np.empty((0, 0), np.float32),
            np.concatenate(probabilities) if probabilities else None,
        )

    @torch.inference_mode()
    def _batch_of(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        count = len(images)
        # a copy of what may only be read: PyTorch has no such tensors, and warns
        plain = np.require(images, requirements=["C", "W"])
        pixel_BCHW = torch.from_numpy(plain).to(self.device)
        if count < self.batch:
            missing = pixel_BCHW.new_zeros(self.batch - count, *pixel_BCHW.shape[1:])
            pixel_BCHW = torch.cat([pixel_BCHW, missing])
        found = self.network(pixel_BCHW)
        feature_BF, logit_BK = found if isinstance(found, tuple) else (found, None)
        probability_BK = None if logit_BK is None else logit_BK.float().softmax(dim=1)
        return _array(feature_BF, count), None if probability_BK is None else _array(
            probability_BK, count
        )


def _blocks(parts: Iterable[NDArray[np.uint8]], size: int) -> Iterator[NDArray[np.uint8]]:
    """Parts of any length as blocks of one, and what is left."""
    rest: list[NDArray[np.uint8]] = []
    for part in parts:
        whole = np.concatenate([*rest, part]) if rest else part
        end = len(whole) // size * size
        for start in range(0, end, size):
            yield whole[start : start + size]
        rest = [whole[end:]] if end < len(whole) else []
    yield from rest


def digest_of(network: nn.Module) -> str:
    """SHA-256 over a network's printed structure and the name, shape and bytes of each tensor."""
    known = hashlib.sha256(repr(network).encode())
    for name, tensor in network.state_dict().items():
        known.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        # as bytes: NumPy has no bfloat16
        plain = tensor.detach().cpu().contiguous().reshape(-1)
        known.update(plain.view(torch.uint8).numpy().tobytes())
    return known.hexdigest()


def _array(tensor: Tensor, count: int) -> NDArray[np.float32]:
    return tensor[:count].float().cpu().numpy()
