"""The pages about runs in a real browser: no sideways scrolling, readable in both themes."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from tests.conftest import SMALL

import dcgan
from dcgan.evaluation.comparison import compare
from dcgan.health import Diagnosis, Finding
from dcgan.report import write_comparison, write_report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium in PATH"),
]

WIDTHS = [1280, 768, 390]

PROBE = """<script>
const wide = [...document.querySelectorAll("body *")].filter(one => !one.closest(".wide") &&
  one.getBoundingClientRect().right > innerWidth + 1).map(one => one.tagName + "." + one.className);
parent.postMessage(JSON.stringify([document.documentElement.scrollWidth, innerWidth, wide]), "*");
</script>"""

FRAME = """<!doctype html><title>no answer</title>
<script>addEventListener("message", event => document.title = event.data);</script>
<iframe src="probed.html" style="border: 0" width="{width}" height="1600"></iframe>"""
"""A window has a minimum width, a frame has none."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report with every part, and a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    settings = SMALL["settings"] | {"metrics": {"images": 60, "every": 128}}
    name = "a_run_with_a_rather_long_name_without_a_space_that_never_seems_to_come_to_an_end"
    runs = [
        dcgan.train(
            "digits",
            images=512,
            seed=seed,
            out=folder / f"{name}-{seed}",
            **SMALL | {"settings": settings},
        )
        for seed in (0, 1)
    ]
    finding = Finding(
        "discriminator-overfitting",
        "warning",
        256,
        "The discriminator scores training images above unseen ones.",
        "Set `augment.policy` to `colour+translation`.",
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


def chromium(tmp_path, page, width, *words):
    """Open a page in a window without a screen."""
    return subprocess.run(
        [
            *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1600"),
            *("--virtual-time-budget=2000", *words, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["report", "compare"])
def test_nothing_is_wider_than_the_window(pages, tmp_path, name, width):
    source = pages[name].read_text().replace("<details>", "<details open>")
    (tmp_path / "probed.html").write_text(source.replace("</body>", f"{PROBE}</body>"))
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width))
    dump = chromium(tmp_path, frame, 1600, "--dump-dom")
    found = re.search(r"<title>\[(\d+),(\d+),(.*?)\]</title>", dump)
    assert found is not None
    assert (int(found[1]), found[3]) == (width, "[]")
    assert int(found[2]) == width


@pytest.mark.parametrize("name", ["report", "compare"])
def test_it_follows_the_theme(pages, tmp_path, name):
    corners = {}
    for theme, words in {"light": [], "dark": ["--blink-settings=preferredColorScheme=0"]}.items():
        shot = tmp_path / f"{theme}.png"
        chromium(tmp_path, pages[name], 1280, *words, f"--screenshot={shot}")
        with Image.open(shot) as image:
            pixels = np.asarray(image.convert("L"))
        corners[theme] = int(pixels[0, 0])
        # text and paper differ clearly
        assert abs(int(pixels.max()) - int(pixels.min())) > 180
    assert corners["light"] > 240
    assert corners["dark"] < 40


def test_every_chart_has_lines_within_its_frame(pages, tmp_path):
    source = pages["report"].read_text()
    charts = re.findall(r'<svg class="chart".*?</svg>', source)
    assert len(charts) >= 6
    for chart in charts:
        points = re.findall(r"([\d.]+),([\d.]+)", " ".join(re.findall(r'points="(.*?)"', chart)))
        assert points
        assert all(0 <= float(x) <= 480 and 0 <= float(y) <= 240 for x, y in points)
