"""What a newcomer with nothing trained does: look, train on a folder, understand, take away."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import fits
from tests.exchange.web.chromium import needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

FRAMES = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const map = document.querySelector(".dcgan-map");
  map.setPointerCapture = () => {}; // pointers of a script cannot be captured
  const box = map.getBoundingClientRect();
  const send = (type, x) => map.dispatchEvent(new PointerEvent(type, {pointerId: 1, button: 0,
    bubbles: true, clientX: box.left + x * box.width, clientY: box.top + box.height / 2}));
  send("pointerdown", 0.1);
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    send("pointermove", 0.1 + 0.8 * i / 20);
    await frame();
  }
  send("pointerup", 0.9);
  return 20000 / (performance.now() - start);
}"""
"""Frames per second while a script drags over the map."""


@pytest.fixture
def photos(studio_server):
    """A folder of 60 small images with a colored square each."""
    folder = studio_server.folder / "my photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(60):
        image = np.full((24, 24, 3), 255, np.uint8)
        x, y = random.integers(2, 12, 2)
        image[y : y + 9, x : x + 9] = random.integers(0, 255, 3)
        Image.fromarray(image).save(folder / f"{number}.png")
    return folder


def shown(page):
    """The pixels of the image that the explorer shows."""
    return page.evaluate(
        "() => { const canvas = document.querySelector('.dcgan-image');"
        " return String(canvas.getContext('2d').getImageData(0, 0, canvas.width,"
        " canvas.height).data); }"
    )


def test_from_nothing_to_a_web_page(studio_page, photos, tmp_path, record_property):
    page = studio_page
    page.open("")
    page.get_by_text("No runs yet").wait_for()
    assert page.violations() == []
    assert fits(page)
    page.get_by_role("link", name="Start a new run").click()
    page.get_by_role("heading", name="New run").wait_for()
    assert page.violations() == []
    page.get_by_role("link", name="Runs", exact=True).click()

    # digits under the mouse at once
    page.get_by_role("link", name="mnist-demo").click()
    page.locator(".dcgan-map").wait_for()
    before = shown(page)
    box = page.locator(".dcgan-map").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert shown(page) != before
    record_property("frames_per_second", page.evaluate(FRAMES))  # never fails a test
    assert page.violations() == []

    # a training on a folder of their own
    page.open("new")
    page.get_by_label("A folder on this machine").check()
    page.get_by_role("textbox", name="Path").fill(str(photos))
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_text("60 images directly in this folder").wait_for()
    page.get_by_role("button", name="Inspect the images of this folder").click()
    page.get_by_text("60 images").first.wait_for()
    page.get_by_alt_text("Training images as the networks will see them").wait_for()
    page.get_by_text("More settings").click()
    page.get_by_label("Images seen, instead of minutes").fill("64")
    page.get_by_role("button", name="Start training").click()

    # whether it goes well
    page.get_by_role("heading", name=re.compile("my.photos")).wait_for()
    page.get_by_role("button", name="Train longer").wait_for()
    page.get_by_text("64 images seen in").wait_for()
    page.get_by_text(
        re.compile("too early to say|images usually begin|few images", re.I)
    ).first.wait_for()

    # and the result as a web page that needs neither studio nor server
    page.get_by_role("link", name="Explore").click()
    page.locator(".dcgan-map").wait_for()
    page.get_by_role("button", name="Keep").click()
    page.locator(".dcgan-entry").wait_for()
    page.reload()  # what was kept is still there
    page.locator(".dcgan-entry").wait_for()
    assert page.violations() == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the web page").click()
    taken = tmp_path / "taken.html"
    download.value.save_as(taken)
    page.goto(taken.as_uri())
    page.locator(".dcgan-map").wait_for()
    assert len(set(shown(page).split(","))) > 1
