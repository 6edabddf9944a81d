"""The split and the class of each image, by the names of its folders.

N images
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.labels.splits import in_order, split_level, split_of

Parts = tuple[str, ...]

_FEW = 0.05
"""Share of the images that may have no class: these are skipped, the others keep theirs."""

_BLOCK_DIGITS = 3
"""Folders that are numbers of at least 3 digits may be storage: 00000, 00001 …"""


def are_few(without: int, count: int) -> bool:
    """Whether so few images have no class that they are skipped."""
    return without <= _FEW * count or (without == 1 and count > 5)


def most_classes(count: int) -> int:
    """How many distinct values of ``count`` images may be classes; more are names or numbers."""
    return max(10, count // 2)


class Layout:
    """The folder of each image, each folder kept once.

    Attributes
    ----------
    folders : list of tuple of str
        The parts of each folder's path.
    of : int32 (N,)
        The number of each image's folder.
    split_depth : int or None
        The level at which folders are splits.
    splits : list of str
        The split of each folder; empty where it lies outside of them.
    """

    def __init__(self, names: Iterable[str]) -> None:
        known: dict[str, int] = {}
        self.of = np.fromiter(
            (known.setdefault(_folder(name), len(known)) for name in names), np.int32
        )
        self.folders: list[Parts] = [_parts(folder) for folder in known]
        found = split_level(self.folders)
        self.split_depth = None if found is None else found[0]
        self.splits = [""] * len(self.folders)
        if found is not None:
            depth, split_by_name = found
            self.splits = [
                split_by_name[parts[depth]] if len(parts) > depth else "" for parts in self.folders
            ]

    def split_counts(self) -> dict[str, int]:
        """Images of each split."""
        counts = Counter(map(self.splits.__getitem__, self.of.tolist()))
        del counts[""]
        return in_order(counts)

    def rows_in(self, used: set[str]) -> NDArray[np.int64]:
        """The images of some splits."""
        return np.flatnonzero(np.array([split in used for split in self.splits])[self.of])

    def class_parts(self, number: int) -> Parts:
        """The part of a folder's path that may name classes: without the split, but with the
        rest of the split's folder (the A of ``trainA``)."""
        parts, depth = self.folders[number], self.split_depth
        if depth is None or len(parts) <= depth:
            return parts
        stem = " ".join(split_of(parts[depth])[1]) if self.splits[number] != parts[depth] else ""
        return (*parts[:depth], stem, *parts[depth + 1 :])


@dataclass(frozen=True)
class FolderClasses:
    """Labels of the images ``rows``, or why folders that differ are no classes."""

    labels: Labels | None
    rows: NDArray[np.int64]
    why_not: str = ""


def classes_by_folder(
    layout: Layout, names: Sequence[str], rows: NDArray[np.int64]
) -> FolderClasses:
    """Classes of the images ``rows`` by the innermost level of folders that differ."""
    of = layout.of[rows]
    used, counts = np.unique(of, return_counts=True)
    parts = {int(number): layout.class_parts(int(number)) for number in used}
    images = dict(zip(parts, counts.tolist(), strict=True))
    why_not = ""
    for depth in reversed(range(max((len(one) for one in parts.values()), default=0))):
        inside = {number for number, one in parts.items() if len(one) > depth}
        classes = sorted({parts[number][depth] for number in inside})
        if len(classes) < 2 or not _all_above(parts, inside, depth):
            continue
        folders = {parts[number][: depth + 1] for number in inside}
        if len(folders) > most_classes(len(rows)):
            why_not = f"{len(folders):,} folders for {len(rows):,} images: too many for classes"
            continue
        if _are_storage(classes) and _in_blocks(layout, inside, names, rows):
            why_not = f"folders {classes[0]}, {classes[1]} …: storage in blocks, not classes"
            continue
        outside = sum(images[number] for number in parts if number not in inside)
        shown = ", ".join(classes[:3])
        if not are_few(outside, len(rows)):
            why_not = (
                f"{outside:,} of {len(rows):,} images are outside the folders {shown}. Move them"
                " into these or other folders to get classes"
            )
            continue
        number_of = {name: place for place, name in enumerate(classes)}
        table = np.full(len(layout.folders), -1, np.int64)
        for number in inside:
            table[number] = number_of[parts[number][depth]]
        values = table[of]
        has = values >= 0
        return FolderClasses(Labels(values[has], tuple(classes)), rows[has])
    return FolderClasses(None, rows, why_not)


def _all_above(parts: dict[int, Parts], inside: set[int], depth: int) -> bool:
    """Whether every folder without that level lies above folders with it."""
    above = {parts[number][:cut] for number in inside for cut in range(depth + 1)}
    return all(parts[number] in above for number in parts if number not in inside)


def _are_storage(classes: list[str]) -> bool:
    """Whether folders are numbers of one length, as storage is."""
    length = len(classes[0])
    return length >= _BLOCK_DIGITS and all(
        len(name) == length and name.isdigit() and name.isascii() for name in classes
    )


def _in_blocks(
    layout: Layout, inside: set[int], names: Sequence[str], rows: NDArray[np.int64]
) -> bool:
    """Whether file numbers continue from folder to folder, in blocks of one size but the last."""
    ranges: dict[Parts, tuple[int, int, int]] = {}
    for row in rows.tolist():
        number = int(layout.of[row])
        if number not in inside:
            continue
        digits = re.search(r"(\d{1,18})\D*$", names[row])
        if digits is None:
            return False
        at = int(digits.group(1))
        low, high, count = ranges.get(layout.folders[number], (at, at, 0))
        ranges[layout.folders[number]] = min(low, at), max(high, at), count + 1
    blocks = sorted(ranges.values())
    sizes = {count for _, _, count in blocks[:-1]}
    follow = all(a[1] < b[0] for a, b in pairwise(blocks))
    return follow and len(sizes) == 1 and blocks[-1][2] <= sizes.pop()


def _folder(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[0]


def _parts(folder: str) -> Parts:
    return tuple(part for part in folder.split("/") if part not in {"", "."})
