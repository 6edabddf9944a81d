"""Pictures as files in a folder, at any depth."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from dcgan.data.decode import EXTENSIONS, is_picture
from dcgan.data.names import Names
from dcgan.data.sources.base import EncodedSource
from dcgan.data.sources.paths import (
    file_stamp,
    folder_labels,
    is_hidden,
    read_picture_file,
    suffix,
)

_OURS = {"networks.json", "prepared.json"}
"""Files by which a run folder and prepared pictures are known."""


class FolderSource(EncodedSource):
    """Every picture below a folder, sorted by path; class folders become labels.

    A file is taken for a picture by the end of its name, or, where it has none, by its first
    bytes. Hidden files and folders, and those that systems add, are passed over; links to
    folders are followed once.

    Parameters
    ----------
    folder : Path
    name : str, optional
        What messages call it; default the folder.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        others: Counter[str] = Counter()
        self._names = Names(sorted(_pictures(folder, others)))
        super().__init__(name or str(folder), labels=folder_labels(self._names), others=others)
        self._folder = folder

    def __len__(self) -> int:
        return len(self._names)

    def fetch(self, index: int) -> bytes:
        return read_picture_file(self._folder / self._names[index])

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


def _pictures(folder: Path, others: Counter[str]) -> Iterator[str]:
    """Paths below a folder of all pictures, in no order; counts the other files."""

    def closed(_: OSError) -> None:
        others["closed folder"] += 1

    for name in files_below(folder, closed):
        if is_hidden(name.rpartition("/")[2]):
            continue
        if _is_picture(folder, name):
            yield name
        else:
            others[suffix(name)] += 1


def _is_picture(folder: Path, name: str) -> bool:
    end = suffix(name)
    if end != "no suffix":
        return end in EXTENSIONS and not name.endswith("-inspect.png")  # our own sheets
    try:
        if not (folder / name).is_file():  # a pipe would never end
            return False
        with (folder / name).open("rb") as file:
            return is_picture(file.read(16))
    except OSError:
        return False
