"""Embedded ICC colour profiles: the colours they mean, as sRGB."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import product

import numpy as np
from PIL import Image, ImageCms

from dcgan.data.pixels.remarks import remark

_FOR = {
    **dict.fromkeys(("L", "LA"), "L"),
    **dict.fromkeys(("P", "PA", "RGB", "RGBA", "RGBX"), "RGB"),
    "CMYK": "CMYK",
}
"""Modes whose values a profile explains, and the mode that is converted for them. Those of more
than 8 bits are scaled first."""

_SPACES = {"GRAY": {"L"}, "RGB ": {"L", "RGB"}, "CMYK": {"CMYK"}}
"""Colour spaces of profiles and what they explain: grey levels, too, stand for a colour."""

_SAME_LEVELS = 2
"""A profile that moves no colour by more levels is sRGB by another name."""

_MOST_KEPT = 32
"""Conversions kept by each thread: most datasets have a few profiles, some one in each image."""

DAMAGED = "colour profile is damaged, so colours are used as they are stored"
FOREIGN = "colour profile is for another kind of image, so colours are used as they are stored"


@dataclass(frozen=True)
class _Conversion:
    """What makes the values of one mode sRGB: a table of grey levels, or a transform to RGB."""

    grey: tuple[int, ...] | None = None
    transform: ImageCms.ImageCmsTransform | None = None


class _Kept(threading.local):
    """Conversions of this thread by profile and mode; None where colours are sRGB already."""

    def __init__(self) -> None:
        self.by_profile: OrderedDict[tuple[bytes, str], _Conversion | str | None] = OrderedDict()


_kept = _Kept()


def to_srgb(image: Image.Image) -> Image.Image:
    """The same image with its colours in sRGB, as its embedded profile says.

    Images without a profile, and those whose profile is sRGB, are returned as they are. A damaged
    profile is remarked on and ignored. The rendering intent is perceptual, the ICC's default.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode, loaded.

    Returns
    -------
    PIL.Image.Image
        In the same mode, but RGB for CMYK, and with alpha where one colour was transparent.
    """
    profile = image.info.get("icc_profile")
    kind = _FOR.get(image.mode)
    if "icc_profile" not in image.info or kind is None or "srgb" in image.info:
        return image
    conversion = _conversion(profile, kind) if profile else DAMAGED
    if conversion is None:
        return image
    if isinstance(conversion, str):
        remark(conversion)
        return image
    converted = _converted(image, conversion)
    kept = {key: value for key, value in image.info.items() if key != "icc_profile"}
    if converted.mode != image.mode:
        kept.pop("transparency", None)  # is alpha by now
    converted.info = kept
    return converted


def _converted(image: Image.Image, conversion: _Conversion) -> Image.Image:
    if image.mode == "P" and image.palette is not None and image.palette.mode == "RGB":
        colours = image.getpalette() or []
        strip = Image.frombytes("RGB", (len(colours) // 3, 1), bytes(colours))
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
    if conversion.grey is not None:
        return image.point(conversion.grey)
    assert conversion.transform is not None
    return conversion.transform.apply(image)


def _conversion(profile: bytes, mode: str) -> _Conversion | str | None:
    """What a profile asks for, made once per thread: LittleCMS's transforms keep a state."""
    key = (hashlib.blake2b(profile, digest_size=16).digest(), mode)
    known = _kept.by_profile
    if key not in known:
        known[key] = _made(profile, mode)
        if len(known) > _MOST_KEPT:
            known.popitem(last=False)
    known.move_to_end(key)
    return known[key]


def _made(profile: bytes, mode: str) -> _Conversion | str | None:
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = opened.profile.xcolor_space
        if mode not in _SPACES.get(space, ()):
            return FOREIGN
        stored = "RGB" if space == "RGB " else mode
        # LittleCMS's quick way with one channel is up to 10 levels off in the shadows
        flags = ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE
        transform = ImageCms.ImageCmsTransform(opened, _srgb(), stored, "RGB", flags=flags)
        if mode == "CMYK":
            return _Conversion(transform=transform)
        grid = _greys() if mode == "L" else _colours()
        seen = transform.apply(grid.convert(stored))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return DAMAGED
    moved = np.abs(np.asarray(seen, int) - np.asarray(grid.convert("RGB"), int)).max()
    if moved <= _SAME_LEVELS:
        return None
    if mode == "L":
        return _Conversion(grey=tuple(np.asarray(seen.convert("L"))[0].tolist()))
    return _Conversion(transform=transform)


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _greys() -> Image.Image:
    """Every grey level, from black to white."""
    return Image.fromarray(np.arange(256, dtype=np.uint8)[None])


@cache
def _colours() -> Image.Image:
    """Colours spread evenly over the cube."""
    levels = range(0, 256, 15)
    return Image.fromarray(np.array(list(product(levels, repeat=3)), np.uint8)[None])
