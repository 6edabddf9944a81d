"""A studio that answers requests: in a process of its own, or in a thread of the test's."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from contextlib import suppress
from threading import Thread

import uvicorn
from tests.processes import Program

from dcgan.studio import create_app
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library

PATIENCE = 180
"""Seconds until something counts as stuck."""


class _Studio:
    """A studio over the folder ``runs`` in a folder; datasets are allowed in the latter."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    @property
    def runs(self):
        return self.folder / "runs"

    def get(self, path):
        with urllib.request.urlopen(f"{self.address}/api{path}") as answer:
            return json.load(answer)

    def post(self, path, content=None):
        headers = {"origin": self.address, "content-type": "application/json"}
        body = json.dumps(content or {}).encode()
        request = urllib.request.Request(f"{self.address}/api{path}", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def stop_jobs(self):
        """End what the tests have started, also when no server answers any more."""
        jobs = Jobs(Library(self.runs).own / "jobs")
        for job in jobs.all():
            if job.state == "running":
                jobs.stop(job.id)


class Server(_Studio):
    """``dcgan studio`` in a process of its own."""

    def start(self):
        words = ["studio", str(self.runs), "--no-browser", "--port", str(self.port)]
        self._program = Program("-m", "dcgan", *words, "--allow", self.folder)
        wait_for(self._answers)
        return self

    def kill(self):
        """Without a warning, as the system does."""
        self._program.kill()

    def _answers(self):
        assert self._program.is_running, self._program.wait()
        with suppress(OSError):
            return self.get("/recipes")
        return None


class ThreadServer(_Studio):
    """The same in a thread, which has nothing to import and so starts at once."""

    def start(self):
        app = create_app(self.runs, hosts={f"127.0.0.1:{self.port}"}, allow=[self.folder])
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_level="critical", timeout_graceful_shutdown=0)
        )
        self._thread = Thread(target=self._server.run)
        self._thread.start()
        wait_for(lambda: self._server.started or not self._thread.is_alive())
        return self

    def stop(self):
        """Close all connections, and listen no more."""
        self._server.should_exit = True
        self._thread.join()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()


def wait_for(condition, patience=PATIENCE):
    """The first true value of a condition."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")
