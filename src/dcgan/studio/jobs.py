"""Commands that the page starts: processes of their own, which outlive the page and the server.

A job is a folder with the command, what it prints, and at its end the exit code. The process locks
the folder while it lives. So after a crash of either side, the state is still known.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json
from dcgan.studio.problems import Problem, not_found

State = Literal["waiting", "running", "done", "stopped", "failed"]

MOST = 3
"""Jobs at one time. They share the cores of one machine."""

_STOPPED = 3
"""The exit code of a command that a signal stopped after it had saved."""

_STARTING = 60.0
"""Seconds in which a process must have locked its folder."""

_TAIL = 16_384
_SIGNALS = {"stop": signal.SIGTERM}


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
    state : {"waiting", "running", "done", "stopped", "failed"}
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
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, words: Sequence[str], subject: str, *, out: str = "") -> Job:
        """Start ``dcgan`` with these words.

        ``out`` is the name of a file that the command writes into the job's folder.

        Raises
        ------
        Problem
            Too many jobs are running.
        """
        running = [job for job in self.all() if job.state in {"waiting", "running"}]
        if len(running) >= MOST:
            raise Problem(
                409, f"{len(running)} jobs are running. Wait until one has ended, or stop one"
            )
        place = self.folder / f"{time.time_ns()}"
        place.mkdir(parents=True)
        words = [*words, *(["--out", str(place / out)] if out else [])]
        job = {"words": words, "subject": subject, "created": time.time()}
        write_json(place / "job.json", job)
        with (place / "output").open("wb") as output:
            subprocess.Popen(
                [sys.executable, "-m", "dcgan.studio.runner", str(place)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the server does not reach it
            )
        return self.get(place.name)

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        places = sorted(self.folder.glob("*/job.json"), reverse=True)
        return [self._read(path.parent) for path in places]

    def get(self, job: str) -> Job:
        """A job by its identifier; a Problem if there is none."""
        return self._read(self._place(job))

    def output(self, job: str) -> str:
        """The last part of what a job has printed."""
        text = (self._place(job) / "output").read_bytes()[-_TAIL:].decode("utf-8", "replace")
        return text.replace("\r", "\n")

    def file(self, job: str, name: str) -> Path:
        """A file that a job has written into its folder, or will write."""
        return self._place(job) / name

    def stop(self, job: str) -> None:
        """Ask a job to save and end; nothing if it has ended."""
        place = self._place(job)
        if not is_locked(place):
            return
        pid = int((place / "pid").read_text())
        try:
            os.kill(pid, _SIGNALS["stop"])
        except ProcessLookupError:
            return

    def of_run(self, path: Path) -> Job | None:
        """The newest job that trains in a run folder."""
        return next(
            (job for job in self.all() if job.kind == "train" and job.subject == str(path)), None
        )

    def _place(self, job: str) -> Path:
        if not job.isdecimal() or not (self.folder / job / "job.json").is_file():
            raise not_found("this job")
        return self.folder / job

    def _read(self, place: Path) -> Job:
        stored = read_json(place / "job.json")
        lines = [line for line in self.output(place.name).splitlines() if line.strip()]
        return Job(
            id=place.name,
            kind=str(stored["words"][0]),
            subject=str(stored["subject"]),
            state=_state(place, stored),
            line=lines[-1].strip() if lines else "",
            created=float(stored["created"]),
        )


def is_locked(folder: Path) -> bool:
    """Whether a process holds the lock of a folder: of a job, or of a run in training."""
    path = folder / ".lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _state(place: Path, stored: dict[str, Any]) -> State:
    if is_locked(place):
        return "running"
    try:
        code = int(read_json(place / "result.json")["code"])
    except FileNotFoundError:
        is_new = not (place / "pid").exists() and time.time() - stored["created"] < _STARTING
        return "waiting" if is_new else "failed"
    return {0: "done", _STOPPED: "stopped"}.get(code, "failed")  # type: ignore[return-value]
