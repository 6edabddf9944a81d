"""Embedded ICC color profiles: convert the colors of an image to sRGB."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from functools import cache
from io import BytesIO
from itertools import product

import numpy as np
from PIL import Image, ImageCms

from dcgan.data.pixels.remarks import remark

_PROFILED = {
    **dict.fromkeys(("L", "LA"), "L"),
    **dict.fromkeys(("P", "PA", "RGB", "RGBA", "RGBX"), "RGB"),
    "CMYK": "CMYK",
}
"""Modes that a profile may describe, and the mode in which they are converted. Modes of more than
8 bits are scaled to 8 bits first."""

_SPACES = {"GRAY": {"L"}, "RGB ": {"L", "RGB"}, "CMYK": {"CMYK"}}
"""Color spaces of profiles and the modes they describe: gray levels, too, stand for a color."""

_SAME_LEVELS = 2
"""A profile that moves no color by more than this many of 255 levels is sRGB by another name."""

_MOST_KEPT = 32
"""Conversions kept by each thread: most datasets have a few profiles, some one in each image."""

DAMAGED = "color profile is damaged, so colors are used as they are stored"
FOREIGN = "color profile is for another kind of image, so colors are used as they are stored"

_Conversion = ImageCms.ImageCmsTransform | tuple[int, ...]
"""What turns the values of one mode into sRGB: a transform to RGB, or a table of gray levels."""


class _Kept(threading.local):
    """This thread's conversions by profile and mode: LittleCMS's transforms have a state.

    None if colors are sRGB already; a str says why there is no conversion.
    """

    def __init__(self) -> None:
        self.by_profile: OrderedDict[tuple[bytes, str], _Conversion | str | None] = OrderedDict()


_kept = _Kept()


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert the colors of an image from its embedded profile to sRGB.

    Images without a profile, and those whose profile is sRGB, are returned as they are. A damaged
    profile is ignored, with a remark. The rendering intent is perceptual, the ICC's default.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode, loaded.

    Returns
    -------
    PIL.Image.Image
        In the same mode, except RGB for CMYK, and with alpha if one color was transparent.
    """
    profile = image.info.get("icc_profile")
    mode = _PROFILED.get(image.mode)
    if "icc_profile" not in image.info or mode is None or "srgb" in image.info:
        return image
    conversion = _kept_conversion(profile, mode) if profile else DAMAGED
    if conversion is None:
        return image
    if isinstance(conversion, str):
        remark(conversion)
        return image
    converted = _convert(image, conversion)
    info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    if converted.mode != image.mode:
        info.pop("transparency", None)  # now in the alpha channel
    converted.info = info
    return converted


def _convert(image: Image.Image, conversion: _Conversion) -> Image.Image:
    if image.mode == "P" and image.palette is not None and image.palette.mode == "RGB":
        palette = image.getpalette() or []
        strip = Image.frombytes("RGB", (len(palette) // 3, 1), bytes(palette))
        image = image.copy()
        image.putpalette(_apply(strip, conversion).tobytes())
        return image
    if image.mode in {"P", "PA"} or "transparency" in image.info:
        image = image.convert("LA" if image.mode in {"L", "LA"} else "RGBA")
    if image.mode in {"LA", "RGBA"}:
        opaque = _apply(image.convert(image.mode[:-1]), conversion)
        opaque.putalpha(image.getchannel("A"))
        return opaque
    return _apply(image, conversion)


def _apply(image: Image.Image, conversion: _Conversion) -> Image.Image:
    if isinstance(conversion, tuple):
        return image.point(conversion)
    return conversion.apply(image)


def _kept_conversion(profile: bytes, mode: str) -> _Conversion | str | None:
    key = (hashlib.blake2b(profile, digest_size=16).digest(), mode)
    kept = _kept.by_profile
    if key not in kept:
        kept[key] = _new_conversion(profile, mode)
        if len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _new_conversion(profile: bytes, mode: str) -> _Conversion | str | None:
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = opened.profile.xcolor_space
        if mode not in _SPACES.get(space, ()):
            return FOREIGN
        stored = "RGB" if space == "RGB " else mode
        # LittleCMS's optimization for one channel is up to 10 levels off in the shadows
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.ImageCmsTransform(opened, _srgb(), stored, "RGB", flags=flags)
        if mode == "CMYK":
            return transform
        samples = _grays() if mode == "L" else _colors()
        converted = transform.apply(samples.convert(stored))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return DAMAGED
    moved = np.asarray(converted, int) - np.asarray(samples.convert("RGB"), int)
    if np.abs(moved).max() <= _SAME_LEVELS:
        return None
    return tuple(np.asarray(converted.convert("L"))[0].tolist()) if mode == "L" else transform


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _grays() -> Image.Image:
    """Every gray level, from black to white."""
    return Image.fromarray(np.arange(256, dtype=np.uint8)[None])


@cache
def _colors() -> Image.Image:
    """Colors spread evenly over the cube."""
    levels = range(0, 256, 15)
    return Image.fromarray(np.array(list(product(levels, repeat=3)), np.uint8)[None])
