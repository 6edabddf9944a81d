"""Images as files in a folder, at any depth."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from dcgan.data.labels.arrange import LabelFiles, arrange
from dcgan.data.labels.side_files import SideFile
from dcgan.data.labels.tables import suffix
from dcgan.data.name_table import Names
from dcgan.data.pixels.decode import EXTENSIONS, is_image
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.paths import file_stamp, is_hidden, read_image_file
from dcgan.runtime.split_names import AUTO

_OURS = {"networks.json", "prepared.json"}
"""Files that mark run folders and prepared datasets."""

_SHEET = re.compile(r"-inspect(-\d+)?\.png$")
"""Names that ``dcgan inspect`` gives its sheets by default."""


class FolderSource(EncodedSource):
    """Every image below a folder, sorted by path; split and labels as in
    :func:`~dcgan.data.labels.arrange.arrange`.

    Images are recognized by suffix, or by their first bytes without one. Hidden files and those
    that systems add are ignored; links to folders are followed once.
    """

    def __init__(self, folder: Path, *, split: str = AUTO, labels: str = AUTO) -> None:
        others: Counter[str] = Counter()
        label_files = LabelFiles()
        names = Names(sorted(_dataset(folder, others, label_files)))
        arranged = arrange(
            str(folder),
            names,
            [side for name in label_files.names if (side := _side_file(folder, name))],
            split=split,
            labels=labels,
            others=others,
            unread=label_files.unread,
        )
        self._names = names.take(arranged.rows)
        super().__init__(str(folder), labels=arranged.labels, others=others, notes=arranged.notes)
        self._folder = folder

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        return read_image_file(self._folder / self._names[index])

    def title(self, index: int) -> str:
        return self._names[index]

    def stamp(self) -> str:
        folder = self._folder.resolve()
        return file_stamp(folder / name for name in self._names)


def files_below(folder: Path, closed: Callable[[OSError], None] | None = None) -> Iterator[str]:
    """Paths of all files below a folder, in no order; ``closed`` receives errors of folders.

    Links to folders are followed once. Hidden folders, those that systems add, run folders and
    prepared datasets are not entered.
    """
    entered = {folder.resolve()}
    for place, folders, files in os.walk(folder, followlinks=True, onerror=closed):
        here = Path(place)
        if here != folder and _OURS.intersection(files):
            folders.clear()  # generated or prepared images are no part of the dataset
            continue
        kept = []
        for name in sorted(folders):
            target = (here / name).resolve()
            if not is_hidden(name) and target not in entered:  # a loop of links ends here
                entered.add(target)
                kept.append(name)
        folders[:] = kept
        below = here.relative_to(folder).as_posix()
        for name in files:
            yield name if below == "." else f"{below}/{name}"


def _side_file(folder: Path, name: str) -> SideFile | None:
    """A file next to the images; None if it is no regular file (reading a pipe never ends)."""
    path = folder / name
    return SideFile(name, path.stat().st_size, lambda: path.open("rb")) if path.is_file() else None


def _dataset(folder: Path, others: Counter[str], label_files: LabelFiles) -> Iterator[str]:
    """Paths of all images below a folder, in no order; notes and counts the other files."""

    def closed(_: OSError) -> None:
        others["closed folder"] += 1

    for name in files_below(folder, closed):
        if is_hidden(name.rpartition("/")[2]):
            continue
        if _SHEET.search(name):
            others["sheet of dcgan inspect"] += 1
            continue
        if _is_image(folder, name):
            yield name
            continue
        end = suffix(name)
        others[end] += 1
        label_files.add(name, end)


def _is_image(folder: Path, name: str) -> bool:
    end = suffix(name)
    if end != "no suffix":
        return end in EXTENSIONS
    try:
        if not (folder / name).is_file():  # reading a pipe never ends
            return False
        with (folder / name).open("rb") as file:
            return is_image(file.read(16))
    except OSError:
        return False
