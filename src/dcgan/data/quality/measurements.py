"""What is measured on one picture before any training: small enough to keep for each of many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from scipy.fft import dct

from dcgan.data.pixels.color import has_alpha, to_channels
from dcgan.data.pixels.decode import count_frames, damage_named, decode
from dcgan.data.pixels.values import UNKNOWN, Values
from dcgan.data.sources.base import EncodedSource, Source

LUMA_SIDE, CHROMA_SIDE = 16, 8
"""Sides of a thumbnail's planes: eyes, and pictures, hold less detail in the colours."""

THUMBNAIL_BYTES = LUMA_SIDE**2 + 2 * CHROMA_SIDE**2

BLANK_DEVIATION = 2.0
"""A picture is blank when no channel's standard deviation reaches this many of 255 levels: a single
black pixel on 28×28 white ones gives 9, the noise of a JPEG of nothing less than 1."""

COLOURLESS_LEVELS = 4
"""A picture has no colour when its channels are nowhere further apart: nobody sees 4 of 255."""

_GREY_MODES = {"1", "L", "LA", "La", "I", "F"}
_HASH_SIDE = COLOUR_SIDE = 32
# the eight lowest frequencies above the constant one
_LOW_FREQUENCIES = dct(np.eye(_HASH_SIDE), axis=0, norm="ortho")[1:9].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """One picture in less than a kilobyte.

    Attributes
    ----------
    mode : str
        Pillow's.
    size : (height, width)
    frames : int
        More than 1 when it is animated, or has pages.
    has_colour : bool
    is_transparent : bool
        Some pixel is not wholly opaque.
    is_blank : bool
        Nothing can be seen on it.
    vanishes : bool
        It is blank on the white background only: white with transparency around.
    digest : bytes
        16 of them, the same for the same pixels in the same mode and size.
    hash : int
        64 bits, few of which differ between pictures that look alike.
    thumbnail : uint8 (THUMBNAIL_BYTES,)
        Luma and two chroma planes, one after the other.
    mean, square : (3,)
        Mean of each channel and of its square over all pixels, in levels of 0 to 255.
    """

    mode: str
    size: tuple[int, int]
    frames: int
    has_colour: bool
    is_transparent: bool
    is_blank: bool
    vanishes: bool
    digest: bytes
    hash: int
    thumbnail: NDArray[np.uint8]
    mean: NDArray[np.float64]
    square: NDArray[np.float64]


def open_with_frames(source: Source, index: int) -> tuple[Image.Image, int]:
    """A picture and its number of frames, fetched once.

    Raises
    ------
    UnreadableImage
        As the source's own ``read``.
    """
    if not isinstance(source, EncodedSource):
        return source.read(index), 1
    data = source.fetch(index)
    image = decode(data)
    # a JPEG with several pictures is one for two eyes or with a preview, and not animated
    return image, 1 if data.startswith(b"\xff\xd8") else count_frames(data)


def look(image: Image.Image, frames: int = 1, values: Values = UNKNOWN) -> Look:
    """Measure one picture; a transparent one as it looks on white.

    Parameters
    ----------
    image : PIL.Image.Image
    frames : int, default 1
    values : Values
        See :func:`dcgan.data.pixels.color.to_channels`.

    Raises
    ------
    UnreadableImage
        Damage that only shows when the colours are converted.
    """
    with damage_named():
        on_white = to_channels(image, 3, values=values)
        small = on_white.resize(
            (_HASH_SIDE, _HASH_SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0
        )
        planes = small.convert("YCbCr")
        alpha = _alpha(image)
        mean, square = _moments(on_white)
        blank = _is_flat(mean, square)
        return Look(
            mode=image.mode,
            size=(image.height, image.width),
            frames=frames,
            has_colour=is_colour_mode(image.mode) and has_colour(on_white, small),
            is_transparent=alpha is not None and alpha[0] < 255,
            is_blank=blank,
            vanishes=blank and alpha is not None and alpha[0] < alpha[1],
            digest=_digest(image),
            hash=perceptual_hash(np.asarray(planes.getchannel(0))),
            thumbnail=_thumbnail(planes),
            mean=mean,
            square=square,
        )


def is_colour_mode(mode: str) -> bool:
    """Whether images of one of Pillow's modes may have colour."""
    return mode not in _GREY_MODES and not mode.startswith("I;")


def has_colour(image: Image.Image, small: Image.Image | None = None) -> bool:
    """Whether channels differ somewhere by more than 4 levels.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode RGB.
    small : PIL.Image.Image, optional
        The same, smaller: most images with colour show it there already.
    """
    if small is None:
        small = image.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    if int(np.ptp(np.asarray(small).astype(np.int16), axis=2).max()) > COLOURLESS_LEVELS:
        return True
    red, green, blue = image.split()
    return any(
        ImageChops.difference(one, other).getextrema()[1] > COLOURLESS_LEVELS  # type: ignore[operator]
        for one, other in ((red, green), (green, blue), (red, blue))
    )


def perceptual_hash(luma: NDArray[np.uint8]) -> int:
    """The hash of a picture's luma at 32×32, 64 bits.

    Which of the 8×8 lowest frequencies of its cosine transform, but those without change along one
    side, are above their median (pHash; Zauner, "Implementation and benchmarking of perceptual
    image hash functions", 2010, section 3.2.1).
    """
    low = (_LOW_FREQUENCIES @ luma.astype(np.float32) @ _LOW_FREQUENCIES.T).ravel()
    upper_half = low >= np.partition(low, 32)[32]
    return int.from_bytes(np.packbits(upper_half).tobytes(), "big")


def _thumbnail(small: Image.Image) -> NDArray[np.uint8]:
    luma = np.asarray(small.getchannel(0).reduce(_HASH_SIDE // LUMA_SIDE))
    chroma = np.asarray(small.reduce(_HASH_SIDE // CHROMA_SIDE))
    return np.concatenate([luma.ravel(), chroma[:, :, 1].ravel(), chroma[:, :, 2].ravel()])


def _moments(image: Image.Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of every channel and of its square, exact, without holding the pixels again."""
    shares = np.array(image.histogram(), np.float64).reshape(3, 256) / (image.width * image.height)
    levels = np.arange(256.0)
    return shares @ levels, shares @ levels**2


def _is_flat(mean: NDArray[np.float64], square: NDArray[np.float64]) -> bool:
    return bool((square - mean**2 < BLANK_DEVIATION**2).all())


def _alpha(image: Image.Image) -> tuple[int, int] | None:
    """Least and greatest opacity, 0 to 255; None where a picture has no such thing."""
    if not has_alpha(image):
        return None
    least, greatest = image.convert("RGBA").getchannel("A").getextrema()
    return int(least), int(greatest)  # type: ignore[arg-type]


def _digest(image: Image.Image) -> bytes:
    palette = image.getpalette() if image.mode in {"P", "PA"} else None
    about = (image.mode, image.size, palette, image.info.get("transparency"))
    hashed = hashlib.sha256(repr(about).encode())  # in hardware: three times as fast as BLAKE2b
    hashed.update(image.tobytes())
    return hashed.digest()[:16]
