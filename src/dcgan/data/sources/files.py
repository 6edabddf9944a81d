"""Pictures as files: a folder at any depth, or a zip read in place."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath

from PIL import Image

from dcgan.data.decode import EXTENSIONS, decode
from dcgan.data.sources.base import Source, folder_labels
from dcgan.errors import DataError, UnreadableImage


class FolderSource(Source):
    """Every picture below a folder, sorted by path; class folders become labels.

    Hidden files and folders are passed over; links to folders are followed once.
    """

    def __init__(self, folder: Path) -> None:
        files, ignored = _walk(folder)
        labels = folder_labels([file.relative_to(folder).parts for file in files])
        super().__init__(str(folder), labels=labels, ignored=ignored)
        self._folder = folder
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def read(self, index: int) -> Image.Image:
        try:
            data = self._files[index].read_bytes()
        except OSError as error:
            raise UnreadableImage(error.strerror or "cannot be read") from error
        return decode(data)

    def title(self, index: int) -> str:
        return self._files[index].relative_to(self._folder).as_posix()


class ZipSource(Source):
    """Every picture in a zip file, sorted by name and never unpacked; class folders become labels.

    Raises
    ------
    DataError
        Not a zip file.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
            raise DataError(f"{path}: not a readable zip file ({error})") from error
        listed = self._zip.namelist()
        members = [name for name in listed if not name.endswith("/") and not _is_hidden(name)]
        names = sorted(name for name in members if _is_picture(name))
        others = len(members) - len(names)
        labels = folder_labels([PurePosixPath(name).parts for name in names])
        super().__init__(str(path), labels=labels, ignored=others)
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def read(self, index: int) -> Image.Image:
        try:
            data = self._zip.read(self._names[index])
        except MemoryError:
            raise
        except Exception as error:  # every compression has errors of its own
            raise UnreadableImage(f"damaged in the zip: {error}") from error
        return decode(data)

    def title(self, index: int) -> str:
        return self._names[index]


def _walk(folder: Path) -> tuple[list[Path], int]:
    """All picture files below a folder, and how many other files lie there."""
    pictures = []
    ignored = 0
    entered = {folder.resolve()}
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        kept = []
        for name in sorted(folders):
            target = (here / name).resolve()
            if not name.startswith(".") and target not in entered:  # a loop of links ends here
                entered.add(target)
                kept.append(name)
        folders[:] = kept
        for name in files:
            if _is_picture(name) and not name.startswith("."):
                pictures.append(here / name)
            else:
                ignored += 1
    return sorted(pictures, key=lambda file: file.relative_to(folder).as_posix()), ignored


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in EXTENSIONS


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
