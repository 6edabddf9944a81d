"""Bytes to a picture, and a picture to the channels the network works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dcgan.errors import UnreadableImage

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA")
"""The only formats that are opened: Pillow knows many more, some of which run other programs."""

EXTENSIONS = frozenset(
    f".{name}"
    for name in "jpg jpeg jfif png gif bmp webp tif tiff ppm pgm pbm tga".split()  # noqa: SIM905
)
"""File names that are taken for pictures, in lower case."""

MOST_PIXELS = 89_478_485
"""Larger pictures are refused as decompression bombs (Pillow's own bound)."""

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def decode(data: bytes) -> Image.Image:
    """Decode the first frame of an encoded picture, upright as its EXIF orientation says.

    Returns
    -------
    PIL.Image.Image
        In its own mode, fully loaded.

    Raises
    ------
    UnreadableImage
        Not a picture of a listed format, damaged, or too large; the message is the reason.
    """
    if not data:
        raise UnreadableImage("empty file")
    with damage_named():
        image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise UnreadableImage(f"{image.width}x{image.height} pixels: too large")
        image.load()
        image = ImageOps.exif_transpose(image)
    return image  # noqa: RET504 (for all a type checker knows, the block may swallow errors)


@contextmanager
def damage_named() -> Iterator[None]:
    """Turn whatever a decoder raises on a damaged file into ``UnreadableImage``.

    Pillow's decoders promise no exceptions: fuzzed files bring up TypeError and IndexError beside
    the documented OSError and SyntaxError.
    """
    try:
        yield
    except (UnreadableImage, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"no picture in {', '.join(FORMATS)}") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImage("too many pixels: a decompression bomb") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImage(f"damaged: {reason}") from error


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
    # not by the bands' names: the A of LAB is a colour
    has_alpha = image.mode in {"LA", "PA", "RGBA", "La", "RGBa"} or "transparency" in image.info
    if has_alpha and channels in {1, 3}:
        image = image.convert("RGBA")
        under = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(under, image).convert("RGB")
    elif image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if has_alpha else "RGB")
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
