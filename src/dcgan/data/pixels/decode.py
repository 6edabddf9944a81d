"""Encoded image files → images in their own modes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from io import BytesIO
from types import ModuleType

from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from dcgan.data.pixels.draft import SIDEWAYS, Draft
from dcgan.data.pixels.gif import count_gif_frames
from dcgan.data.pixels.png import without_texts
from dcgan.data.pixels.profiles import to_srgb
from dcgan.errors import UnreadableImage

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "TGA")
"""The only formats that are opened: some of Pillow's other formats run other programs."""

EXTENSIONS = frozenset(
    f".{name}"
    for name in "jpg jpeg jfif png apng gif bmp webp tif tiff ppm pgm pbm tga".split()  # noqa: SIM905
)
"""File name extensions of images, in lower case."""

MOST_PIXELS = 89_478_485
"""Larger images are refused as decompression bombs (Pillow's own limit)."""

MOST_BYTES = 4 * MOST_PIXELS + 2**20
"""Larger files are not read: no image needs more than 4 bytes per pixel and a header."""

_SPARE = 1.25
"""A JPEG decoded at a fraction of its size is still at least this many times the final size. For
photographs at 64×64 the result differs from decoding in full by 1.15 of 255 levels on average
(``benchmarks/data.py --drafts``)."""

_TIFF_WIDTH, _TIFF_HEIGHT = TiffImagePlugin.IMAGEWIDTH, TiffImagePlugin.IMAGELENGTH

_ANIMATED = {"GIF", "PNG", "WEBP", "TIFF"}

_JPEG = {"JPEG", "MPO"}
"""MPO is written by phones: several images in one file."""

_MAY_TURN = {"exif", "xmp"}
_MAY_TURN_MARKS = (b"Exif\0\0", b"http://ns.adobe.com/xap/")
"""What may hold the orientation of a JPEG: keys of Pillow's ``info``, and bytes in the file."""

_PROFILE_MARK = b"ICC_PROFILE\0"
"""How a color profile begins in a JPEG, before the number of its piece and of all pieces."""


def decode(data: bytes, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Decode an image file: the first frame, turned upright by its EXIF orientation, in sRGB.

    Parameters
    ----------
    data : bytes
    at_least : (height, width), optional
        The size to which the image will be shrunk. A much larger JPEG is then decoded at 1/2, 1/4
        or 1/8 of its size, which saves most of the work.

    Returns
    -------
    PIL.Image.Image
        In its own mode, loaded.

    Raises
    ------
    UnreadableImage
        Not an image of a listed format, damaged, or too large; the message is the reason.
    """
    image = _quick_jpeg(data, at_least)
    with damage_named():
        if image is None:
            image = _mended(data, lambda data: _loaded(data, at_least))
        return to_srgb(image)


def peek(data: bytes) -> tuple[str, tuple[int, int]]:
    """Mode and upright (height, width) of an image file, from its header alone.

    Raises
    ------
    UnreadableImage
        Not an image of a listed format, or too large. Damage after the header is not noticed.
    """
    with damage_named():
        image = _mended(data, _opened)
        return image.mode, _upright_size(image)


def count_frames(data: bytes) -> int:
    """The number of frames of an image file; 1 if it cannot be read."""
    try:
        with damage_named():
            image = _mended(data, _opened)
            if image.format == "GIF":
                return count_gif_frames(data)
            # the further images in a phone's JPEG are depth and brightness maps
            return int(getattr(image, "n_frames", 1)) if image.format in _ANIMATED else 1
    except UnreadableImage:
        return 1


class Film:
    """The frames of an image file.

    Reading forward decodes each frame once; reading backward starts again at the first.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._image: Image.Image | None = None
        self._damaged_from: tuple[int, UnreadableImage] | None = None

    def frame(self, number: int) -> Image.Image:
        """One frame, counted from 0, as :func:`decode` returns the first.

        Raises
        ------
        UnreadableImage
            As :func:`decode`; or there is no such frame, or an earlier one is damaged.
        """
        if self._damaged_from is not None and number >= self._damaged_from[0]:
            raise self._damaged_from[1]
        try:
            with damage_named():
                if self._image is None or self._image.tell() > number:
                    self._image = _mended(self._data, _opened)
                self._image.seek(number)
        except UnreadableImage as error:
            # not tried again for later frames: each try would decode all frames up to the damage
            self._image, self._damaged_from = None, (number, error)
            raise
        with damage_named():
            self._image.load()
            return to_srgb(ImageOps.exif_transpose(self._image))


def is_image(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an image of a listed format.

    TGA has no signature and is only known by its file name.
    """
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():  # PPM
        return True
    marks = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
    return head.startswith(marks) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


@contextmanager
def damage_named() -> Iterator[None]:
    """Turn whatever a decoder raises on a damaged file into ``UnreadableImage``.

    For fuzzed files, Pillow also raises TypeError and IndexError, which it does not document.
    """
    try:
        yield
    except (UnreadableImage, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImage(f"not an image file ({', '.join(FORMATS)})") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("too many pixels: a decompression bomb") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImage(f"damaged: {reason}") from error


def _mended(data: bytes, work: Callable[[bytes], Image.Image]) -> Image.Image:
    """``work`` on an image; if that fails, again without texts that Pillow may have refused."""
    try:
        return work(data)
    except (UnreadableImage, MemoryError):
        raise
    except Exception:
        slim = without_texts(data)
        if slim is None:
            raise
        image = work(slim[0])
        if slim[1] is not None:
            image.info["icc_profile"] = slim[1]
        return image


def _loaded(data: bytes, at_least: tuple[int, int] | None) -> Image.Image:
    """Decoded and upright, with colors as stored."""
    image = _opened(data)
    is_jpeg = image.format in _JPEG
    if is_jpeg:
        full, by = image.size, _shrinking(image.height, image.width, at_least)
        if by > 1:
            image.draft(None, (image.width // by, image.height // by))
            image.info["draft"] = Draft.of(full, by, _orientation(image))
    image.load()
    if not is_jpeg or not _MAY_TURN.isdisjoint(image.info):
        image = ImageOps.exif_transpose(image)
    return image


def _opened(data: bytes) -> Image.Image:
    """An image whose header is read, but not its pixels."""
    if not data:
        raise UnreadableImage("empty file")
    image = Image.open(BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableImage(f"{image.width}x{image.height} pixels: too large")
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8."""
    if image.format in _JPEG and _MAY_TURN.isdisjoint(image.info):
        return 1
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation if orientation in range(1, 9) else 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) that an opened image will have, upright."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # as stored: some versions of Pillow have already turned the image's own size
        stored = (image.tag_v2[_TIFF_HEIGHT], image.tag_v2[_TIFF_WIDTH])
    else:
        stored = (image.height, image.width)
    return stored[::-1] if _orientation(image) in SIDEWAYS else stored


def _shrinking(height: int, width: int, at_least: tuple[int, int] | None) -> int:
    """How many times smaller a JPEG may be decoded: 1, 2, 4 or 8."""
    if at_least is None:
        return 1
    side = math.ceil(max(at_least) * _SPARE)  # the larger: EXIF may turn the image
    return next((by for by in (8, 4, 2) if min(height, width) >= by * side), 1)


def _quick_jpeg(data: bytes, at_least: tuple[int, int] | None) -> Image.Image | None:
    """The same pixels as Pillow's in half the time, if the extra ``fast`` is installed.

    None for anything but a plain upright JPEG, and for damaged ones, whose damage Pillow names.
    """
    simplejpeg = _simplejpeg()
    if simplejpeg is None or not data.startswith(b"\xff\xd8\xff"):
        return None
    if any(mark in data for mark in _MAY_TURN_MARKS):
        return None
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if space not in {"Gray", "YCbCr"} or height * width > MOST_PIXELS:
            return None
        by = _shrinking(height, width, at_least)
        pixels = simplejpeg.decode_jpeg(
            data,
            "GRAY" if space == "Gray" else "RGB",
            min_height=-(-height // by),
            min_width=-(-width // by),
        )
        profile = _profile_of_jpeg(data)
    except MemoryError:
        raise
    except Exception:  # undocumented: an unknown subsampling is a KeyError
        return None
    image = Image.fromarray(pixels[:, :, 0] if space == "Gray" else pixels)
    if profile is not None:
        image.info["icc_profile"] = profile
    if by > 1:
        image.info["draft"] = Draft.of((width, height), by, 1)
    return image


def _profile_of_jpeg(data: bytes) -> bytes | None:
    """The color profile in a JPEG, as Pillow returns it; empty if damaged."""
    at = data.find(_PROFILE_MARK)
    if at < 0:
        return None
    length = int.from_bytes(data[at - 2 : at], "big")
    if data[at - 4 : at - 2] == b"\xff\xe2" and data[at + 12 : at + 14] == b"\x01\x01":
        return data[at + 14 : at - 2 + length]  # in one piece, as nearly always
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return (image.info["icc_profile"] or b"") if "icc_profile" in image.info else None


@cache
def _simplejpeg() -> ModuleType | None:
    """The optional decoder of the extra ``fast``."""
    try:
        return import_module("simplejpeg")
    except ImportError:
        return None
