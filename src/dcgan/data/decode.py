"""Bytes to a picture in its own mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from types import ModuleType

from PIL import Image, ImageOps, UnidentifiedImageError

from dcgan.errors import UnreadableImage

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA")
"""The only formats that are opened: Pillow knows many more, some of which run other programs."""

EXTENSIONS = frozenset(
    f".{name}"
    for name in "jpg jpeg jfif png apng gif bmp webp tif tiff ppm pgm pbm tga".split()  # noqa: SIM905
)
"""File names that are taken for pictures, in lower case."""

MOST_PIXELS = 89_478_485
"""Larger pictures are refused as decompression bombs (Pillow's own bound)."""

_SPARE = 1.25
"""A JPEG decoded at a fraction of its size stays at least this much larger than what is wanted of
it. On photographs of 218×178 for 64×64 that is 1.4 times, and differs from decoding in full by 1.4
levels on average (40 dB), as much as bilinear differs from bicubic resizing."""


_MAY_TURN = {"exif", "xmp"}
"""Where a JPEG keeps its orientation; without either there is nothing to parse."""


def decode(data: bytes, at_least: tuple[int, int] | None = None, *, frame: int = 0) -> Image.Image:
    """Decode one frame of an encoded picture, upright as its EXIF orientation says.

    Parameters
    ----------
    data : bytes
    at_least : (height, width), optional
        What the picture will be shrunk to. A much larger JPEG is then decoded at 1/2, 1/4 or 1/8
        of its size, which saves most of the work.
    frame : int, default 0

    Returns
    -------
    PIL.Image.Image
        In its own mode, fully loaded.

    Raises
    ------
    UnreadableImage
        Not a picture of a listed format, damaged, or too large; the message is the reason.
    """
    with damage_named():
        image = _opened(data)
        is_jpeg = image.format == "JPEG"
        if frame:
            image.seek(frame)
        if is_jpeg:
            if at_least is not None:
                _shrink_while_decoding(image, at_least)
            image = _faster(data, image) or image
        image.load()
        if not is_jpeg or not _MAY_TURN.isdisjoint(image.info):
            image = ImageOps.exif_transpose(image)
    return image


def count_frames(data: bytes) -> int:
    """How many frames a picture has; 1 for one that cannot be read, for which that is reported."""
    try:
        with damage_named():
            return int(getattr(_opened(data), "n_frames", 1))
    except UnreadableImage:
        return 1


def is_picture(head: bytes) -> bool:
    """Whether a file that begins like this is a picture of a listed format, whatever its name.

    TGA has no mark of its own and is only known by its name.
    """
    marks = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
    return head.startswith(marks) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


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
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("too many pixels: a decompression bomb") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImage(f"damaged: {reason}") from error


def _opened(data: bytes) -> Image.Image:
    """The header read, the pixels not yet."""
    if not data:
        raise UnreadableImage("empty file")
    image = Image.open(BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableImage(f"{image.width}x{image.height} pixels: too large")
    return image


def _shrink_while_decoding(image: Image.Image, at_least: tuple[int, int]) -> None:
    """Let the JPEG decoder skip detail that resizing would throw away again."""
    side = math.ceil(max(at_least) * _SPARE)  # the larger one, as EXIF may yet turn the picture
    if min(image.size) >= 2 * side:
        image.draft(None, (side, side))  # None: the mode stays


def _faster(data: bytes, image: Image.Image) -> Image.Image | None:
    """The same pixels from the faster decoder, where it is installed and knows the kind."""
    simplejpeg = _simplejpeg()
    if simplejpeg is None or image.mode not in {"L", "RGB"}:
        return None
    colours = "RGB" if image.mode == "RGB" else "GRAY"
    try:
        pixels = simplejpeg.decode_jpeg(
            data, colours, min_height=image.height, min_width=image.width
        )
    except (ValueError, RuntimeError):
        return None  # damaged: Pillow says how, or can do with it
    if pixels.shape[:2] != (image.height, image.width):
        return None
    fast = Image.fromarray(pixels[:, :, 0] if image.mode == "L" else pixels)
    fast.info = image.info
    return fast


@cache
def _simplejpeg() -> ModuleType | None:
    """The optional decoder of the extra ``fast``."""
    try:
        import simplejpeg
    except ImportError:
        return None
    module: ModuleType = simplejpeg
    return module
