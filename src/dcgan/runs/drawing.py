"""Generate images from latents, in constant memory and with all cores.

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
from dcgan.runtime.threads import in_threads
from dcgan.runtime.torch_settings import no_tf32

_MOST, _PIXELS = 64, 64 * 32**2
"""Images of a forward pass, and their pixels together. A GPU gets 16 times as many pixels."""


def generate_each(
    generator: Generator, latents: Iterable[Tensor], scale: PixelScale, device: torch.device
) -> Iterator[NDArray[np.uint8]]:
    """Generate images in pieces, uint8 (B, C, H, W).

    The generator is on ``device`` and in evaluation mode; latents are (B, Z) with any B, of any
    dtype, such as NumPy's float64. A piece has at most :func:`at_once` images.
    """
    batch = at_once(generator.image_shape, device)
    dtype = next((weight.dtype for weight in generator.parameters()), torch.float32)

    def generate(piece: Tensor) -> NDArray[np.uint8]:
        # kernels are chosen by batch size and round differently; every forward pass has the
        # same batch size, so that an image does not depend on the others
        missing = batch - len(piece)
        padded = torch.cat([piece, piece.new_zeros(missing, piece.shape[1])])
        # the setting is of the whole process; on CPUs, where threads run at once, it has no use
        precision = no_tf32() if device.type == "cuda" else nullcontext()
        with precision, torch.inference_mode():
            image_BCHW = generator(padded.to(device, dtype))[: len(piece)]
            return scale.denormalize(image_BCHW).cpu().numpy()

    pieces = (piece for part in latents for piece in torch.split(part, batch) if len(piece))
    return in_threads(generate, pieces) if device.type == "cpu" else map(generate, pieces)


def at_once(image_shape: tuple[int, int, int], device: torch.device) -> int:
    """The number of images in one forward pass."""
    _, height, width = image_shape
    pixels = _PIXELS if device.type == "cpu" else 16 * _PIXELS
    return max(1, min(_MOST, pixels // (height * width)))
