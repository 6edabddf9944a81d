"""The runs of a folder and the built-in models, by opaque identifiers."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dcgan.runtime.arguments import is_run
from dcgan.runtime.built_in import model_names, run_path
from dcgan.runtime.changes import state_of
from dcgan.runtime.files import move
from dcgan.runtime.run_names import is_portable_name
from dcgan.studio.locks import is_locked
from dcgan.studio.problems import Problem, no_run

if TYPE_CHECKING:
    from dcgan.studio.jobs import Jobs

OWN = ".studio"
"""The folder of the studio's own files, inside the folder of runs."""

LABS = "labs"
"""The folder of labs, inside the folder of runs."""

_NAME = re.compile(r"\w[\w .-]{0,79}")

_RESTORED = "restored"
"""The name of a run whose own is not known."""

_DEEPEST = 4
"""Levels of folders that are searched for runs."""


class Library:
    """Runs by identifier.

    An identifier is a hash of the path: the page never sends a path of a run.

    Parameters
    ----------
    folder : Path
        It is searched for runs, also those that other programs put there later.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.own = self.folder / OWN
        self._bin = self.own / "bin"
        self.uploads = self.own / "uploads"
        self._known: dict[str, Path] = {}

    def runs(self) -> dict[str, Path]:
        """All runs in the folder, newest first."""
        found = sorted(_runs_in(self.folder, _DEEPEST), key=_changed, reverse=True)
        self._known = {identifier(path): path for path in found}
        return dict(self._known)

    def by_folder(self) -> dict[str, dict[str, Path]]:
        """All runs by their folder, relative to that of the library; both newest first."""
        found: dict[str, dict[str, Path]] = {}
        for run, path in self.runs().items():
            inside = path.parent.relative_to(self.folder)
            found.setdefault("" if inside == Path() else inside.as_posix(), {})[run] = path
        return found

    def models(self) -> dict[str, str]:
        """The names of the built-in models."""
        return {identifier(Path(name)): name for name in model_names()}

    def path(self, run: str) -> Path:
        """The folder of a run or of a built-in model.

        Raises
        ------
        Problem
            There is none of that identifier.
        """
        if run in self.models():
            return run_path(self.models()[run])
        path = self._known.get(run) or self.runs().get(run)
        if path is None or not is_run(path):
            raise no_run()
        return path

    def free(self, name: str) -> Path:
        """A path in the folder for a new run of a name: with a number if the name is in use, or is
        that of the folder of labs.

        A job that has not ended uses the name of its run. Hold ``Jobs.start_lock`` until the job of
        the new run has been started.
        """
        taken = self._jobs().run_folders()
        path, number = self.folder / name, 2
        while path.exists() or path in taken or path.name.lower() == LABS:
            path, number = self.folder / f"{name}-{number}", number + 1
        return path

    def discard(self, run: str) -> str:
        """Move a run to the bin; returns the identifier that :meth:`restore` takes."""
        if run in self.models():
            raise Problem(409, "A built-in model cannot be deleted")
        path, jobs = self.path(run), self._jobs()
        with jobs.start_lock:
            if is_locked(path) or path in jobs.run_folders():
                raise Problem(409, "This run is in training. Stop it first")
            place = self._bin / f"{time.time_ns()}"
            place.mkdir(parents=True)
            # the way back is stored beside the run: renamed first, it could be lost
            (place / "from").write_bytes(os.fsencode(path))
            try:
                move(path, place / "run")
            except PermissionError as error:  # Windows: a program has a file of it open
                shutil.rmtree(place, ignore_errors=True)
                line = "This run cannot be moved. Close programs that show its files, and try again"
                raise Problem(409, line) from error
        return place.name

    def restore(self, discarded: str) -> Path:
        """Move a run out of the bin; returns its folder.

        It has another name if its own is in use, and is directly in the folder of the library if
        its own folder is gone or was elsewhere.
        """
        if not discarded.isdecimal() or not (self._bin / discarded / "run").is_dir():
            raise no_run()
        place, jobs = self._bin / discarded, self._jobs()
        origin = self._origin(place)
        with jobs.start_lock:
            is_free = not origin.exists() and origin not in jobs.run_folders()
            path = origin if is_free and origin.parent.is_dir() else self.free(origin.name)
            move(place / "run", path)
        shutil.rmtree(place, ignore_errors=True)
        return path

    def _origin(self, place: Path) -> Path:
        """Where a discarded run was, which is a file that may hold anything."""
        try:
            stored = os.fsdecode((place / "from").read_bytes())
            folder = self.folder.resolve()
            origin = (folder / stored).resolve()
        except (OSError, ValueError):  # no file, or a null byte in it
            return self.folder / _RESTORED
        inside = origin.relative_to(folder) if origin.is_relative_to(folder) else Path(origin.name)
        if any(part.startswith(".") for part in inside.parts):  # not searched for runs
            inside = Path(inside.name.lstrip("."))
        return self.folder / (inside if inside.name else _RESTORED)

    def _jobs(self) -> Jobs:
        from dcgan.studio.jobs import Jobs  # which imports this module

        return Jobs(self.own / "jobs")


def checked_name(name: str) -> str:
    """The name of a new run folder; a Problem if no folder may have it."""
    if not _NAME.fullmatch(name.strip()):
        line = f"{name}: use letters, digits, spaces and - _ . for the name"
        raise Problem(422, line, "name")
    if not is_portable_name(name.strip()):
        raise Problem(422, f"{name}: Windows has no folder of this name. Use another one", "name")
    return name.strip().replace(" ", "-")


def identifier(path: Path) -> str:
    """The identifier of a run: 16 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _runs_in(folder: Path, levels: int) -> Iterator[Path]:
    try:
        inside = [one for one in folder.iterdir() if one.is_dir() and not one.is_symlink()]
    except OSError:
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if is_run(path):
            yield path
        elif levels > 1:
            yield from _runs_in(path, levels - 1)


def _changed(path: Path) -> int:
    """When a run was last written to."""
    files = ("log.jsonl", "config.yaml", "model.json", "run.json")
    return max(state_of(path / name).modified_ns for name in files)
