"""Latents to images, in constant memory and with every core.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.data import PixelScale
from dcgan.models.generator import Generator
from dcgan.runtime.device import no_tf32
from dcgan.runtime.threads import in_threads

_MOST, _PIXELS = 64, 64 * 32**2
"""Images of a forward pass, and how many pixels they may have together; 16 times as many on a
GPU, which small pieces would leave idle."""


def generate_each(
    generator: Generator, latents: Iterable[Tensor], scale: PixelScale, device: torch.device
) -> Iterator[NDArray[np.uint8]]:
    """Images in pieces, uint8 (B, C, H, W).

    Parameters
    ----------
    generator : Generator
        On ``device``, in evaluation mode.
    latents : iterable of Tensor
        (B, Z) each, with any B; taken as images are. No more than :func:`at_once` give one piece.
    scale : PixelScale
    device : torch.device
    """
    batch = at_once(generator.image_shape, device)

    def drawn(piece: Tensor) -> NDArray[np.uint8]:
        # convolution kernels are chosen by batch size and round differently, and an image must
        # not depend on what is drawn beside it: every forward pass has as many latents
        missing = batch - len(piece)
        padded = torch.cat([piece, piece.new_zeros(missing, piece.shape[1])])
        # threads draw at once on CPUs only, where there is nothing to be set for all of them
        precision = no_tf32() if device.type == "cuda" else nullcontext()
        with precision, torch.inference_mode():
            image_BCHW = generator(padded.to(device))[: len(piece)]
            return scale.denormalize(image_BCHW).cpu().numpy()

    pieces = (piece for part in latents for piece in torch.split(part, batch) if len(piece))
    return in_threads(drawn, pieces) if device.type == "cpu" else map(drawn, pieces)


def at_once(image_shape: tuple[int, int, int], device: torch.device) -> int:
    """Images of one forward pass: fewer of larger ones."""
    _, height, width = image_shape
    pixels = _PIXELS if device.type == "cpu" else 16 * _PIXELS
    return max(1, min(_MOST, pixels // (height * width)))
