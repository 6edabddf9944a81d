"""Where what was fetched is kept between runs, and looked for."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_dir

from dcgan.runtime.files import expanded


def cache_folder() -> Path:
    """The folder for all that may be deleted and fetched again; it need not exist yet.

    The variable ``DCGAN_CACHE``, else the system's place for such files, as
    ``~/.cache/dcgan`` on Linux; for a user without a home folder, one below the folder for
    temporary files.
    """
    given = os.environ.get("DCGAN_CACHE")
    if given:
        return expanded(given)
    with suppress(RuntimeError):  # which platformdirs raises for a user without a home
        place = Path(user_cache_dir("dcgan"))
        if place.is_absolute():  # its earlier versions leave ~ as it is
            return place
    return _of_nobody()


@lru_cache(maxsize=1)
def _of_nobody() -> Path:
    """A place for a user without a home, such as of a container that runs under any number: one
    below the folder for temporary files, unless another user has taken it."""
    place = Path(tempfile.gettempdir()) / f"dcgan-{os.getuid()}"
    with suppress(OSError):
        place.mkdir(mode=0o700, exist_ok=True)
        if place.lstat().st_uid == os.getuid() and not place.is_symlink():
            return place
    return Path(tempfile.mkdtemp(prefix="dcgan-"))


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
