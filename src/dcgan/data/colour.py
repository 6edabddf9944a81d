"""A picture of any mode → 8 bits in the channels the network works with."""

from __future__ import annotations

import numpy as np
from PIL import Image

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

_TRANSPARENT = {"LA", "PA", "RGBA", "La", "RGBa"}
"""Modes with alpha; not by the bands' names: the A of LAB is a colour."""


def has_alpha(image: Image.Image) -> bool:
    """Whether a picture may be transparent somewhere."""
    return image.mode in _TRANSPARENT or "transparency" in image.info


def to_channels(image: Image.Image, channels: int, background: str = "#ffffff") -> Image.Image:
    """Convert a picture of any mode to 8 bits per channel.

    Parameters
    ----------
    image : PIL.Image.Image
    channels : {1, 2, 3, 4}
        1 grey, 2 grey with alpha, 3 colour, 4 colour with alpha.
    background : str
        ``#rrggbb`` put under transparent pixels when no alpha is asked for.
    """
    wanted = _MODES[channels]
    if image.mode == wanted and "transparency" not in image.info:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        image = _deep_to_grey(image)
    if has_alpha(image) and channels in {1, 3}:
        image = image.convert("RGBA")
        under = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(under, image).convert("RGB")
    elif image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if has_alpha(image) else "RGB")
    elif image.mode not in {"1", "L", "LA", "RGB", "RGBA"}:
        image = image.convert("RGB")
    return image if image.mode == wanted else image.convert(wanted)


def _deep_to_grey(image: Image.Image) -> Image.Image:
    """16- and 32-bit greys scaled, not clipped, to 8 bits."""
    deep = np.nan_to_num(np.asarray(image, dtype=np.float64))
    greatest = float(deep.max(initial=0))
    if image.mode == "F":
        full = 1.0 if greatest <= 1 else max(255.0, greatest)
    else:
        full = 65535.0 if greatest <= 65535 else float(2**31 - 1)
    return Image.fromarray((deep.clip(0, full) / full * 255).round().astype(np.uint8), "L")
