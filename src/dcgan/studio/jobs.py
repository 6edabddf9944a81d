"""Commands that the page starts: processes of their own, which outlive the page and the server.

A job is a folder with the command, what it prints, and at its end the exit code. The process locks
the folder while it lives. So after a crash of either side, the state is still known.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from dcgan.runtime.files import write_json
from dcgan.runtime.reading import NotJson, parse_json, read_json
from dcgan.studio.library import identifier
from dcgan.studio.locks import is_locked
from dcgan.studio.problems import Problem, not_found
from dcgan.studio.runner import STOP, STOPPED

State = Literal["waiting", "running", "done", "stopped", "failed", "killed"]

MOST = 3
"""Jobs at one time. They share the cores of one machine."""

_LIVE = {"waiting", "running"}
"""States of jobs that have not ended."""

_STARTING = 60.0
"""Seconds in which a process must have locked its folder."""

_TAIL = 16_384
"""Bytes of the output that are shown."""

_LONGEST = 2**26
"""Bytes of the output in which the result is searched."""

_KEPT = 200
"""Jobs that are remembered after their end."""

_OF_RUNS = {"train", "import"}
"""Commands whose subject is a run folder."""


@dataclass(frozen=True)
class Job:
    """One command and its state.

    Attributes
    ----------
    id : str
    kind : str
        The command of ``dcgan``, such as ``train``.
    subject : str
        What it is about, for people; for ``train`` the run folder.
    state : {"waiting", "running", "done", "stopped", "failed", "killed"}
        ``killed``: its process ended without an exit code.
    line : str
        The last line that it printed.
    created : float
        Seconds since the epoch.
    """

    id: str
    kind: str
    subject: str
    state: State
    line: str
    created: float


class Jobs:
    """The jobs of one studio folder.

    Parameters
    ----------
    folder : Path
        One folder per job is made in it. Several servers may share it.

    Attributes
    ----------
    start_lock : FileLock
        While it is held, no other request and no other server starts a job. Hold it from a check,
        or the choice of a run folder, until the start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start_lock = FileLock(folder / ".start")

    def start(self, words: Sequence[str], subject: str, *, out: str = "") -> Job:
        """Start ``dcgan`` with these words.

        ``out`` is the name of a file that the command writes into the job's folder.

        Raises
        ------
        Problem
            Too many jobs are running.
        """
        with self.start_lock:
            running = sum(1 for place in self._places() if _state(place) in _LIVE)
            if running >= MOST:
                raise Problem(
                    409, f"{running} jobs are running. Wait until one has ended, or stop one"
                )
            self._forget_old()
            place = self.folder / f"{time.time_ns()}"
            place.mkdir()
            words = [*words, *(["--out", str(place / out)] if out else [])]
            job = {"words": words, "subject": subject, "created": time.time()}
            (place / "output").touch()
            write_json(place / "job.json", job)  # last: it makes the folder a job
        with (place / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dcgan.studio.runner", str(place)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the server does not reach it: POSIX, then Windows
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        # so that no zombie is left while the server lives
        threading.Thread(target=process.wait, daemon=True).start()
        return self.get(place.name)

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        return [self._read(place) for place in self._places()]

    def get(self, job: str) -> Job:
        """A job by its identifier; a Problem if there is none."""
        return self._read(self._place(job))

    def output(self, job: str) -> str:
        """The last part of what a job has printed."""
        return _end_of(self._place(job) / "output", _TAIL).replace("\r", "\n")

    def result(self, job: str) -> dict[str, Any] | None:
        """The object that a command with ``--json`` printed as its last line; None without one."""
        last = _end_of(self._place(job) / "output", _LONGEST).rstrip().rpartition("\n")[2]
        try:
            return parse_json(last)
        except NotJson:
            return None

    def file(self, job: str, name: str) -> Path:
        """A file that a job has written into its folder, or will write."""
        return self._place(job) / name

    def stop(self, job: str) -> None:
        """Ask a job to save and end; nothing if it has ended.

        Raises
        ------
        Problem
            Its process has not begun.
        """
        state, pid = self.get(job).state, _end_of(self._place(job) / "pid", _TAIL)
        # the file is there before its content is
        if state == "waiting" or (state == "running" and not pid.isdecimal()):
            raise Problem(409, "This job is starting. Stop it in a few seconds")
        if state == "running" and os.name == "nt":  # where every signal ends a process at once
            (self._place(job) / STOP).touch()
        elif state == "running":
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)

    def of_run(self, path: Path) -> Job | None:
        """The job that makes, or trains in, a run folder; without one, the newest that did."""
        places = [place for place in self._of_runs() if _subject(place) == str(path)]
        live = (place for place in places if _state(place) in _LIVE)
        place = next(live, places[0] if places else None)
        return None if place is None else self._read(place)

    def run_folders(self) -> set[Path]:
        """The run folders of jobs that have not ended. They may not exist yet."""
        return {Path(_subject(place)) for place in self._of_runs() if _state(place) in _LIVE}

    def run_folder(self, run: str) -> Path | None:
        """The run folder of an identifier that a job makes, which may not exist yet."""
        paths = (Path(_subject(place)) for place in self._of_runs())
        return next((path for path in paths if identifier(path) == run), None)

    def _of_runs(self) -> Iterator[Path]:
        """The folders of jobs that are about a run folder, newest first."""
        return (place for place in self._places() if _stored(place)["words"][0] in _OF_RUNS)

    def _places(self) -> Iterator[Path]:
        """The folders of jobs, newest first, without damaged ones."""
        for path in sorted(self.folder.glob("*/job.json"), reverse=True):
            if _is_job(path.parent):
                yield path.parent

    def _forget_old(self) -> None:
        """Delete all but the newest ended jobs."""
        ended = [place for place in self._places() if _state(place) not in _LIVE]
        for place in ended[_KEPT:]:
            shutil.rmtree(place, ignore_errors=True)

    def _place(self, job: str) -> Path:
        if not _is_job(self.folder / job):
            raise not_found("this job")
        return self.folder / job

    def _read(self, place: Path) -> Job:
        stored = _stored(place)
        lines = [line for line in self.output(place.name).splitlines() if line.strip()]
        return Job(
            id=place.name,
            kind=str(stored["words"][0]),
            subject=_subject(place),
            state=_state(place),
            line=lines[-1].strip() if lines else "",
            created=float(stored["created"]),
        )


@lru_cache(2 * _KEPT)
def _stored(place: Path) -> dict[str, Any]:
    """What a job is about, which never changes; raises ``NotJson`` or ``OSError``."""
    stored = read_json(place / "job.json")
    words, created = stored.get("words"), stored.get("created")
    is_command = isinstance(words, list) and words and all(isinstance(one, str) for one in words)
    if not is_command or not isinstance(created, float):
        raise NotJson("holds no job")
    return stored


def _is_job(place: Path) -> bool:
    if not place.name.isdecimal():
        return False
    try:
        _stored(place)
    except (NotJson, OSError):
        return False
    return True


def _subject(place: Path) -> str:
    return str(_stored(place).get("subject", ""))


def _end_of(path: Path, most: int) -> str:
    """The last bytes of a file as text; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - most))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _state(place: Path) -> State:
    if is_locked(place):
        return "running"
    try:
        code = read_json(place / "result.json").get("code")
    except FileNotFoundError:
        if not (place / "pid").exists() and time.time() - _stored(place)["created"] < _STARTING:
            return "waiting"
        return "running" if is_locked(place) else "killed"  # it may have begun just now
    except (NotJson, OSError):
        return "failed"
    return "done" if code == 0 else "stopped" if code == STOPPED else "failed"
