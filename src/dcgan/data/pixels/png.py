"""PNG files whose texts or color profile are larger than Pillow accepts."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}

_XMP, _MOST_XMP = b"XML:com.adobe.xmp\0\0", 2**16
"""How an uncompressed XMP text begins. It may hold the orientation, so short ones are kept."""

_MOST_PROFILE = 2**24
"""Bytes of an unpacked color profile: those of printers have a few million."""


def without_texts(data: bytes) -> tuple[bytes, bytes | None] | None:
    """A PNG file without its texts and color profile, which do not change any pixel.

    Pillow refuses an image whose texts or profile are large or damaged, since they may be
    decompression bombs.

    Returns
    -------
    (bytes, bytes or None), or None
        The shorter file, and the unpacked profile: empty if it is damaged or larger than 16 MB,
        None if there is none. None if the data are not a PNG or there is nothing to drop.
    """
    if not data.startswith(_SIGNATURE):
        return None
    kept, profile = [_SIGNATURE], None
    for kind, chunk in _chunks(data):
        body = chunk[8:-4]
        if kind == b"iCCP":
            profile = _unpacked(body)
        elif kind not in _TEXTS or (body.startswith(_XMP) and len(body) <= _MOST_XMP):
            kept.append(chunk)
    slim = b"".join(kept)
    return None if len(slim) == len(data) else (slim, profile)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes of every chunk, with its length and checksum; a truncated one as it is."""
    start = len(_SIGNATURE)
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, data[start : start + 12 + length]
        start += 12 + length


def _unpacked(body: bytes) -> bytes:
    """The profile of an ``iCCP`` chunk; empty if it is damaged or too large."""
    packed = body.partition(b"\0")[2][1:]  # after the name and the only compression method
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(packed, _MOST_PROFILE)
    except zlib.error:
        return b""
    return profile if stream.eof else b""
