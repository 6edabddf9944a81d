"""The teaching page in a real browser."""

from __future__ import annotations

import json
import re

import pytest

from dcgan.studio.inside import session
from tests.exchange.web.chromium import needs_chromium

PATIENCE = 60_000
"""Milliseconds that the page has for what it is asked for."""

pytestmark = [pytest.mark.slow, needs_chromium]

PIXELS = """async (stage) => {
  // canvases are painted after the frame in which the page has changed
  for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => setTimeout(done));
  return [...document.querySelector(`[data-stage=${stage}] canvas`)
    .getContext("2d").getImageData(0, 0, 16, 16).data].join();
}"""


@pytest.fixture
def lesson(studio_part):
    """The page before its first step."""
    page = studio_part("inside", reduced_motion="reduce")
    page.wait_for_selector(".diagram")
    return page


@pytest.fixture
def quick_lesson(lesson, monkeypatch):
    """The page with small batches from the next start on, and ten times as many steps in each
    request while it runs fast."""
    monkeypatch.setattr(session, "BATCH", session.SHOWN)

    def more(route):
        asked = route.request.post_data_json
        route.continue_(post_data=json.dumps(asked | {"count": 10 * asked["count"]}))

    lesson.route("**/step", more)
    return lesson


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def step_of(page):
    return int(page.text_content(".step-count").removeprefix("Step "))


def wait_until(page, is_true):
    """Playwright's own function would need eval, which the page's policy refuses."""
    for _ in range(PATIENCE // 50):
        if is_true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not happen")


def wait_for_step(page, least):
    wait_until(page, lambda: step_of(page) >= least)


def pixels(page, *stages):
    return [page.evaluate(PIXELS, stage) for stage in stages]


def test_a_step_changes_the_tensors_of_the_diagram(lesson):
    stages = ["latent", "g1", "g2", "generated", "change", "real", "d1", "d2", "d1real", "d2real"]
    before = pixels(lesson, *stages)
    assert len(set(before)) == len(stages)
    button(lesson, "Step").click()
    wait_for_step(lesson, 1)
    after = pixels(lesson, *stages)
    assert before[0] == after[0]  # the latent stays
    assert all(old != new for old, new in zip(before[1:], after[1:], strict=True))
    assert "Step 1." in lesson.text_content(".controls [role=status]")


def test_bars_and_legends_are_those_of_the_page_and_rates_reach_the_server(lesson):
    legends = lesson.locator(".curve-legend li").all_inner_texts()
    assert legends == ["generator", "discriminator", "real images", "generated images"]
    before = (
        "() => getComputedStyle(document.querySelector('.curve-legend li'), '::before').content"
    )
    assert lesson.evaluate(before) == "none"
    bar, filled = (
        lesson.locator(f".at-verdict .verdict-bar{inner}").bounding_box() for inner in ("", " span")
    )
    percent = int(lesson.locator(".at-verdict .verdict-number").inner_text().split()[0])
    assert filled["height"] > 5
    assert filled["width"] / bar["width"] == pytest.approx(percent / 100, abs=0.03)
    lesson.get_by_label("Freeze the generator").check()
    assert lesson.get_by_label("Learning rate of the generator").is_disabled()
    rate = lesson.get_by_label("Learning rate of the discriminator")
    rate.fill("-2")
    assert rate.get_attribute("aria-valuetext") == "0.01"
    with lesson.expect_request("**/step") as asked:
        button(lesson, "Step").click()
    content = asked.value.post_data_json
    assert content["freeze"] == ["generator"]
    assert content["rates"] == {"generator": 0.002, "discriminator": 0.01}


def test_the_lesson_stays_when_the_page_is_left(lesson):
    def shown():
        wait_for_step(lesson, 1)
        card = lesson.locator(".lesson .soft").inner_text()
        return step_of(lesson), card, lesson.get_by_label("Freeze the generator").is_checked()

    button(lesson, "Next").click()
    lesson.get_by_label("Freeze the generator").check()
    button(lesson, "Make one step").click()
    here = (1, "Card 2 of 7", True)
    assert shown() == here
    images = pixels(lesson, "generated", "real", "change")
    lesson.get_by_role("link", name="Labs").click()
    lesson.get_by_role("heading", name="Labs").wait_for()
    lesson.get_by_role("link", name="Inside").click()
    assert shown() == here
    assert lesson.locator(".strip li").count() == 2
    lesson.reload()
    lesson.wait_for_selector(".diagram")
    assert shown() == here
    assert pixels(lesson, "generated", "real", "change") == images


def test_it_runs_and_pauses(lesson):
    button(lesson, "Run fast").click()
    wait_for_step(lesson, 11)
    assert button(lesson, "Step").is_disabled()
    assert button(lesson, "Run fast").get_attribute("aria-pressed") == "true"
    button(lesson, "Pause").click()
    asked = []
    lesson.on("request", lambda request: asked.append(request.url))
    lesson.wait_for_timeout(500)
    assert not asked
    assert lesson.locator(".strip li").count() > 1
    button(lesson, "Run slowly").click()
    wait_until(lesson, lambda: len(asked) > 1)
    button(lesson, "Restart").click()
    wait_until(lesson, lambda: step_of(lesson) == 0)


def test_seeds_latents_and_stages_are_chosen(lesson):
    first = pixels(lesson, "generated")
    lesson.get_by_role("button", name="Image 2").click()
    assert pixels(lesson, "generated") != first
    lesson.get_by_role("button", name="Image 1").click()
    assert pixels(lesson, "generated") == first
    lesson.locator("[data-stage=d1]").focus()
    lesson.keyboard.press("Enter")
    detail = lesson.locator(".detail")
    assert "Discriminator, layer 1, on the generated image" in detail.text_content()
    assert "16 feature maps of 8×8" in detail.text_content()
    button(lesson, "Previous map").click()
    assert "Map 16 of 16" in detail.text_content()
    button(lesson, "All maps").click()
    canvas = detail.locator("canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.6 * box["width"], "y": 0.4 * box["height"]})
    assert "Map 7 of 16" in detail.text_content()
    seed = lesson.get_by_label("Seed")
    seed.fill("-5")
    seed.press("Enter")
    alert = lesson.locator(".inside > [role=alert]")
    assert alert.inner_text() == "Seed: use a whole number from 0 to 999,999."
    seed.fill("3")
    seed.press("Enter")
    wait_until(lesson, lambda: pixels(lesson, "generated") != first)
    seed.fill("0")
    seed.press("Enter")
    wait_until(lesson, lambda: pixels(lesson, "generated") == first)


def card(page, number, name):
    """Press the button of a card."""
    for _ in range(number - 1):
        button(page, "Next").click()
    page.get_by_role("button", name=name).click()


def test_a_card_sets_its_state_up(quick_lesson):
    card(quick_lesson, 5, "Train, then freeze the generator")
    wait_for_step(quick_lesson, 200)
    wait_until(quick_lesson, quick_lesson.get_by_label("Freeze the generator").is_checked)
    wait_for_step(quick_lesson, 280)
    button(quick_lesson, "Pause").click()
    label = quick_lesson.get_by_role("img", name="Discriminator's scores").get_attribute(
        "aria-label"
    )
    *_, real, generated = map(int, re.findall(r"(\d+) %", label))
    assert real > 70 and generated < 30


def test_the_last_card_stops_beside_the_images_of_equal_rates(quick_lesson):
    card(quick_lesson, 7, "Train with both rates and compare")
    comparison = quick_lesson.locator(".comparison")
    comparison.wait_for()
    wait_for_step(quick_lesson, 150)
    wait_until(quick_lesson, button(quick_lesson, "Pause").is_disabled)
    assert step_of(quick_lesson) == 150
    assert comparison.locator("figcaption").all_inner_texts() == [
        "Equal rates, step 150",
        "20 times the rate, step 150",
    ]
    rate = quick_lesson.get_by_label("Learning rate of the discriminator")
    assert rate.get_attribute("aria-valuetext") == "0.04"
    equal, unequal = (
        quick_lesson.evaluate(
            "(k) => [...document.querySelectorAll('.comparison canvas')[k].getContext('2d')"
            ".getImageData(0, 0, 67, 33).data]",
            k,
        )
        for k in (0, 1)
    )
    assert equal != unequal


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_accessible_and_fits(studio_page, width):
    page = studio_page
    page.set_viewport_size({"width": width, "height": 900})
    page.open("inside")
    page.wait_for_selector(".diagram")
    button(page, "Step").click()
    wait_for_step(page, 1)
    card(page, 4, "Pause and show the gradient")
    assert page.locator(".detail canvas").count() == 2
    assert page.violations() == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    moving = "() => getComputedStyle(document.querySelector('.back .moving')).animationName"
    assert page.evaluate(moving) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moving) == "flow"


def test_a_server_that_is_gone_is_said(lesson, studio_part):
    lesson.route("**/api/**", lambda route: route.abort())
    button(lesson, "Step").click()
    alert = lesson.locator(".inside > [role=alert]")
    assert "The studio does not answer" in alert.text_content()
    assert lesson.locator(".diagram").is_visible()
    studio_part.problems.clear()  # the browser reports the failed request
