"""What several extractors do with pixels before their first layer.

B batch · C channels · H, W sides
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import interpolate

from dcgan.errors import DataError

SMALLEST = 16
"""Pixels of a side: the least that images have here, and that resizing leaves of them."""

MOST_CHANNELS = 4


def check_shape(channels: int, size: tuple[int, int]) -> None:
    """Refuse images that no extractor is made for.

    Raises
    ------
    DataError
        Fewer than 1 or more than 4 channels, or a side under 16 pixels.
    """
    if not 1 <= channels <= MOST_CHANNELS:
        raise DataError(
            f"images of {channels} channels: from 1 to {MOST_CHANNELS} can be measured; convert"
            " them to grey or RGB"
        )
    if min(size) < SMALLEST:
        raise DataError(
            f"images of {size[0]}×{size[1]} pixels: each side must have at least {SMALLEST};"
            " enlarge them"
        )


def to_floats(pixel_BCHW: Tensor) -> Tensor:
    """uint8 to float32 in [-1, 1]."""
    return pixel_BCHW.float() / 127.5 - 1


def fit_within(image_BCHW: Tensor, longest: int) -> Tensor:
    """Shrink floats to a longer side of at most ``longest``; smaller ones stay as they are.

    The aspect is kept as far as each side keeps 16 pixels. Bilinear with antialiasing: without
    it, images shrunk differ by what falls between the samples (Parmar et al. 2022,
    arXiv:2104.11222).
    """
    height, width = image_BCHW.shape[-2:]
    if max(height, width) <= longest:
        return image_BCHW
    scale = longest / max(height, width)
    size = [max(round(side * scale), min(side, SMALLEST)) for side in (height, width)]
    # the oldest versions of PyTorch admitted have no such kernel for MPS
    place = image_BCHW.cpu() if image_BCHW.device.type == "mps" else image_BCHW
    shrunk = interpolate(place, size=size, mode="bilinear", align_corners=False, antialias=True)
    return shrunk.to(image_BCHW.device)


def to_rgb(pixel_BCHW: Tensor) -> Tensor:
    """uint8 of 1 to 4 channels as floats from 0 to 255 of three, (B, 3, H, W).

    Grey is repeated. Alpha, the last of two or four channels, shows white behind the picture.
    """
    image_BCHW = pixel_BCHW.float()
    channels = image_BCHW.shape[1]
    if channels in {2, 4}:
        colour, alpha = image_BCHW[:, :-1], image_BCHW[:, -1:] / 255
        image_BCHW = colour * alpha + 255 * (1 - alpha)
    return image_BCHW if image_BCHW.shape[1] == 3 else image_BCHW.expand(-1, 3, -1, -1)
