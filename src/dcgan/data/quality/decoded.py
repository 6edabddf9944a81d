"""Blank images and copies among decoded images of one size.

N images · C channels · H, W sides
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from dcgan.data.quality.measurements import BLANK_DEVIATION

_AT_A_TIME = 256
_BYTES = 16


def count_blank_and_copies(images_NCHW: NDArray[np.uint8]) -> tuple[int, int]:
    """How many images show nothing, and how many others equal an earlier image.

    Both are counted at the size of the images, uint8 (N, C, H, W): reading the files again for the
    exact numbers, as :func:`dcgan.data.quality.inspection.inspect_dataset` does, takes longer.
    """
    blank = copies = 0
    seen: set[bytes] = set()
    for start in range(0, len(images_NCHW), _AT_A_TIME):
        part = np.ascontiguousarray(images_NCHW[start : start + _AT_A_TIME])
        deviation_NC = part.std(axis=(2, 3), dtype=np.float32)
        for image, is_blank in zip(part, (deviation_NC < BLANK_DEVIATION).all(axis=1), strict=True):
            if is_blank:
                blank += 1
                continue
            digest = hashlib.blake2b(image.data, digest_size=_BYTES).digest()
            copies += digest in seen
            seen.add(digest)
    return blank, copies
