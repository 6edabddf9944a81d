"""Folders of this machine that the page may look into: only those below allowed roots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dcgan.data.pixels.decode import EXTENSIONS
from dcgan.errors import printable
from dcgan.runtime.arguments import DATA_FILES
from dcgan.studio.answers import is_text
from dcgan.studio.problems import Problem, not_found

_MOST = 2_000
"""Entries of one folder that are listed and counted."""

_LONGEST = 200
"""Letters of a path in a message."""


@dataclass(frozen=True)
class Listing:
    """What a folder holds, for the folder picker.

    Attributes
    ----------
    path, parent : str
        ``parent`` is empty at a root.
    folders, files : list of str
        Names; ``files`` are those that may be datasets, such as ``.zip``.
    images : int
        Image files directly in it.
    is_cut : bool
        Whether it holds more than is listed.
    """

    path: str
    parent: str
    folders: list[str]
    files: list[str]
    images: int
    is_cut: bool


def own_file(folder: Path, path: Path, what: str) -> Path:
    """A file of a folder, such as a run, that may have been copied from a stranger: a link in it
    must not lead to other files of this machine.

    Raises
    ------
    Problem
        It is missing or outside of ``folder``; ``what`` names it.
    """
    try:
        real = path.resolve(strict=True)
        is_own = real.is_file() and real.is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        is_own = False
    if not is_own:
        raise not_found(what)
    return path


class Places:
    """The allowed roots.

    Parameters
    ----------
    roots : iterable of Path
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self.roots = [root.resolve() for root in roots]

    def allowed(self, text: str, within: str = "") -> Path:
        """The real path of an existing file or folder below a root, with links followed. A path
        may begin with ``~``; a relative one is in the folder ``within``.

        Raises
        ------
        Problem
            It is outside the roots, or missing. Both are answered alike: the page must not learn
            what is there.
        """
        try:
            path = (Path(within) / Path(text).expanduser()).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            path = None
        if path is None or not any(path.is_relative_to(root) for root in self.roots):
            raise Problem(
                403,
                f"{_short(text)} is missing, or the studio may not read it. dcgan studio --allow"
                " FOLDER allows another folder",
                "data",
            )
        return path

    def listing(self, text: str, within: str = "") -> Listing:
        """The folders and datasets in a folder; the first root without a path."""
        path = self.allowed(text or str(self.roots[0]), within)
        if not path.is_dir():
            path = path.parent
        try:
            entries = sorted(path.iterdir(), key=lambda one: one.name.lower())
        except OSError as error:
            raise Problem(403, f"this folder cannot be read ({error.strerror})") from error
        # the page cannot send back a name that is not UTF-8
        shown = [
            one for one in entries[:_MOST] if not one.name.startswith(".") and is_text(one.name)
        ]
        return Listing(
            path=str(path),
            parent="" if path in self.roots else str(path.parent),
            folders=[one.name for one in shown if one.is_dir()],
            files=[one.name for one in shown if one.suffix.lower() in DATA_FILES],
            images=sum(one.suffix.lower() in EXTENSIONS for one in shown),
            is_cut=len(entries) > _MOST,
        )


def _short(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
