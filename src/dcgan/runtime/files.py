"""Write files so that a crash at any time leaves the old or the new content, never a part."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

from dcgan.errors import DiskFull
from dcgan.runtime.unfinished import remove, remove_leftovers, unfinished_beside

StrPath = str | os.PathLike[str]
"""A path from a caller."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space, no quota, or a file that is too large."""

_OPEN_ELSEWHERE = {5, 32}
"""Windows errors of a rename while a program has the file open: ERROR_ACCESS_DENIED and
ERROR_SHARING_VIOLATION."""

_PATIENCE = 10.0
"""Seconds in which another program, such as a virus scanner, closes the file."""


def expanded(path: StrPath) -> Path:
    """A path with ``~`` expanded, if the user has a home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def with_ending(path: Path, ending: str) -> Path:
    """The path with more at the end of its name; ``.`` and ``..``, which are no names, in full.

    >>> with_ending(Path("runs/flags"), "-2")
    PosixPath('runs/flags-2')
    """
    named = path.resolve() if path.name in {"", ".."} else path
    return Path(f"{named}{ending}")


def free_file(path: Path) -> Path:
    """The path, or ``NAME-2``, ``NAME-3`` and so on beside it: the first that does not exist."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())


def move(path: Path, target: Path) -> None:
    """Rename a file or a folder; an existing file ``target`` is replaced.

    Windows renames and replaces nothing that a program has open, and virus scanners open new files
    for a moment. So this waits up to 10 seconds there.
    """
    deadline, pause = time.monotonic() + _PATIENCE, 0.01
    while True:
        try:
            path.replace(target)
            return
        except PermissionError as error:
            is_open = getattr(error, "winerror", None) in _OPEN_ELSEWHERE
            if not is_open or time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which replaces ``path`` once its content is on disk.

    Creates the folder, and removes leftovers of killed processes. An error leaves nothing. The file
    gets the permissions of new files (the umask), even if the writer would make it private. Raises
    ``DiskFull`` or another ``OSError`` whose ``filename`` is ``path``.
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
            move(unfinished, path)
        except BaseException:
            remove(unfinished)
            raise
        sync_folder(path.parent)


@contextmanager
def folder_written_whole(folder: Path, *, last: str = "") -> Iterator[Path]:
    """A temporary folder to write into, which becomes ``folder`` once its files are on disk.

    A new ``folder`` appears by one rename. Into an existing, empty one the files are moved,
    ``last`` at the end. Errors and permissions are as for :func:`written_whole`.
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
                    move(path, folder / path.name)
                unfinished.rmdir()
            else:
                move(unfinished, folder)
        except BaseException:
            remove(unfinished)
            raise
        sync_folder(place)


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A hidden temporary folder next to a path."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(beside.parent)
    folder = unfinished_beside(beside)
    folder.mkdir()
    try:
        yield folder
    finally:
        remove(folder)


def _settle(folder: Path) -> None:
    """Give the files of a folder the permissions of new files, and wait until they are on disk."""
    model = folder / ".rights"
    model.touch()
    rights = stat.S_IMODE(model.stat().st_mode)
    model.unlink()
    for path in folder.rglob("*"):
        if path.is_file():
            _give_rights(path, rights)
            sync_file(path)
        elif path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def _give_rights(path: Path, rights: int) -> None:
    # safetensors ignores the umask and makes its files private
    if stat.S_IMODE(path.stat().st_mode) != rights:
        path.chmod(rights)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let system errors name the path to be written, not the temporary one; raises ``DiskFull``."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(path, error.strerror or "disk full") from error
        if error.errno is not None and str(error.filename or ".part").endswith(".part"):
            error.filename = str(path)
        raise


def reason_of(error: OSError) -> str:
    """The path and the reason, such as ``runs/a: Permission denied``."""
    if error.filename is None or isinstance(error, DiskFull):
        return str(error)
    return f"{error.filename}: {error.strerror}"


def disk_full(path: Path, reason: str) -> DiskFull:
    """The error for a full disk."""
    return DiskFull(
        f"{path}: cannot be written, the disk is full ({reason}). Free some space or choose a path"
        " on another disk, then run the same command again"
    )


def write_text(path: Path, text: str) -> None:
    """Write a text file by :func:`written_whole`."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file by :func:`written_whole`."""
    write_text(path, as_json(content))


def as_json(content: Any) -> str:
    """The text of a JSON file, in ASCII, since paths need not be valid UTF-8."""
    return json.dumps(content, indent=2) + "\n"


def sync_file(path: Path) -> None:
    """Wait until a file's content is on disk."""
    with path.open("r+b") as file:  # Windows requires write access
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on disk, where the file system can do that.

    Some network file systems cannot, with errors that differ. Its files are there all the same, so
    only a fault of the disk is an error.
    """
    if os.name == "nt":  # Windows cannot open folders
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno in {errno.EIO, *FULL}:
            raise
