"""PNG files whose texts or colour profile are larger than Pillow reads."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}

_PROFILE = b"iCCP"

_MOST_TEXT = 2**16
"""Longer descriptions (XMP) are dropped. One may say which side of an image is up."""

_XMP = b"XML:com.adobe.xmp\0\0"
"""How an uncompressed description begins."""

_MOST_PROFILE = 2**24
"""Bytes of an unpacked colour profile: those of printers have some millions."""


def without_texts(data: bytes) -> tuple[bytes, bytes | None] | None:
    """The same PNG without texts and colour profile, which no pixel depends on.

    Pillow refuses an image whose texts or profile are large or damaged, since they might be bombs.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    (bytes, bytes or None), or None
        The shorter file, and the unpacked profile: empty for one that is damaged or larger than
        16 MB, None where there is none. None for what is no PNG or has nothing to drop.
    """
    if not data.startswith(_SIGNATURE):
        return None
    kept, profile = [_SIGNATURE], None
    for kind, chunk in _chunks(data):
        body = chunk[8:-4]
        if kind == _PROFILE:
            profile = _unpacked(body)
        elif kind not in _TEXTS or (body.startswith(_XMP) and len(body) <= _MOST_TEXT):
            kept.append(chunk)
    slim = b"".join(kept)
    return None if len(slim) == len(data) else (slim, profile)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes of every chunk, length and checksum included; what is cut off comes as is."""
    start = len(_SIGNATURE)
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, data[start : start + 12 + length]
        start += 12 + length


def _unpacked(body: bytes) -> bytes:
    """The profile of an ``iCCP`` chunk; empty where it cannot be had."""
    packed = body.partition(b"\0")[2][1:]  # after the name, the method, of which there is one
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(packed, _MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if stream.eof else b""
