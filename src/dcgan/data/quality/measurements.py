"""What is measured on each image before training, in less than a kilobyte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from scipy.fft import dct

from dcgan.data.pixels.color import has_alpha, to_channels
from dcgan.data.pixels.decode import count_frames, damage_named, decode
from dcgan.data.pixels.values import UNKNOWN, Values, kind_of
from dcgan.data.sources.base import EncodedSource, Source

LUMA_SIDE, CHROMA_SIDE = 16, 8
"""Sides of a thumbnail's planes: images have less detail in their colors."""

THUMBNAIL_BYTES = LUMA_SIDE**2 + 2 * CHROMA_SIDE**2

BLANK_DEVIATION = 2.0
"""An image is blank if no channel's standard deviation reaches this many of 255 levels: one black
pixel among 28×28 white ones gives 9, the noise of a uniform JPEG less than 1."""

_COLORLESS_LEVELS = 4
"""An image has no color if its channels differ nowhere by more: nobody sees 4 of 255 levels."""

_GRAY_MODES = {"1", "L", "LA", "La", "I", "F"}
SMALL_SIDE = 32
"""Side of the reduced image that is hashed and searched for color."""

# the eight lowest frequencies above the constant one
_LOW_FREQUENCIES = dct(np.eye(SMALL_SIDE), axis=0, norm="ortho")[1:9].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """Measurements of one image; a transparent one is measured on white.

    Attributes
    ----------
    mode : str
        Pillow's.
    size : (height, width)
    frames : int
        More than 1 if it is animated or has pages.
    has_color : bool
    is_transparent : bool
        Some pixel is not fully opaque.
    is_blank : bool
        All pixels look the same.
    vanishes : bool
        It is blank only on a white background: white and partly transparent.
    digest : bytes
        16 bytes, equal for equal pixels in the same mode and size.
    hash : int
        64 bits, few of which differ between images that look alike.
    thumbnail : uint8 (THUMBNAIL_BYTES,)
        Luma and two chroma planes, one after the other.
    mean, square : (3,)
        Mean of each channel and of its square over all pixels, in levels of 0 to 255.
    """

    mode: str
    size: tuple[int, int]
    frames: int
    has_color: bool
    is_transparent: bool
    is_blank: bool
    vanishes: bool
    digest: bytes
    hash: int
    thumbnail: NDArray[np.uint8]
    mean: NDArray[np.float64]
    square: NDArray[np.float64]


def open_with_frames(source: Source, index: int) -> tuple[Image.Image, int]:
    """An image and its number of frames, fetched once; raises what ``source.read`` raises."""
    if not isinstance(source, EncodedSource):
        return source.read(index), 1
    data = source.fetch(index)
    image = decode(data)
    # a JPEG with several images is a stereo pair or has a preview; it is not animated
    return image, 1 if data.startswith(b"\xff\xd8") else count_frames(data)


def look(image: Image.Image, frames: int = 1, values: Values = UNKNOWN) -> Look:
    """Measure one image; ``values`` as for :func:`dcgan.data.pixels.color.to_channels`.

    Raises
    ------
    UnreadableImage
        Its colors cannot be converted.
    """
    with damage_named():
        on_white = to_channels(image, 3, values=values)
        small = on_white.resize(
            (SMALL_SIDE, SMALL_SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0
        )
        planes = small.convert("YCbCr")
        alpha = _alpha(image, values)
        mean, square = _moments(on_white)
        blank = bool((square - mean**2 < BLANK_DEVIATION**2).all())
        return Look(
            mode=image.mode,
            size=(image.height, image.width),
            frames=frames,
            has_color=is_color_mode(image.mode) and has_color(on_white, small),
            is_transparent=alpha is not None and alpha[0] < 255,
            is_blank=blank,
            vanishes=blank and alpha is not None and alpha[0] < alpha[1],
            digest=_digest(image),
            hash=perceptual_hash(np.asarray(planes.getchannel(0))),
            thumbnail=_thumbnail(planes),
            mean=mean,
            square=square,
        )


def is_color_mode(mode: str) -> bool:
    """Whether images of one of Pillow's modes may have color."""
    return mode not in _GRAY_MODES and not mode.startswith("I;")


def has_color(image: Image.Image, small: Image.Image | None = None) -> bool:
    """Whether channels differ by more than 4 levels anywhere.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode RGB.
    small : PIL.Image.Image, optional
        The same, reduced: most images with color already show it there.
    """
    if small is None:
        small = image.resize((SMALL_SIDE, SMALL_SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    if int(np.ptp(np.asarray(small).astype(np.int16), axis=2).max()) > _COLORLESS_LEVELS:
        return True
    red, green, blue = image.split()
    return any(
        ImageChops.difference(one, other).getextrema()[1] > _COLORLESS_LEVELS  # type: ignore[operator]
        for one, other in ((red, green), (green, blue), (red, blue))
    )


def perceptual_hash(luma: NDArray[np.uint8]) -> int:
    """The 64-bit hash of an image's luma at 32×32.

    Each bit tells whether one of 8×8 low frequencies of the cosine transform is above the median,
    without the frequencies that are constant along one side (pHash; Zauner, "Implementation and
    benchmarking of perceptual image hash functions", 2010, section 3.2.1).
    """
    low = (_LOW_FREQUENCIES @ luma.astype(np.float32) @ _LOW_FREQUENCIES.T).ravel()
    upper_half = low >= np.partition(low, 32)[32]
    return int.from_bytes(np.packbits(upper_half).tobytes(), "big")


def _thumbnail(small: Image.Image) -> NDArray[np.uint8]:
    luma = np.asarray(small.getchannel(0).reduce(SMALL_SIDE // LUMA_SIDE))
    chroma = np.asarray(small.reduce(SMALL_SIDE // CHROMA_SIDE))
    return np.concatenate([luma.ravel(), chroma[:, :, 1].ravel(), chroma[:, :, 2].ravel()])


def _moments(image: Image.Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean of every channel and of its square, exact, without holding the pixels again."""
    shares = np.array(image.histogram(), np.float64).reshape(3, 256) / (image.width * image.height)
    levels = np.arange(256.0)
    return shares @ levels, shares @ levels**2


def _alpha(image: Image.Image, values: Values) -> tuple[int, int] | None:
    """Least and greatest opacity, 0 to 255; None without alpha."""
    if not has_alpha(image):
        return None
    if kind_of(image.mode) is not None:  # Pillow would make every pixel opaque
        image = values.to_gray(image)
    least, greatest = image.convert("RGBA").getchannel("A").getextrema()
    return int(least), int(greatest)  # type: ignore[arg-type]


def _digest(image: Image.Image) -> bytes:
    palette = image.getpalette() if image.mode in {"P", "PA"} else None
    about = (image.mode, image.size, palette, image.info.get("transparency"))
    hashed = hashlib.sha256(repr(about).encode())  # in hardware: three times faster than BLAKE2b
    hashed.update(image.tobytes())
    return hashed.digest()[:16]
