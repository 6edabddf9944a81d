"""Feature extractors: frozen networks from images to the features that metrics are computed on.

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

from dcgan.runtime.ranks import Ranks
from dcgan.runtime.threads import in_threads
from dcgan.runtime.torch_settings import no_tf32

_DIGEST_LETTERS = 12
"""Letters of a SHA-256 in hex; enough to identify a network."""


@dataclass(frozen=True)
class Features:
    """Features of N images.

    Parameters
    ----------
    values : float32 (N, F)
    probabilities : float32 (N, K), optional
        The probability of each class, if the extractor classifies; rows sum to 1.
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
    """A frozen network that computes features of images.

    Each score states the name and the digest of the extractor that it was computed with.

    Parameters
    ----------
    name : str
        The kind of extractor, such as ``random``.
    network : nn.Module
        Takes uint8 (B, C, H, W) and returns features (B, F), or features and logits (B, K).
    digest : str, optional
        Identifies its weights, in hex; default :func:`digest_of` the network.
    about : str
        A description for people: what the network was trained on, and its accuracy.
    classes : tuple of str
        Names of the K classes, if the network classifies.
    device : torch.device, default CPU
        Where the network computes.
    batch : int, default 64
        Images per forward pass. The last batch is padded: kernels are chosen by batch size and
        round differently, and an image's features must not depend on the other images.

    Attributes
    ----------
    ranks : Ranks
        Processes that are all given the same images and share the work; default only this process.

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
        """Compute the features of images, uint8 (N, C, H, W), or of an iterable of such arrays."""
        parts = [images] if isinstance(images, np.ndarray) else images
        count = 0

        def own_share() -> Iterator[NDArray[np.uint8]]:
            nonlocal count
            for block in _blocks(parts, self.batch):
                if count % self.ranks.size == self.ranks.rank:
                    yield block
                count += 1

        # one thread per batch is faster than many threads per operation, which wait for each other
        is_cpu = self.device.type == "cpu"
        with no_tf32():  # cached features of a CPU are compared with those of a GPU
            mine = list((in_threads if is_cpu else map)(self._batch_of, own_share()))
        batches = list(self.ranks.collect(mine, count))
        values = [feature_BF for feature_BF, _ in batches]
        probabilities = [
            probability_BK for _, probability_BK in batches if probability_BK is not None
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
        # a copy of read-only arrays, about which PyTorch warns
        plain = np.require(images, requirements=["C", "W"])
        pixel_BCHW = torch.from_numpy(plain).to(self.device)
        if count < self.batch:
            missing = pixel_BCHW.new_zeros(self.batch - count, *pixel_BCHW.shape[1:])
            pixel_BCHW = torch.cat([pixel_BCHW, missing])
        result = self.network(pixel_BCHW)
        feature_BF, logit_BK = result if isinstance(result, tuple) else (result, None)
        if logit_BK is None:
            return _array(feature_BF, count), None
        return _array(feature_BF, count), _array(logit_BK.float().softmax(dim=1), count)


def _blocks(parts: Iterable[NDArray[np.uint8]], size: int) -> Iterator[NDArray[np.uint8]]:
    """Parts of any length as blocks of ``size`` images; the last block may be shorter."""
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
