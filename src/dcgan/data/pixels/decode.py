"""Bytes to a picture in its own mode."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from types import ModuleType

from PIL import ExifTags, Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from dcgan.data.pixels.draft import Draft
from dcgan.data.pixels.gif import count_gif_frames
from dcgan.data.pixels.png import without_texts
from dcgan.data.pixels.profiles import to_srgb
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

MOST_BYTES = 4 * MOST_PIXELS + 2**20
"""Larger files are not read: 4 bytes a pixel, and a header, are more than any picture needs."""

_SPARE = 1.25
"""A JPEG decoded at a fraction of its size stays at least this much larger than what is wanted of
it. On photographs for 64×64 that differs from decoding in full by 1.15 of 255 levels on average
(``benchmarks/data.py --drafts``)."""


_LYING = {5, 6, 7, 8}
"""EXIF orientations that exchange height and width."""

_TIFF_WIDTH, _TIFF_HEIGHT = TiffImagePlugin.IMAGEWIDTH, TiffImagePlugin.IMAGELENGTH

_ANIMATED = {"GIF", "PNG", "WEBP", "TIFF"}

_JPEG = {"JPEG", "MPO"}
"""The second is that of telephones: several images in one file."""

_MAY_TURN = {"exif", "xmp"}
"""Where Pillow keeps what may turn a JPEG; without either there is nothing to parse."""

_TURNING = (b"Exif\0\0", b"http://ns.adobe.com/xap/")
"""How those two begin in the file."""

_PROFILED = b"ICC_PROFILE\0"
"""How a colour profile begins there, before the number of its piece and of all pieces."""


def decode(data: bytes, at_least: tuple[int, int] | None = None) -> Image.Image:
    """Decode an encoded picture, of an animated one the first frame, upright as its EXIF
    orientation says.

    Parameters
    ----------
    data : bytes
    at_least : (height, width), optional
        What the picture will be shrunk to. A much larger JPEG is then decoded at 1/2, 1/4 or 1/8
        of its size, which saves most of the work.

    Returns
    -------
    PIL.Image.Image
        In its own mode, fully loaded.

    Raises
    ------
    UnreadableImage
        Not a picture of a listed format, damaged, or too large; the message is the reason.
    """
    image = _quick_jpeg(data, at_least)
    with damage_named():
        if image is None:
            image = _mended(data, lambda data: _loaded(data, at_least))
        return to_srgb(image)


def peek(data: bytes) -> tuple[str, tuple[int, int]]:
    """Mode and upright (height, width) of an encoded picture, from its header alone.

    Raises
    ------
    UnreadableImage
        Not a picture of a listed format, or too large; damage further on goes unseen.
    """
    with damage_named():
        image = _mended(data, _opened)
        return image.mode, _upright_size(image)


def count_frames(data: bytes) -> int:
    """How many frames a picture has; 1 for one that cannot be read, for which that is reported."""
    try:
        with damage_named():
            image = _mended(data, _opened)
            if image.format == "GIF":
                return count_gif_frames(data)
            # the further pictures of a telephone's JPEG are depths and brightnesses
            return int(getattr(image, "n_frames", 1)) if image.format in _ANIMATED else 1
    except UnreadableImage:
        return 1


class Film:
    """The frames of an encoded picture.

    Going forward decodes each frame once; going back begins again at the first.

    Parameters
    ----------
    data : bytes
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._image: Image.Image | None = None
        self._torn: tuple[int, UnreadableImage] | None = None

    def frame(self, number: int) -> Image.Image:
        """One frame, counted from 0, as :func:`decode` gives the first.

        Raises
        ------
        UnreadableImage
            As :func:`decode`; or there is no such frame, or none behind a damaged one.
        """
        if self._torn is not None and number >= self._torn[0]:
            raise self._torn[1]
        try:
            with damage_named():
                if self._image is None or self._image.tell() > number:
                    self._image = _mended(self._data, _opened)
                self._image.seek(number)
        except UnreadableImage as error:
            # not tried again for each of the next: that would go through the whole film each time
            self._image, self._torn = None, (number, error)
            raise
        with damage_named():
            self._image.load()
            return to_srgb(ImageOps.exif_transpose(self._image))


def is_image(head: bytes) -> bool:
    """Whether a file that begins like this is a picture of a listed format, whatever its name.

    TGA has no mark of its own and is only known by its name.
    """
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():  # PPM
        return True
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


def _mended(data: bytes, work: Callable[[bytes], Image.Image]) -> Image.Image:
    """What ``work`` makes of an image, without its texts where Pillow would refuse it for them."""
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
    """Decoded and upright, its colours as they are stored."""
    image = _opened(data)
    is_jpeg = image.format in _JPEG
    if is_jpeg:
        full, by = image.size, _shrinking(image.height, image.width, at_least)
        if by > 1:  # None: the mode stays
            image.draft(None, (image.width // by, image.height // by))
            Draft.of(full, by, _orientation(image)).put(image)
    image.load()
    if not is_jpeg or not _MAY_TURN.isdisjoint(image.info):
        image = ImageOps.exif_transpose(image)
    return image


def _opened(data: bytes) -> Image.Image:
    """The header read, the pixels not yet."""
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
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """(height, width) that an opened image will have, upright."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # as stored, since some versions of Pillow have turned the size of the image itself by now
        stored = (image.tag_v2[_TIFF_HEIGHT], image.tag_v2[_TIFF_WIDTH])
    else:
        stored = (image.height, image.width)
    return stored[::-1] if _orientation(image) in _LYING else stored


def _shrinking(height: int, width: int, at_least: tuple[int, int] | None) -> int:
    """By how much a JPEG may be shrunk while it is decoded: 1, 2, 4 or 8."""
    if at_least is None:
        return 1
    side = math.ceil(max(at_least) * _SPARE)  # the larger one, as EXIF may yet turn the picture
    return next((by for by in (8, 4, 2) if min(height, width) >= by * side), 1)


def _quick_jpeg(data: bytes, at_least: tuple[int, int] | None) -> Image.Image | None:
    """The same pixels as Pillow's, in half the time, where the faster decoder is installed.

    None for all that is not a plain upright JPEG, and for damaged ones: Pillow says how.
    """
    simplejpeg = _simplejpeg()
    if simplejpeg is None or not data.startswith(b"\xff\xd8\xff"):
        return None
    if any(mark in data for mark in _TURNING):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in {"Gray", "YCbCr"} or height * width > MOST_PIXELS:
            return None
        by = _shrinking(height, width, at_least)
        pixels = simplejpeg.decode_jpeg(
            data,
            "GRAY" if colours == "Gray" else "RGB",
            min_height=-(-height // by),
            min_width=-(-width // by),
        )
    except MemoryError:
        raise
    except Exception:  # it promises no exceptions: an unknown subsampling is a KeyError
        return None
    image = Image.fromarray(pixels[:, :, 0] if colours == "Gray" else pixels)
    profile = _profile_of_jpeg(data)
    if profile is not None:
        image.info["icc_profile"] = profile
    if by > 1:
        Draft.of((width, height), by, 1).put(image)
    return image


def _profile_of_jpeg(data: bytes) -> bytes | None:
    """The colour profile in a JPEG, as Pillow gives it; empty for a damaged one."""
    at = data.find(_PROFILED)
    if at < 0:
        return None
    length = int.from_bytes(data[at - 2 : at], "big")
    if data[at - 4 : at - 2] == b"\xff\xe2" and data[at + 12 : at + 14] == b"\x01\x01":
        return data[at + 14 : at - 2 + length]  # nearly all: in one piece
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        return image.info.get("icc_profile", None) or (b"" if "icc_profile" in image.info else None)


@cache
def _simplejpeg() -> ModuleType | None:
    """The optional decoder of the extra ``fast``."""
    try:
        import simplejpeg
    except ImportError:
        return None
    module: ModuleType = simplejpeg
    return module
