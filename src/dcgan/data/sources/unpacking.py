"""Unpacks members of zips, to no more bytes than requested.

``zipfile`` bounds what it returns, not what it unpacks: 4 kB of bzip2 or LZMA may unpack to
gigabytes. Methods: APPNOTE.TXT, 4.4.5; LZMA's header, 5.8.8.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED

_LEAST_DICTIONARY = 4096


def unpacked(packed: bytes, method: int, most: int) -> bytes:
    """The first ``most`` bytes of a member, which is packed by the method of that number.

    Raises
    ------
    ValueError, OSError, zlib.error, lzma.LZMAError
        Damaged, or of a method that is not supported.
    """
    if method == ZIP_STORED:
        return packed[:most]
    if method == ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    if method == ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, most)
    if method == ZIP_LZMA:
        return _from_lzma(packed, most)
    raise ValueError(f"compression method {method} is not supported. Pack the images again")


def _from_lzma(packed: bytes, most: int) -> bytes:
    """Version (2 bytes), length of the properties (2), properties, then the raw stream."""
    length, properties, dictionary = struct.unpack("<2xHBI", packed[:9])
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    # the decoder allocates its dictionary at once, and a false size would cost 4 GB
    size = min(dictionary, max(most, _LEAST_DICTIONARY))
    chain = [{"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb, "dict_size": size}]
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
    return decoder.decompress(packed[4 + length :], most)
