"""The list of labs, and the search for a latent, in a real browser."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.labs.listing import listed_labs
from dcgan.metrics.score import Score
from dcgan.runs.scores import Measured, write_best
from dcgan.studio.library import identifier
from tests.exchange.conftest import KINDS, write_run
from tests.exchange.web.chromium import needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def test_labs_are_listed_by_subject_with_published_verdicts(studio_page):
    page = studio_page
    page.open("labs")
    page.locator(".lab").first.wait_for()
    labs = [lab for lab in listed_labs() if lab.published]
    assert page.locator(".lab").count() == len(dcgan.list_labs())
    assert page.get_by_text("Published: measured for this version").count() == len(labs)
    first = page.locator(".lab", has_text="dcgan lab averaged-weights")
    text = first.inner_text()
    assert "95% interval" in text and "EMA" in text and "exponential moving average" in text
    assert page.get_by_role("heading", name="Averaging and checkpoints").is_visible()
    page.get_by_label("Show").select_option("does not hold")
    refuted = [lab for lab in labs if lab.published.verdict == "does not hold"]
    assert page.locator(".lab").count() == len(refuted)
    assert page.violations() == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_runs_of_a_lab_are_shown_when_its_folder_is_opened(studio_page, studio_server):
    for name in ("outside", "labs/width/wide-0", "labs/width/wide-1"):
        write_run(studio_server.runs / name, KINDS["plain"])
    page = studio_page
    page.open("")
    folder = page.get_by_text("labs/width: 2 runs")
    folder.wait_for()
    assert page.get_by_label("Compare wide-0").count() == 0
    folder.click()
    page.get_by_label("Compare wide-0").check()
    page.get_by_label("Compare wide-1").check()
    page.get_by_text("wide-0 and wide-1").wait_for()
    assert page.violations() == []
    page.get_by_role("button", name="Delete wide-1").click()
    page.get_by_text("labs/width: 1 run", exact=True).wait_for()
    page.get_by_label("Compare wide-1").wait_for(state="detached")
    page.get_by_role("button", name="Undo deleting wide-1").click()
    page.get_by_text("labs/width: 2 runs").wait_for()


def test_explore_and_invert_say_which_checkpoint_they_use(studio_page, studio_server):
    path = studio_server.runs / "learned"
    run = write_run(path, KINDS["plain"], images_seen=12_345)
    page = studio_page
    page.open(f"runs/{identifier(path)}/explore")
    page.get_by_text("of the newest checkpoint, after 12,345 images seen.").wait_for()
    score = Score(metric="frechet_distance", value=3.0, baseline=1.0, extractor="pretrained")
    write_best(run.folder, Measured(12_345, score, run.checkpoint_name), by="training")
    shutil.copytree(run.checkpoint, path / "checkpoints" / "000054321")
    page.open(f"runs/{identifier(path)}/invert")
    said = page.get_by_text("of the best checkpoint, after 12,345 images seen.")
    said.wait_for()
    assert said.inner_text().endswith("The newest checkpoint is after 54,321.")


def test_a_search_is_shown_and_stays(studio_page, studio_server):
    page = studio_page
    models = {card["name"]: card["id"] for card in studio_server.get("/home")["models"]}
    run = dcgan.load("mnist-demo")
    latent = run.networks.latent.numbered(0, 0, 1)[0].tolist()
    answers, held = [], []
    answer = {"latent": latent, "target": PIXEL, "image": PIXEL, "error": 0.1}

    def respond(route):
        if answers:
            route.fulfill(json=answer | {"baseline": answers.pop()})
        else:
            held.append(route)

    page.route("**/invert?*", respond)
    page.open(f"runs/{models['mnist-demo']}/invert")
    buffer = io.BytesIO()
    Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(buffer, format="PNG")
    file = {"name": "cross.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    field = page.locator("input[type=file]")
    field.set_input_files(file)
    page.get_by_alt_text("Your image cross.png").wait_for()
    page.get_by_text("Searching for its latent").wait_for()
    width = "(image) => image.naturalWidth"
    assert page.get_by_alt_text("Your image cross.png").evaluate(width) == 9
    assert page.violations() == []
    page.get_by_role("link", name="Explore", exact=True).click()
    page.locator(".dcgan-map").wait_for()
    held[0].fulfill(json=answer | {"baseline": 0.12})
    page.get_by_role("link", name="Invert", exact=True).click()
    page.get_by_text("It is not similar: the model cannot generate your image.").wait_for()
    page.get_by_role("link", name="Explore", exact=True).click()
    page.get_by_role("link", name="Invert", exact=True).click()
    page.get_by_text("It is not similar").wait_for()  # nothing is searched again
    page.locator(".dcgan-edits").wait_for()
    assert len(held) == 1
    for baseline, words in (
        (0.15, "only roughly"),
        (0.3, "something similar"),
        (0.5, "can generate"),
    ):
        answers.append(baseline)
        field.set_input_files(file)
        page.get_by_text(words).wait_for()
    page.locator(".dcgan-edits").wait_for()
    assert page.violations() == []
