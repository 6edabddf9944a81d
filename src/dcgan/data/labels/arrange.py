"""Which images of a folder, zip or tar are used, and their labels: one rule for all of them.

N images
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dcgan.data.labels import Labels
from dcgan.data.labels.columns import Column, is_label_word, read_columns
from dcgan.data.labels.folder_names import Layout, classes_by_folder
from dcgan.data.labels.side_files import (
    Scope,
    SideFile,
    SideLabels,
    listed,
    looks_telling,
    read_given_file,
    read_side_files,
)
from dcgan.data.labels.splits import choose, refuse_split, split_of, splits_note
from dcgan.data.labels.tables import ENDINGS, suffix
from dcgan.errors import ConfigError
from dcgan.runtime.files import expanded
from dcgan.runtime.split_names import ALL, AUTO, NONE

_MOST_CANDIDATES = 10_000
_FEW_FILES = 10
_NAMED = 3
_COMPANIONS = (".txt", ".json", ".xml", ".caption", ".cls")
"""Files of which one may lie beside each image."""

_OTHER_LABELS = (".mat", ".pkl", ".pickle", ".npy", ".npz", ".xml", ".yaml", ".yml", ".xlsx", ".db")
"""Kinds of files that may hold labels and are not read."""

_LABEL_NAMES = ("label", "class", "annot", "target", "attr", "categor")


@dataclass(frozen=True)
class Arranged:
    """What is used of a collection.

    Attributes
    ----------
    rows : int64 (M,)
        Which images, ascending.
    labels : dict of str to Labels
        Of these.
    notes : list of str
        What was chosen and what was not read, a line each.
    """

    rows: NDArray[np.int64]
    labels: dict[str, Labels]
    notes: list[str]


class Beside:
    """The files beside the images that may hold labels, remembered while a collection is listed.

    Attributes
    ----------
    names : list of str
        Those that can be read.
    unread : list of str
        Others that look like labels.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.unread: list[str] = []

    def add(self, name: str, end: str) -> bool:
        """Remember a file by its name and its ending; whether it may be read."""
        if end in ENDINGS and len(self.names) < _MOST_CANDIDATES:
            self.names.append(name)
            return True
        if (
            end in _OTHER_LABELS
            and len(self.unread) < _MOST_CANDIDATES
            and any(word in name.lower() for word in _LABEL_NAMES)
        ):
            self.unread.append(name)
        return False


def arrange(
    source: str,
    names: Sequence[str],
    files: Sequence[SideFile],
    *,
    split: str = AUTO,
    labels: str = AUTO,
    others: Mapping[str, int],
    unread: Sequence[str] = (),
    given: dict[str, Column] | None = None,
) -> Arranged:
    """Choose the images of a split, and find the labels of these.

    Labels come, in this order, from the file that the user names, from what the container says of
    each image, from side files, and from folders. Where a few images have no label, they are left
    out and named.

    Parameters
    ----------
    source : str
        What messages call the collection.
    names : sequence of str
        Paths of all images.
    files : sequence of SideFile
        See :func:`~dcgan.data.labels.side_files.read_side_files`.
    split : str
        ``train``, ``val``, ``test``, another name that is there, ``all``, or ``auto``: ``train``
        where there are splits.
    labels : str
        ``auto``, ``none``, or a file.
    others : mapping of str to int
        Files that are no images, counted by ending.
    unread : sequence of str
        Files that look like labels and cannot be read.
    given : dict of str to Column, optional
        What the container itself says of each image.

    Raises
    ------
    ConfigError
        There is no such split, or no labels in the file that was named.
    """
    layout = Layout(names)
    if not len(names):  # there may be something else in it
        return Arranged(np.arange(0), {}, [])
    rows, notes = _of_split(source, layout, split)
    if labels == NONE:
        return Arranged(rows, {}, notes)
    if labels != AUTO:
        side = read_given_file(_named_file(labels, files), names, rows)
    else:
        side = _own_labels(given or {}, rows)
        if side.reading is None:
            notes += side.notes
            candidates = _candidates(files, len(names))
            side = read_side_files(candidates, names, lambda name: _scope(layout, rows, name), rows)
    found, kept = _with_folders(side, layout, names, rows, notes)
    notes += side.notes
    if len(kept) < len(rows):
        notes.append(
            _skipped(
                [names[row] for row in np.setdiff1d(rows, kept)[: _NAMED + 1]],
                len(rows) - len(kept),
            )
        )
    if labels == AUTO:
        notes += _not_read(others, unread, len(names), found)
    return Arranged(kept, found, notes)


def _of_split(source: str, layout: Layout, split: str) -> tuple[NDArray[np.int64], list[str]]:
    """The images of the split that is used, and a line about the others."""
    counts = layout.split_counts()
    if not counts:
        refuse_split(split, source)
        return np.arange(len(layout.of)), []
    used = choose(counts, split, source, "images")
    notes = [splits_note(counts, used, "images")]
    if split == ALL:
        return np.arange(len(layout.of)), notes
    outside = len(layout.of) - sum(counts.values())
    if outside:
        notes.append(f"{outside:,} images beside the splits are not used")
    return layout.rows_in(used), notes


def _own_labels(given: dict[str, Column], rows: NDArray[np.int64]) -> SideLabels:
    """Labels that lie beside each image."""
    reading = read_columns(given, rows, single=True)
    refused = f"beside the images, not read as classes: {listed(reading.refused)}"
    notes = [refused] if reading.refused else []
    return SideLabels(reading if reading.labels else None, settles=True, notes=notes)


def _with_folders(
    side: SideLabels,
    layout: Layout,
    names: Sequence[str],
    rows: NDArray[np.int64],
    notes: list[str],
) -> tuple[dict[str, Labels], NDArray[np.int64]]:
    """All labels, and the images that have them; a column called a label outweighs folders."""
    reading = side.reading
    if side.settles:
        return (reading.labels, reading.rows) if reading else ({}, rows)
    if reading is not None and "label" in reading.labels and is_label_word(reading.main):
        return reading.labels, reading.rows
    folders = classes_by_folder(layout, names, rows)
    if folders.labels is None:
        if folders.why_not and reading is None:
            notes.append(f"folders are not read as classes: {folders.why_not}")
        return (reading.labels, reading.rows) if reading else ({}, rows)
    if reading is None:
        return {"label": folders.labels}, folders.rows
    both = np.intersect1d(folders.rows, reading.rows)
    labels = {"label": folders.labels.take(np.searchsorted(folders.rows, both))}
    for name, values in reading.labels.items():
        own_name = reading.main if name == "label" else name
        labels[own_name] = values.take(np.searchsorted(reading.rows, both))
    return labels, both


def _named_file(labels: str, files: Sequence[SideFile]) -> SideFile:
    """The file that a user names: on disk, or within the collection."""
    path = expanded(labels)
    inside = [file for file in files if file.name == labels]
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            "data.labels",
            labels,
            f"not a kind of file that is read; give one of {', '.join(sorted(ENDINGS))}, auto or"
            " none",
        )
    if path.is_file():
        return SideFile(str(path), path.stat().st_size, lambda: path.open("rb"))
    if inside:
        return inside[0]
    raise ConfigError("data.labels", labels, "no such file, nor a file of the dataset; give a path")


def _candidates(files: Sequence[SideFile], count: int) -> list[SideFile]:
    """Files that may tell about all images: not those of which each image has its own."""
    of_ending = Counter(suffix(file.name) for file in files)
    own = {end for end, times in of_ending.items() if times > _FEW_FILES and 2 * times > count}
    return [file for file in files if suffix(file.name) not in own or looks_telling(file.name)]


def _scope(layout: Layout, rows: NDArray[np.int64], name: str) -> Scope:
    """The images below a file's folder; below the next folder above where there are none.

    A file whose name tells a split tells about the images of that split.
    """
    *parts, file = name.replace("\\", "/").split("/")
    while parts and not any(folder[: len(parts)] == tuple(parts) for folder in layout.folders):
        parts.pop()
    below = [folder[: len(parts)] == tuple(parts) for folder in layout.folders]
    split = split_of(file.rpartition(".")[0])[0]
    if split is not None and split in layout.splits:
        below = [
            is_below and layout.splits[number] == split for number, is_below in enumerate(below)
        ]
    return Scope(rows[np.array(below)[layout.of[rows]]], "".join(f"{part}/" for part in parts))


def _skipped(first: Sequence[str], count: int) -> str:
    what = (
        "1 image is skipped, since it has"
        if count == 1
        else (f"{count:,} images are skipped, since they have")
    )
    return (
        f"{what} no class: {listed(first, _NAMED)}. --data.labels none uses all images, without"
        " labels"
    )


def _not_read(
    others: Mapping[str, int], unread: Sequence[str], count: int, found: Mapping[str, Labels]
) -> list[str]:
    """Lines about what looks like labels and is not read."""
    notes = [
        f"{others[end]:,} {end} files beside the images are not read as labels"
        for end in _COMPANIONS
        if others.get(end, 0) > _FEW_FILES and 2 * others[end] > count
    ]
    if unread:
        notes.append(f"not read as labels: {listed(unread, _NAMED)}")
    if notes and not found:
        notes[-1] += ". --data.labels FILE reads a CSV, TSV, JSON or JSONL file"
    return notes
