"""The folders of downloaded and computed files that several runs share."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_dir

from dcgan.runtime.files import expanded


def cache_folder() -> Path:
    """The folder for files that can be downloaded or computed again; it need not exist yet.

    The variable ``DCGAN_CACHE``, else the system's cache folder, such as ``~/.cache/dcgan``; for a
    user without a home folder, a temporary folder.
    """
    given = os.environ.get("DCGAN_CACHE")
    if given:
        return expanded(given)
    with suppress(RuntimeError):  # raised for a user without a home folder
        place = Path(user_cache_dir("dcgan"))
        if place.is_absolute():  # earlier versions of platformdirs do not expand ~
            return place
    return _of_nobody()


@lru_cache(maxsize=1)
def _of_nobody() -> Path:
    """A temporary folder for a user without a home folder, as in some containers; a new one if
    another user owns the usual one."""
    if not hasattr(os, "getuid"):  # the temporary folder of Windows belongs to one user
        return Path(tempfile.gettempdir()) / "dcgan"
    place = Path(tempfile.gettempdir()) / f"dcgan-{os.getuid()}"
    with suppress(OSError):
        place.mkdir(mode=0o700, exist_ok=True)
        if place.lstat().st_uid == os.getuid() and not place.is_symlink():
            return place
    return Path(tempfile.mkdtemp(prefix="dcgan-"))


def data_folders(root: Path | None) -> list[Path]:
    """The folders of downloaded datasets: the data root, then the cache."""
    cache = cache_folder() / "datasets"
    return [cache] if root is None else [root, cache]


def fetching_folder(root: Path | None) -> Path:
    """The first of these folders that can be written to."""
    for folder in data_folders(root):
        places = (folder, *folder.absolute().parents)
        # Windows has paths without any existing parent: of a drive that is missing
        there = next((place for place in places if place.exists()), None)
        if there is not None and os.access(there, os.W_OK):
            return folder
    return data_folders(root)[0]
