"""Preparation of pixels that several extractors share.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from dcgan.errors import DataError

SMALLEST = 16
"""The shortest allowed side in pixels, also after resizing."""

MOST_CHANNELS = 4


def check_shape(channels: int, size: tuple[int, int]) -> None:
    """Raise ``DataError`` unless images have 1 to 4 channels and sides of at least 16 pixels."""
    if not 1 <= channels <= MOST_CHANNELS:
        raise DataError(
            f"images of {channels} channels: from 1 to {MOST_CHANNELS} are allowed. Convert them to"
            " gray or RGB"
        )
    if min(size) < SMALLEST:
        raise DataError(
            f"images of {size[0]}×{size[1]} pixels: each side needs at least {SMALLEST}. Enlarge"
            " them"
        )


def to_floats(pixel_BCHW: Tensor) -> Tensor:
    """uint8 to float32 in [-1, 1]."""
    return pixel_BCHW.float() / 127.5 - 1


def fit_within(image_BCHW: Tensor, longest: int) -> Tensor:
    """Shrink floats to a longer side of at most ``longest``; smaller ones stay as they are.

    The aspect ratio is kept, but no side becomes shorter than 16 pixels. Bilinear with
    antialiasing, as aliasing changes features (Parmar et al. 2022, arXiv:2104.11222).
    """
    height, width = image_BCHW.shape[-2:]
    if max(height, width) <= longest:
        return image_BCHW
    scale = longest / max(height, width)
    size = [max(round(side * scale), min(side, SMALLEST)) for side in (height, width)]
    # the oldest supported PyTorch has no such kernel for MPS
    place = image_BCHW.cpu() if image_BCHW.device.type == "mps" else image_BCHW
    shrunk = interpolate(place, size=size, mode="bilinear", align_corners=False, antialias=True)
    return shrunk.to(image_BCHW.device)


def to_rgb(pixel_BCHW: Tensor) -> Tensor:
    """uint8 of 1 to 4 channels as floats from 0 to 255 of three, (B, 3, H, W).

    Gray is repeated. Alpha, the last of two or four channels, is put on white.
    """
    image_BCHW = pixel_BCHW.float()
    channels = image_BCHW.shape[1]
    if channels in {2, 4}:
        color, alpha = image_BCHW[:, :-1], image_BCHW[:, -1:] / 255
        image_BCHW = color * alpha + 255 * (1 - alpha)
    return image_BCHW if image_BCHW.shape[1] == 3 else image_BCHW.expand(-1, 3, -1, -1)
