"""The process of a job: ``python -m dcgan.studio.runner FOLDER``.

It locks the folder while it lives, runs the command in ``job.json``, and stores its exit code.
"""

from __future__ import annotations

import io
import os
import runpy
import signal
import sys
import threading
import time
from _thread import interrupt_main
from pathlib import Path

from filelock import FileLock

from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json

STOPPED = 3
"""The exit code of a command that a signal has stopped."""

STOP = "stop"
"""A file that asks a job to save and end, on Windows."""

_ASK_SECONDS = 0.5
"""How often a job looks for that file."""

_PATIENCE = 10.0
"""Seconds: the server tests the lock by taking it for a moment."""


def main() -> None:
    place = Path(sys.argv[1])
    words = [str(word) for word in read_json(place / "job.json")["words"]]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # the server reads UTF-8, whatever the locale
            stream.reconfigure(encoding="utf-8")
    # like Ctrl-C, also before training has begun: the command says that it was stopped
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.name == "nt":
        threading.Thread(target=wait_for_stop, args=(place,), daemon=True).start()
    with FileLock(place / ".lock", timeout=_PATIENCE):
        try:
            (place / "pid").write_text(str(os.getpid()), "utf-8")
            code = _run(words)
        except KeyboardInterrupt:
            code = STOPPED
        write_json(place / "result.json", {"code": code})


def wait_for_stop(place: Path) -> None:
    """Wait until a file asks the job to end, and let the main thread act as on SIGTERM."""
    while not (place / STOP).exists():
        time.sleep(_ASK_SECONDS)
    interrupt_main(signal.SIGTERM)


def _run(words: list[str]) -> int:
    sys.argv = ["dcgan", *words]
    try:
        runpy.run_module("dcgan", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


if __name__ == "__main__":
    main()
