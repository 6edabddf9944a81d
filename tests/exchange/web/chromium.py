"""A real browser without a screen: opens a page of a folder, and waits for its answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium in PATH")

PATIENCE = 120
"""Seconds until a browser counts as stuck."""

DRIVER = """<!doctype html><meta charset="utf-8"><script type="module">
const answer = (value) => fetch("/answer", {method: "POST", body: JSON.stringify(value)});
const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
try { answer({value: await (async () => { %s })()}); }
catch (error) { answer({error: `${error.stack}`}); }
</script>"""


class _Handler(SimpleHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.server.answers.append(json.loads(body))
        self.server.has_answer.set()

    def log_message(self, *words):
        pass


@contextmanager
def served(folder):
    """A web server of a folder on this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
    server.answers, server.has_answer = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer_of(folder, script, profile, *words):
    """What a script returns in a page of the folder; ``wait(milliseconds)`` is there for it."""
    (folder / "driver.html").write_text(DRIVER % script, encoding="utf-8")
    with served(folder) as server:
        browser = subprocess.Popen(
            [
                *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--no-first-run", f"--user-data-dir={profile}", *words),
                f"http://127.0.0.1:{server.server_address[1]}/driver.html",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert server.has_answer.wait(PATIENCE), "no answer from the browser"
        finally:
            browser.terminate()
            browser.wait()
    answer = server.answers[0]
    assert "error" not in answer, answer["error"]
    return answer["value"]
