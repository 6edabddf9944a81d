"""Members of zips unpacked, to no more bytes than asked for.

The standard library's ``zipfile`` bounds what it returns and not what it unpacks: of bzip2 and LZMA
it unpacks 4 kB at once, which can be gigabytes. Methods: APPNOTE.TXT, 4.4.5; LZMA's header, 5.8.8.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14
"""Numbers of the methods in a zip's directory."""

_LEAST_DICTIONARY = 4096


def unpacked(packed: bytes, method: int, most: int) -> bytes:
    """The content of a member, or the first ``most`` bytes of it.

    Parameters
    ----------
    packed : bytes
    method : int
        The number of the compression in the zip's directory.
    most : int

    Raises
    ------
    ValueError, OSError, zlib.error, lzma.LZMAError
        Damaged, or of a method that is not supported.
    """
    if method == STORED:
        return packed[:most]
    if method == DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    if method == BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, most)
    if method == LZMA:
        return _from_lzma(packed, most)
    raise ValueError(f"compression method {method} is not supported; pack the images again")


def _from_lzma(packed: bytes, most: int) -> bytes:
    """Version (2 bytes), length of the properties (2), properties, then the raw stream."""
    length, properties, dictionary = struct.unpack("<2xHBI", packed[:9])
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    # the decoder takes its dictionary at once, so a lie would cost 4 GB; none needs more than all
    size = min(dictionary, max(most, _LEAST_DICTIONARY))
    chain = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": size}]
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
    return decoder.decompress(packed[4 + length :], most)
