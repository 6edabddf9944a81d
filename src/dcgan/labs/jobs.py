"""One run of a lab as a process of its own: started, stopped and resumed alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

from filelock import FileLock, Timeout

from dcgan.errors import Diverged, Interrupted
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json

_ASK_SECONDS = 0.2
"""How often a job looks whether it is to stop."""

_PATIENCE = 60.0
"""Seconds that a run has to save its state before its process is killed."""

_SAVE_AND_END = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)
"""The signal after which a run saves its state; on Windows, SIGTERM ends a process at once."""

Ending = Literal["finished", "diverged", "interrupted", "failed"]


@dataclass(frozen=True)
class Job:
    """One arm with one seed.

    Parameters
    ----------
    arm : str
    seed : int
    recipe : Path
        All settings but the seed.
    folder : Path
        The folder of the lab.
    """

    arm: str
    seed: int
    recipe: Path
    folder: Path

    @property
    def name(self) -> str:
        """The name of its run folder."""
        return f"{self.arm}-{self.seed}"

    @property
    def run(self) -> Path:
        """Its run folder."""
        return self.folder / self.name

    @property
    def outcome(self) -> Path:
        """The file that says how it ended; missing while it has not."""
        return self.folder / "jobs" / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "jobs" / f"{self.name}.log"

    def words(self) -> list[str]:
        """The command that trains it, or resumes it."""
        options = ["--recipe", str(self.recipe), "--seed", str(self.seed), "--out", str(self.run)]
        return ["train", *options]


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Parameters
    ----------
    ending : {"finished", "diverged", "interrupted", "failed"}
        A run that diverged has ended, too: it counts with its last usable checkpoint. The other
        two can be resumed.
    message : str
        The last line that it printed, if it has not finished.
    """

    ending: Ending
    message: str = ""


def run_job(job: Job, stopped: Event | None = None) -> Outcome:
    """Train or resume one run and wait for its end.

    Must be importable and take plain values, so that other machines can call it.

    Parameters
    ----------
    job : Job
    stopped : threading.Event, optional
        Set: the process is asked to save its state and to end.
    """
    stopped = stopped or Event()
    if not _wait_for_others(job, stopped):
        return Outcome("interrupted")
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dcgan", *job.words()],
            # one thread each: runs that share cores wait for each other
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to the lab, which stops its jobs itself: POSIX, then Windows
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        try:
            while not stopped.wait(_ASK_SECONDS):
                if process.poll() is not None:
                    break
        finally:  # also after an exception that another executor raises here to cancel the job
            _end(process)
    return _outcome(job, process.returncode)


def ended(job: Job) -> Outcome | None:
    """How a job ended, from its file; None if it has not, or if its run folder is gone."""
    try:
        stored = read_json(job.outcome)
        found = Outcome(stored["ending"], str(stored["message"]))
    except (OSError, ValueError, LookupError):
        return None
    is_over = found.ending in ("finished", "diverged")
    return found if is_over and (job.run / "networks.json").is_file() else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let a process save its state and end."""
    if process.poll() is None:
        process.send_signal(_SAVE_AND_END)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _outcome(job: Job, code: int) -> Outcome:
    message = _last_line(job.log)
    if code == 0:
        found = Outcome("finished")
    elif code == Diverged.exit_code:
        found = Outcome("diverged", message)
    elif code == Interrupted.exit_code or code < 0:
        return Outcome("interrupted", f"stopped by signal {-code}" if code < 0 else message)
    else:
        return Outcome("failed", message or f"exit code {code}")
    write_json(job.outcome, {"ending": found.ending, "message": found.message})
    return found


def _wait_for_others(job: Job, stopped: Event) -> bool:
    """Wait until no other process trains this run; False if the job was stopped meanwhile.

    A lab that was killed without a warning may leave such a process, which still ends its run.
    """
    lock = job.run / ".lock"
    while lock.is_file():
        try:
            with FileLock(lock, timeout=0):
                break
        except Timeout:
            if stopped.wait(1.0):
                return False
    return not stopped.is_set()


def _last_line(path: Path) -> str:
    with suppress(OSError):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
    return ""
