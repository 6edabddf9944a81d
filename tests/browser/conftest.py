"""A studio with its server in a thread, and a page in a real browser."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from dcgan.studio import jobs
from tests.exchange.web.chromium import CHROMIUM
from tests.processes import popen
from tests.studio.serving import PATIENCE, ThreadServer

SIZES = [(390, 800), (768, 900), (1280, 900)]

OF_COLORS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core about colors."""

_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def studio_server(tmp_path_factory):
    """A studio over an empty folder, for all tests of a file. Its jobs are forked."""
    with (
        pytest.MonkeyPatch.context() as patch,
        ThreadServer(tmp_path_factory.mktemp("studio")) as server,
    ):
        patch.setattr(jobs, "subprocess", SimpleNamespace(**vars(subprocess) | {"Popen": popen}))
        yield server
        server.stop_jobs()


@pytest.fixture(scope="package")
def studio_browser():
    """One browser for all tests of this folder. It is closed after them: while it is open, other
    tests could not run event loops in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def studio_page(studio_server, studio_browser, axe):
    """A page of the studio. Errors of its scripts, and what its policy forbids, fail the test."""
    page = studio_browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(1000 * PATIENCE)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: "Content Security Policy" in message.text and problems.append(message.text),
    )
    page.open = lambda place: _open(page, f"{studio_server.address}/#/{place}")
    page.violations = lambda: _violations(page, axe)
    yield page
    page.close()
    assert problems == []


@pytest.fixture
def studio_part(studio_server, studio_browser):
    """Open a part of the studio, such as ``inside``, with settings of a browser context; no page may
    report an error.

    A test that causes one clears ``studio_part.problems``.
    """
    problems, contexts = [], []

    def open_part(part, **settings):
        size = {"viewport": {"width": 1280, "height": 900}}
        context = studio_browser.new_context(**(size | settings))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on(
            "console", lambda message: message.type == "error" and problems.append(message.text)
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{studio_server.address}/#/{part}")
        return page

    open_part.problems = problems
    yield open_part
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def axe():
    """The problems of accessibility that axe-core finds in a page, by all rules or those named."""

    def problems_of(page, *rules):
        if not page.evaluate("() => Boolean(window.axe)"):
            # not by a script element, which the page's policy refuses
            page.evaluate(_AXE)
        only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
        found = page.evaluate("(how) => axe.run(how)", {"resultTypes": ["violations"], **only})
        return [
            f"{problem['id']}: {node['html']}: {node['failureSummary']}"
            for problem in found["violations"]
            for node in problem["nodes"]
        ]

    return problems_of


def fits(page):
    """Whether nothing is cut off or beside the page at any width."""
    too_wide = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(100)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(width)
    page.set_viewport_size({"width": 1280, "height": 900})
    return too_wide == []


def _open(page, address):
    page.goto("about:blank")  # a change of the part after # alone would load nothing
    page.goto(address)
    page.locator("h1").wait_for()


def _violations(page, axe):
    """What axe-core finds wrong for people with disabilities. Only colors differ between the color
    schemes."""
    page.emulate_media(color_scheme="dark")
    found = axe(page, *OF_COLORS)
    page.emulate_media(color_scheme="light")
    return found + axe(page)
