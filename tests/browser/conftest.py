"""A studio in a process of its own, and its page in a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.exchange.web.chromium import CHROMIUM

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")

PATIENCE = 60_000
"""Milliseconds until a browser counts as stuck."""


@pytest.fixture(scope="module")
def studio_server(tmp_path_factory):
    """The address of a studio over an empty folder of runs."""
    runs = str(tmp_path_factory.mktemp("studio") / "runs")
    server = subprocess.Popen(
        [sys.executable, "-m", "dcgan", "studio", runs, "--no-browser", "--port", "0"],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        line = server.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        yield found[0]
    finally:
        server.terminate()
        server.communicate()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def studio_page(studio_server, browser):
    """Open a part of the studio, such as ``inside``; no page may report an error.

    A test that causes one clears ``studio_page.problems``.
    """
    problems, contexts = [], []

    def open_part(part, **settings):
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | settings))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on(
            "console", lambda message: message.type == "error" and problems.append(message.text)
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{studio_server}#/{part}")
        return page

    open_part.problems = problems
    yield open_part
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def axe():
    """The problems of accessibility that axe-core finds in a page."""

    def problems_of(page):
        # not by a script element, which the page's policy refuses
        page.evaluate(AXE)
        found = page.evaluate("() => axe.run()")
        return [
            f"{problem['id']}: {node['html']}: {node['failureSummary']}"
            for problem in found["violations"]
            for node in problem["nodes"]
        ]

    return problems_of
