"""An image of any mode → 8 bits in the channels that the network uses."""

from __future__ import annotations

from PIL import Image

from dcgan.data.pixels.profiles import to_srgb
from dcgan.data.pixels.values import UNKNOWN, Values, kind_of

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

_TRANSPARENT = {"LA", "PA", "RGBA", "La", "RGBa"}
"""Modes with alpha. Names of bands do not tell: the A of LAB is a color."""


def has_alpha(image: Image.Image) -> bool:
    """Whether an image may have transparent pixels."""
    return image.mode in _TRANSPARENT or "transparency" in image.info


def to_channels(
    image: Image.Image, channels: int, background: str = "#ffffff", values: Values = UNKNOWN
) -> Image.Image:
    """Convert an image of any mode to 8 bits per channel.

    Parameters
    ----------
    image : PIL.Image.Image
    channels : {1, 2, 3, 4}
        Gray, gray with alpha, color, color with alpha.
    background : str, default "#ffffff"
        Color behind transparent pixels where the result has no alpha.
    values : Values
        Which values of images with more than 8 bits per channel are black and white.

    Raises
    ------
    UnreadableImage
        See :meth:`Values.to_gray`.
    """
    wanted = _MODES[channels]
    if image.mode == wanted and "transparency" not in image.info:
        return image
    if kind_of(image.mode) is not None:
        image = to_srgb(values.to_gray(image))
    if has_alpha(image) and channels in {1, 3}:
        image = image.convert("RGBA")
        behind = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(behind, image).convert("RGB")
    elif image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if has_alpha(image) else "RGB")
    elif image.mode not in {"1", "L", "LA", "RGB", "RGBA"}:
        image = image.convert("RGB")
    return image if image.mode == wanted else image.convert(wanted)
