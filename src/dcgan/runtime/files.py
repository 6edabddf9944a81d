"""Writing files so that a crash at any moment leaves the old content or the new, never a part."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

StrPath = str | os.PathLike[str]
"""A path as callers give it."""


def expanded(path: StrPath) -> Path:
    """A path whose ``~`` is the user's home; of nobody's home, the path as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of ``path`` once it is safely on disk.

    The folder is made; on an error nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        sync_file(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write what JSON can hold; in ASCII, since paths may hold what UTF-8 cannot."""
    write_text(path, json.dumps(content, indent=2) + "\n")


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
