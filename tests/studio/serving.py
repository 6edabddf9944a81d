"""A studio in a process of its own, which can be killed and started again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

PATIENCE = 180
"""Seconds until something counts as stuck."""


class Server:
    """``dcgan studio`` over the folder ``runs`` in a folder; datasets are allowed in the latter."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = None

    @property
    def runs(self):
        return self.folder / "runs"

    def start(self):
        words = ["studio", str(self.runs), "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dcgan", *words, "--allow", str(self.folder)],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self.folder)},
        )
        wait_for(self._answers)
        return self

    def kill(self):
        """Without a warning, as the system does."""
        self.process.kill()
        self.process.wait()

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
        """End what the tests have started."""
        with suppress(OSError):
            for job in self.get("/home")["jobs"]:
                if job["state"] == "running":
                    self.post(f"/jobs/{job['id']}/stop")
        self.kill()

    def _answers(self):
        assert self.process.poll() is None, "the studio has ended"
        with suppress(OSError):
            return self.get("/recipes")
        return None


def wait_for(condition, patience=PATIENCE):
    """The first true value of a condition."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")
