"""Where what was fetched is kept between runs, and looked for."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

from dcgan.runtime.files import expanded


def cache_folder() -> Path:
    """The folder for all that may be deleted and fetched again; it need not exist yet.

    The variable ``DCGAN_CACHE``, else the system's place for such files, as
    ``~/.cache/dcgan`` on Linux.
    """
    given = os.environ.get("DCGAN_CACHE")
    return expanded(given) if given else Path(user_cache_dir("dcgan"))


def data_folders(root: Path | None) -> list[Path]:
    """Where named sets that can be fetched are looked for: the data root, then the cache."""
    cache = cache_folder() / "datasets"
    return [cache] if root is None else [root, cache]


def fetching_folder(root: Path | None) -> Path:
    """Where such a set is put: the data root, or the cache where there is none to write to."""
    for folder in data_folders(root):
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if os.access(there, os.W_OK):
            return folder
    return data_folders(root)[0]
