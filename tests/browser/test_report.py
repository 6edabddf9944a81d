"""The pages about runs in a real browser: no sideways scrolling, readable in both themes."""

from __future__ import annotations

import io
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.evaluation.comparison import compare
from dcgan.health import Diagnosis, Finding
from dcgan.report import write_comparison, write_report
from tests.exchange.web.chromium import needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

WIDTHS = [1280, 768, 390]

TOO_WIDE = """() => [document.documentElement.scrollWidth, ...[...document.querySelectorAll("body *")]
  .filter((one) => !one.closest(".wide") && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => `${one.tagName}.${one.className}`)]"""


@pytest.fixture(scope="module")
def pages(scored_run, tmp_path_factory):
    """A report with every part, and a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    name = "a_run_with_a_rather_long_name_without_a_space_that_never_seems_to_come_to_an_end"
    runs = [
        dcgan.open_run(shutil.copytree(scored_run.path, folder / f"{name}-{number}"))
        for number in (0, 1)
    ]
    config = runs[1].path / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 1"))
    finding = Finding(
        "discriminator-overfitting",
        "warning",
        256,
        "The discriminator scores training images above unseen ones.",
        "Set `augment.policy` to `color+translation`.",
        {"score_real": 0.9},
    )
    diagnosis = Diagnosis("Overfitting.", "warning", [finding])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dcgan.report.gather.diagnosis_of", lambda folder: diagnosis)
        report = write_report(runs[0], out=folder / "report.html")
    write_comparison(
        compare(runs, images=60, repeats=2, extractor="random"), folder / "compare.html"
    )
    return {"report": report, "compare": folder / "compare.html"}


@pytest.fixture
def opened(pages, studio_browser):
    """A page in a window that is as wide as is asked for."""
    window = studio_browser.new_page(java_script_enabled=False)

    def open_page(name, width=1280):
        window.set_viewport_size({"width": width, "height": 1600})
        window.goto(pages[name].as_uri())
        return window

    yield open_page
    window.close()


@pytest.mark.parametrize("name", ["report", "compare"])
def test_nothing_is_wider_than_the_window(opened, name):
    for width in WIDTHS:
        page = opened(name, width)
        page.evaluate(
            "() => document.querySelectorAll('details').forEach((one) => one.open = true)"
        )
        assert page.evaluate(TOO_WIDE) == [width]


@pytest.mark.parametrize("name", ["report", "compare"])
def test_it_follows_the_theme(opened, name):
    page = opened(name)
    corners = {}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        with Image.open(io.BytesIO(page.screenshot())) as image:
            pixels = np.asarray(image.convert("L"))
        corners[theme] = int(pixels[0, 0])
        # text and paper differ clearly
        assert abs(int(pixels.max()) - int(pixels.min())) > 180
    assert corners["light"] > 240
    assert corners["dark"] < 40


def test_every_chart_has_lines_within_its_frame(pages):
    source = pages["report"].read_text()
    charts = re.findall(r'<svg class="chart".*?</svg>', source)
    assert len(charts) >= 6
    for chart in charts:
        points = re.findall(r"([\d.]+),([\d.]+)", " ".join(re.findall(r'points="(.*?)"', chart)))
        assert points
        assert all(0 <= float(x) <= 480 and 0 <= float(y) <= 240 for x, y in points)
