"""Pictures as files in a folder, at any depth."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from dcgan.data.name_table import Names
from dcgan.data.pixels.decode import EXTENSIONS, is_image
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.collection import Beside, arrange
from dcgan.data.sources.paths import file_stamp, is_hidden, read_image_file, suffix
from dcgan.data.sources.side_files import SideFile
from dcgan.runtime.split_names import AUTO

_OURS = {"networks.json", "prepared.json"}
"""Files by which a run folder and prepared pictures are known."""


class FolderSource(EncodedSource):
    """Every picture below a folder, sorted by path; labels as in
    :func:`~dcgan.data.sources.collection.arrange`.

    A file is taken for a picture by the end of its name, or, where it has none, by its first
    bytes. Hidden files and folders, and those that systems add, are passed over; links to
    folders are followed once.

    Parameters
    ----------
    folder : Path
    split, labels : str
        As for :func:`~dcgan.data.sources.collection.arrange`.
    """

    def __init__(self, folder: Path, *, split: str = AUTO, labels: str = AUTO) -> None:
        others: Counter[str] = Counter()
        beside = Beside()
        names = Names(sorted(_dataset(folder, others, beside)))
        arranged = arrange(
            str(folder),
            names,
            [side for name in beside.names if (side := _side_file(folder, name))],
            split=split,
            labels=labels,
            others=others,
            unread=beside.unread,
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
    """Paths below a folder of all files, in no order; hidden folders, and those that systems add,
    are passed over.

    Links to folders are followed, each folder once; run folders and prepared ones are not entered.

    Parameters
    ----------
    folder : Path
    closed : callable, optional
        Told about folders that may not be read.
    """
    entered = {folder.resolve()}
    for place, folders, files in os.walk(folder, followlinks=True, onerror=closed):
        here = Path(place)
        if here != folder and _OURS.intersection(files):
            folders.clear()  # a run or prepared pictures: what was made is not to be learned from
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
    """A file beside the pictures; None for what is no regular file (a pipe would never end)."""
    path = folder / name
    try:
        state = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return SideFile(name, state.st_size, lambda: path.open("rb"))


def _dataset(folder: Path, others: Counter[str], beside: Beside) -> Iterator[str]:
    """Paths below a folder of all pictures, in no order; notes and counts the other files."""

    def closed(_: OSError) -> None:
        others["closed folder"] += 1

    for name in files_below(folder, closed):
        if is_hidden(name.rpartition("/")[2]):
            continue
        if _is_image(folder, name):
            yield name
            continue
        end = suffix(name)
        others[end] += 1
        beside.add(name, end)


def _is_image(folder: Path, name: str) -> bool:
    end = suffix(name)
    if end != "no suffix":
        return end in EXTENSIONS and not name.endswith("-inspect.png")  # our own sheets
    try:
        if not (folder / name).is_file():  # a pipe would never end
            return False
        with (folder / name).open("rb") as file:
            return is_image(file.read(16))
    except OSError:
        return False
