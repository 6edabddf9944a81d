"""Find equal and nearly equal images without comparing all pairs.

N images · K hashes · P pairs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dcgan.data.quality.measurements import CHROMA_SIDE, LUMA_SIDE

Group = tuple[int, ...]
"""Rows of at least two images that belong together, ascending."""

HASH_BITS, ALIKE = 8, 0.96
"""Near duplicates differ in at most this many of 64 bits, and their thumbnails correlate at least
this much. This finds re-encoded, resized and brightened photographs, and nine of ten that lost 2 %
at every edge. On CIFAR-10, each of 200 groups showed one photograph."""

SIMPLE_HASH_BITS, SIMPLE_ALIKE = 4, 0.997
"""The same if one of the two is mostly background: among 60,000 MNIST digits, different handwriting
reaches 0.996 by chance."""

SIMPLE_SHARE, _OFF_BACKGROUND = 0.45, 12
"""An image is mostly background if less than this share of its thumbnail is more than 12 levels off
the median luma: 99.9 % of MNIST are, and 6 % of CIFAR-10."""

_BANDS = 5
"""With up to 4 differing bits, one of 5 bands has none; with up to 9, one has at most one."""

_CANDIDATES = 1 << 17
_COMPARED = 1 << 14
"""Pairs held at once, as numbers and as thumbnails."""

_1, _2, _4, _56 = (np.uint64(number) for number in (1, 2, 4, 56))


def exact_duplicates(digests: Sequence[bytes]) -> list[Group]:
    """Groups of equal digests.

    >>> exact_duplicates([b"a", b"b", b"a"])
    [(0, 2)]
    """
    found: dict[bytes, list[int]] = {}
    for row, digest in enumerate(digests):
        found.setdefault(digest, []).append(row)
    return [tuple(rows) for rows in found.values() if len(rows) > 1]


def near_duplicates(
    hashes: NDArray[np.uint64], thumbnails: NDArray[np.uint8], coarse: NDArray[np.bool_]
) -> list[Group]:
    """Groups of images that look the same except for size, encoding, brightness or a narrow edge.

    Two images are near duplicates if their hashes differ in at most ``HASH_BITS`` bits and their
    thumbnails correlate at least ``ALIKE``, or ``SIMPLE_HASH_BITS`` and ``SIMPLE_ALIKE`` if one is
    mostly background or coarse. Such pairs connect a group. Stretched copies count; mirrored,
    rotated and gray copies do not.

    Parameters
    ----------
    hashes : uint64 (N,)
    thumbnails : uint8 (N, THUMBNAIL_BYTES)
    coarse : bool (N,)
        Images with too few pixels for more than simple shapes, which need the stricter limits.
    """
    if len(hashes) < 2:
        return []
    simple = np.logical_or(coarse, _is_simple(thumbnails))

    def alike(pairs_P2: NDArray[np.int64]) -> NDArray[np.int64]:
        some_simple = simple[pairs_P2[:, 0]] | simple[pairs_P2[:, 1]]
        bits = _differing_bits(*hashes[pairs_P2].T)
        possible = bits <= np.where(some_simple, SIMPLE_HASH_BITS, HASH_BITS)
        pairs_P2, some_simple = pairs_P2[possible], some_simple[possible]
        likeness = _correlation(*thumbnails[pairs_P2].swapaxes(0, 1))
        return pairs_P2[likeness >= np.where(some_simple, SIMPLE_ALIKE, ALIKE)]

    leaders, found = _collapse(hashes, alike)
    for rows, within in ((leaders, SIMPLE_HASH_BITS), (leaders[~simple[leaders]], HASH_BITS)):
        for pairs in close_pairs(hashes[rows], within):
            for start in range(0, len(pairs), _COMPARED):
                found.append(alike(rows[pairs[start : start + _COMPARED]]))
    return _components(len(hashes), found)


def close_pairs(hashes_K: NDArray[np.uint64], within: int) -> Iterator[NDArray[np.int64]]:
    """Pairs of rows whose hashes differ in 1 to ``within`` bits, at most 9, as (P, 2).

    By multi-index hashing: of five bands of bits, at least one is equal in both hashes (up to 4
    bits) or differs in one bit, so only hashes that share such a band are compared (Norouzi,
    Punjani and Fleet 2012, arXiv:1307.2982). A pair may come more than once.
    """
    edges = np.linspace(0, 64, _BANDS + 1).round().astype(int).tolist()
    for low, high in pairwise(edges):
        band = (hashes_K >> np.uint64(low)).astype(np.int64) & ((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        band, ordered = band[order], hashes_K[order]
        rows = np.arange(len(band))
        flips = [1 << bit for bit in range(high - low)] if within >= _BANDS else []
        for flipped in (0, *flips):
            # each pair is found once: from the hash with the bit unset or, if equal, the earlier
            first = np.searchsorted(band, band | flipped, side="left") if flipped else rows + 1
            last = np.searchsorted(band, band | flipped, side="right")
            last = np.where(band & flipped, first, last)
            for one, other in _ranges(first, last, _CANDIDATES):
                bits = _differing_bits(ordered[one], ordered[other])
                near = (bits > 0) & (bits <= within)
                if near.any():
                    yield order[np.stack([one[near], other[near]], axis=1)]


def _ranges(
    first: NDArray[np.int64], last: NDArray[np.int64], most: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(row, each number from ``first`` to before ``last`` of that row), about ``most`` at once."""
    counts = last - first
    ends = np.cumsum(counts)
    row = 0
    while row < len(counts):
        done = int(ends[row - 1]) if row else 0
        stop = max(row + 1, int(np.searchsorted(ends, done + most, side="right")))
        some = counts[row:stop]
        rows = np.repeat(np.arange(row, stop), some)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(some) - some, some)
        yield rows, first[rows] + within
        row = stop


def _collapse(
    hashes: NDArray[np.uint64], alike: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """One image for all that look the same and share its hash, and the pairs that were found."""
    by_hash = np.argsort(hashes, kind="stable")
    edges = np.flatnonzero(np.diff(hashes[by_hash])) + 1
    leaders, found = [], []
    for rows in np.split(by_hash, edges):
        rest = rows
        while len(rest):
            leader, rest = rest[0], rest[1:]
            leaders.append(leader)
            if len(rest):
                pairs = alike(np.stack([np.full(len(rest), leader), rest], axis=1))
                found.append(pairs)
                rest = np.setdiff1d(rest, pairs[:, 1], assume_unique=True)
    return np.array(leaders), found


def _differing_bits(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.int64]:
    """By adding neighboring bits, then pairs, then fours (Warren, "Hacker's Delight", 5-1)."""
    bits = one ^ other
    bits -= (bits >> _1) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> _2) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> _4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return ((bits * np.uint64(0x0101010101010101)) >> _56).astype(np.int64)


def _is_simple(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which thumbnails are mostly background, (N,)."""
    simple = []
    for start in range(0, len(thumbnails), _COMPARED):
        luma = thumbnails[start : start + _COMPARED, : LUMA_SIDE**2].astype(np.int16)
        off = np.abs(luma - np.median(luma, axis=1, keepdims=True)) > _OFF_BACKGROUND
        simple.append(off.mean(axis=1) < SIMPLE_SHARE)
    return np.concatenate(simple)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlation of pairs of thumbnails, -1 to 1, (P,)."""
    first, second = _centered(one), _centered(other)
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    likeness: NDArray[np.float32] = np.einsum("ij,ij->i", first, second) / np.maximum(norms, 1e-6)
    return likeness


def _centered(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Every plane minus its mean; a chroma value counts as much as the pixels that it covers."""
    planes = thumbnails.astype(np.float32)
    edges = (0, LUMA_SIDE**2, LUMA_SIDE**2 + CHROMA_SIDE**2, planes.shape[1])
    for start, stop in pairwise(edges):
        planes[:, start:stop] -= planes[:, start:stop].mean(axis=1, keepdims=True)
    planes[:, LUMA_SIDE**2 :] *= LUMA_SIDE / CHROMA_SIDE
    return planes


def _components(count: int, pairs: Sequence[NDArray[np.int64]]) -> list[Group]:
    """Groups of ``count`` rows connected by pairs, in the order of their first rows."""
    one, other = np.concatenate(pairs or [np.empty((0, 2), np.int64)]).T
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(component[order])) + 1)
    return sorted(tuple(rows.tolist()) for rows in groups if len(rows) > 1)
