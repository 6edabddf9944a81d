"""Writing files so that a crash at any moment leaves the old content or the new, never a part."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcgan.errors import DiskFull
from dcgan.runtime.unfinished import remove, remove_leftovers, unfinished_beside

StrPath = str | os.PathLike[str]
"""A path as callers give it."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space, no quota, or more than a file may have."""


def expanded(path: StrPath) -> Path:
    """A path whose ``~`` is the user's home; of nobody's home, the path as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path) -> bool:
    """Whether a path exists; False where it is no possible path, or may not be looked at."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` once it is safely on disk.

    The folder is made; on an error nothing is left behind, and what a killed process left there
    goes. The file has the rights that the process gives to new files (its umask), even where the
    code that writes it would make it private.

    Raises
    ------
    DiskFull
        There is no room for it.
    OSError
        It cannot be written for another reason; ``filename`` is ``path``.
    """
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        unfinished = unfinished_beside(path)
        try:
            unfinished.touch(exist_ok=False)
            rights = stat.S_IMODE(unfinished.stat().st_mode)
            yield unfinished
            _give_rights(unfinished, rights)
            sync_file(unfinished)
            unfinished.replace(path)
        except BaseException:
            remove(unfinished)
            raise
        sync_folder(path.parent)


@contextmanager
def folder_written_whole(folder: Path, *, last: str = "") -> Iterator[Path]:
    """A folder to write into, which becomes ``folder`` once all of it is safely on disk.

    ``folder`` is new, and appears by one rename; or it is there and empty, and what was written
    moves into it, ``last`` at the end. On an error nothing is left behind. Rights are as for
    :func:`written_whole`.
    """
    with naming(folder):
        is_there = folder.is_dir()
        place = folder if is_there else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder.parent)
        remove_leftovers(place)
        unfinished = unfinished_beside(place / folder.name)
        try:
            unfinished.mkdir()
            yield unfinished
            _settle(unfinished)
            if is_there:
                for path in sorted(unfinished.iterdir(), key=lambda path: path.name == last):
                    path.replace(folder / path.name)
                unfinished.rmdir()
            else:
                unfinished.replace(folder)
        except BaseException:
            remove(unfinished)
            raise
        sync_folder(place)


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A hidden folder beside a path, which is gone afterwards."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(beside.parent)
    folder = unfinished_beside(beside)
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


def _settle(folder: Path) -> None:
    """Give the files of a folder the rights of new files, and wait until they are on disk."""
    model = folder / ".rights"
    model.touch()
    rights = stat.S_IMODE(model.stat().st_mode)
    model.unlink()
    for path in folder.iterdir():
        if path.is_file():
            _give_rights(path, rights)
            sync_file(path)
    sync_folder(folder)


def _give_rights(path: Path, rights: int) -> None:
    # safetensors makes its files private, whatever the umask
    if stat.S_IMODE(path.stat().st_mode) != rights:
        path.chmod(rights)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of the system name the path that was to be written, and not its hidden forerunner.

    Raises
    ------
    DiskFull
        There is no room for it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, error.strerror or "disk full") from error
        if error.errno is not None and str(error.filename or ".part").endswith(".part"):
            error.filename = str(path)
        raise


def reason_of(error: OSError) -> str:
    """What went wrong, and with which path: ``runs/a: Permission denied``."""
    if error.filename is None or isinstance(error, DiskFull):
        return str(error)
    return f"{error.filename}: {error.strerror}"


def disk_full(path: Path, reason: str) -> DiskFull:
    """The error for a disk without room, whose message names the path and what to do."""
    return DiskFull(
        f"{path}: there is no room to write it ({reason}). Free some space on that disk, or choose"
        " a path on another one, then run the same command again"
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write what JSON can hold, whole or not at all."""
    write_text(path, as_json(content))


def as_json(content: Any) -> str:
    """The text of a JSON file; in ASCII, since paths may hold what UTF-8 cannot."""
    return json.dumps(content, indent=2) + "\n"


def sync_file(path: Path) -> None:
    """Wait until a file's content is on disk."""
    with path.open("r+b") as file:  # Windows only syncs what may be written
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries, such as a rename in it, are on disk."""
    if os.name == "nt":  # Windows cannot open folders, and orders renames itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
