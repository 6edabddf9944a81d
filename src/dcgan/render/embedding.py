"""Images inside pages: small files, without white between the images of a sheet."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

_LOSSLESS_BYTES = 60_000
"""Up to this size an image is embedded without loss."""

_QUALITY = 82
"""WebP quality of larger images; the loss is hardly visible."""


def png_uri(image: Image.Image) -> str:
    """An image as a data URI, in PNG format."""
    return as_uri("image/png", _encoded(image, "PNG"))


def compact_uri(image: Image.Image) -> str:
    """An image as a data URI in WebP format: without loss if that is small, else in high quality.

    Keeps transparency.
    """
    shown = image if image.mode in ("RGB", "RGBA") else image.convert(_colored(image))
    data = _encoded(shown, "WEBP", quality=_QUALITY, method=2)
    if len(data) < _LOSSLESS_BYTES:
        exact = _encoded(shown, "WEBP", lossless=True, quality=30, method=1)
        data = exact if len(exact) < _LOSSLESS_BYTES else data
    return as_uri("image/webp", data)


def as_uri(kind: str, data: bytes) -> str:
    """The content of a file as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """The image with its longer side reduced to at most ``side`` pixels."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def clear_gaps(sheet: Image.Image, cell: tuple[int, int], gap: int) -> Image.Image:
    """A sheet whose gaps are transparent, to fit a light and a dark page.

    Parameters
    ----------
    sheet : Image
        Unchanged if it is not made of such cells.
    cell : (int, int)
        Width and height of the images on it, in pixels.
    gap : int
        Pixels between them and around them.
    """
    counts = [(side - gap) % (one + gap) for side, one in zip(sheet.size, cell, strict=True)]
    if any(counts):
        return sheet
    pixels = np.array(sheet.convert("RGBA"))
    for axis, one in ((1, cell[0]), (0, cell[1])):
        is_gap = np.arange(pixels.shape[axis]) % (one + gap) < gap
        if axis:
            pixels[:, is_gap] = 0
        else:
            pixels[is_gap] = 0
    return Image.fromarray(pixels)


def _colored(image: Image.Image) -> str:
    return "RGBA" if image.mode in ("LA", "PA") or "transparency" in image.info else "RGB"


def _encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    data = BytesIO()
    image.save(data, format=form, **options)
    return data.getvalue()
