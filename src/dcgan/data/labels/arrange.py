"""Which images of a folder, zip or tar are used, and their labels: one rule for all three.

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
    may_hold_labels,
    read_given_file,
    read_side_files,
)
from dcgan.data.labels.splits import choose, refuse_split, split_of, splits_note
from dcgan.data.labels.tables import ENDINGS, suffix
from dcgan.errors import ConfigError
from dcgan.runtime.files import expanded
from dcgan.runtime.nearest import nearest_path
from dcgan.runtime.split_names import ALL, AUTO, NONE

_MOST_CANDIDATES = 10_000
_FEW_FILES = 10
_NAMED = 3
_COMPANIONS = (".txt", ".json", ".xml", ".caption", ".cls")
"""Kinds of files that may come with each image."""

_OTHER_LABELS = (".mat", ".pkl", ".pickle", ".npy", ".npz", ".xml", ".yaml", ".yml", ".xlsx", ".db")
"""Kinds of files that may hold labels and are not read."""

_LABEL_NAMES = ("label", "class", "annot", "target", "attr", "categor")


@dataclass(frozen=True)
class Arranged:
    """The images to use (int64 (M,), ascending), their labels, and notes for the user."""

    rows: NDArray[np.int64]
    labels: dict[str, Labels]
    notes: list[str]


class LabelFiles:
    """Files that may hold labels, noted while a dataset is listed: ``names`` can be read,
    ``unread`` only look like labels."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.unread: list[str] = []

    def add(self, name: str, end: str) -> bool:
        """Note a file by its name and suffix; return whether it may be read."""
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
    """Choose the images of a split, and find their labels.

    Labels come, in this order, from the file that the user names, from files of single images,
    from files about all images, and from folders. A few images without a label are skipped.

    Parameters
    ----------
    source : str
        The dataset's name in messages.
    names : sequence of str
        Paths of all images.
    files : sequence of SideFile
        All that may hold labels.
    split : str
        ``train``, ``val``, ``test``, another existing split, ``all``, or ``auto``: ``train`` if
        there are splits.
    labels : str
        ``auto``, ``none``, or a file.
    others : mapping of str to int
        Files that are no images, counted by suffix.
    unread : sequence of str
        Files that look like labels and cannot be read.
    given : dict of str to Column, optional
        Labels from files of single images.

    Raises
    ------
    ConfigError
        No such split, or no labels in the file that the user names.
    """
    layout = Layout(names)
    if not len(names):  # it may hold something else
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
        skipped = [names[row] for row in np.setdiff1d(rows, kept)[: _NAMED + 1]]
        count = len(rows) - len(kept)
        what = "1 image has no class and is" if count == 1 else f"{count:,} have no class and are"
        notes.append(
            f"{what} skipped: {listed(skipped, _NAMED)}. `data.labels=none` uses all"
            " images, without labels"
        )
    if labels == AUTO:
        notes += _not_read(others, unread, len(names), found)
    return Arranged(kept, found, notes)


def _of_split(source: str, layout: Layout, split: str) -> tuple[NDArray[np.int64], list[str]]:
    """The images of the split, and a note about the others."""
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
        notes.append(f"images outside the splits, not used: {outside:,}")
    return layout.rows_in(used), notes


def _own_labels(given: dict[str, Column], rows: NDArray[np.int64]) -> SideLabels:
    """Labels from files of single images."""
    reading = read_columns(given, rows, single=True)
    refused = f"files of single images, not read as classes: {listed(reading.refused)}"
    notes = [refused] if reading.refused else []
    return SideLabels(reading if reading.labels else None, replaces_folders=True, notes=notes)


def _with_folders(
    side: SideLabels,
    layout: Layout,
    names: Sequence[str],
    rows: NDArray[np.int64],
    notes: list[str],
) -> tuple[dict[str, Labels], NDArray[np.int64]]:
    """All labels, and the images that have them; a column named ``label`` outweighs folders."""
    reading = side.reading
    if side.replaces_folders:
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
    """The file that a user names: on disk, or within the dataset."""
    path = expanded(labels)
    inside = [file for file in files if file.name == labels]
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            "data.labels",
            labels,
            f"no such kind of file can be read. Use one of {', '.join(sorted(ENDINGS))}, auto or"
            " none",
        )
    if path.is_file():
        return SideFile(str(path), path.stat().st_size, lambda: path.open("rb"))
    if inside:
        return inside[0]
    near = nearest_path(path)
    meant = f"Did you mean {str(near)!r}?" if near else "Use the path of a file, or auto or none"
    raise ConfigError("data.labels", labels, f"no such file, on disk or in the dataset. {meant}")


def _candidates(files: Sequence[SideFile], count: int) -> list[SideFile]:
    """Files that may describe all images; not kinds of which each image has its own."""
    of_ending = Counter(suffix(file.name) for file in files)
    own = {end for end, times in of_ending.items() if times > _FEW_FILES and 2 * times > count}
    return [file for file in files if suffix(file.name) not in own or may_hold_labels(file.name)]


def _scope(layout: Layout, rows: NDArray[np.int64], name: str) -> Scope:
    """The images that a file describes: below its folder, or the next folder above that has any,
    and only those of a split that its name contains."""
    *parts, file = name.replace("\\", "/").split("/")
    while parts and not any(folder[: len(parts)] == tuple(parts) for folder in layout.folders):
        parts.pop()
    below = [folder[: len(parts)] == tuple(parts) for folder in layout.folders]
    split = split_of(file.rpartition(".")[0])[0]
    used = np.array(below)
    if split is not None and split in layout.splits:
        used &= np.array(layout.splits) == split
    return Scope(rows[used[layout.of[rows]]], "".join(f"{part}/" for part in parts))


def _not_read(
    others: Mapping[str, int], unread: Sequence[str], count: int, found: Mapping[str, Labels]
) -> list[str]:
    """Notes about what looks like labels and is not read."""
    notes = [
        f"{others[end]:,} {end} files next to the images are not read as labels"
        for end in _COMPANIONS
        if others.get(end, 0) > _FEW_FILES and 2 * others[end] > count
    ]
    if unread:
        notes.append(f"not read as labels: {listed(unread, _NAMED)}")
    if notes and not found:
        notes[-1] += ". `data.labels=FILE` reads a CSV, TSV, JSON or JSONL file"
    return notes
