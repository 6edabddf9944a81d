"""The studio in a real browser: home, a new run, and the live page of a run."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.studio.library import identifier
from tests.browser.conftest import fits
from tests.exchange.conftest import KINDS, write_run
from tests.exchange.web.chromium import needs_chromium

pytestmark = [pytest.mark.slow, needs_chromium]

LINES, EACH = 2_000, 160
"""Lines of a long log, more than a plot is wide, and the images seen in each."""

LOOK_EVERY = 3000
"""Milliseconds after which home asks the server anew."""


@pytest.fixture
def trained(studio_server):
    """A run with three sheets, a long log and scores."""
    path = studio_server.runs / "long"
    if path.exists():
        return path
    write_run(path, KINDS["plain"], images_seen=EACH * LINES)
    (path / "samples").mkdir(exist_ok=True)
    for number, images in enumerate((0, 160_000, 320_000)):
        Image.new("L", (64, 64), 100 * number).save(path / "samples" / f"{images:09}.png")
    with (path / "log.jsonl").open("w") as file:
        for line in range(1, LINES + 1):
            wave = np.sin(line / 60)
            gradients = {f"{layer} conv": 10.0**-layer for layer in range(1, 6)}
            record = {
                **{"images": EACH * line, "seconds": line / 2, "images_per_second": 320.0},
                **{"loss_d": 1.4 + wave / 9, "loss_g": 0.7 - wave / 9},
                **{"score_real": 0.6, "score_fake_before": 0.4, "score_fake_after": 0.5},
                **{"gradient_mean": gradients, "gradient_max": gradients},
            }
            file.write(json.dumps(record) + "\n")
    return path


def test_a_training_is_started_and_watched_to_its_end(studio_page, studio_server):
    page = studio_page
    page.open("new")
    page.get_by_role("combobox", name="Dataset").select_option("digits")
    page.get_by_role("button", name="Inspect these images").click()
    page.get_by_text("digits: 1,797 images").wait_for()
    page.get_by_alt_text("Training images as the networks will see them").wait_for()
    assert "--" not in page.locator(".inspection").inner_text(), "the page has no options"
    name, minutes = page.get_by_label("Name of the run"), page.get_by_label("Minutes of training")
    outlook = page.locator("#about-minutes")
    minutes.fill("0.001")
    outlook.get_by_text("In 0 seconds, expect blurred images at 32×32").wait_for()
    minutes.fill("100000")
    outlook.get_by_text("Expect recognizable images at 32×32 after").wait_for()
    (studio_server.runs / "taken").mkdir(parents=True)
    name.fill("taken")
    page.get_by_text("This name is taken; the run will be taken-2.").wait_for()
    name.fill("my digits")
    page.get_by_text("The run will be my-digits.").wait_for()
    page.get_by_text("More settings").click()
    images = page.get_by_label("Images seen, instead of minutes")
    images.fill("1000000000001")
    page.get_by_text("More settings").click()
    page.get_by_role("button", name="Start training").click()
    problem = page.get_by_role("alert")
    problem.wait_for()
    assert problem.inner_text() == "Images seen: use a whole number from 1 to 1,000,000,000,000"
    assert images.evaluate("(input) => input === document.activeElement"), "its details open"
    assert page.violations() == []
    images.fill("64")
    problem.wait_for(state="detached")
    assert fits(page)
    page.reload()  # the inspection is shown again
    page.get_by_text("digits: 1,797 images").wait_for()
    page.get_by_text("More settings").click()
    page.get_by_label("Images seen, instead of minutes").fill("64")
    page.get_by_label("Size of the images").select_option("28")
    page.get_by_label("Name of the run").fill("taken")
    page.get_by_role("button", name="Start training").click()  # before its help is there
    page.get_by_text("taken-2. Press Start training again to use it.").wait_for()
    page.get_by_label("Name of the run").fill("my digits")
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="my-digits").wait_for()
    page.get_by_role("button", name="Train longer").wait_for()
    page.get_by_text("64 images seen in").wait_for()
    assert page.get_by_text("Finished · digits").is_visible()
    assert page.get_by_role("slider", name="Samples over time").is_visible()
    assert page.locator(".severity").inner_text() == "too early"
    assert page.get_by_role("img", name=re.compile("^Losses. After 64 images seen: ")).is_visible()
    assert page.violations() == []
    assert fits(page)
    page.open("")
    page.get_by_role("link", name="my-digits").wait_for()
    assert page.violations() == []


AXES = """async () => {
  const { most } = await import("/static/parts/chart.js");
  const { quality } = await import("/static/parts/curves.js");
  const scores = (...values) => values.map((value, images) => ({ images, value }));
  const ramp = Array.from({ length: 200 }, (_, place) => place % 10);
  return {
    spike: most([{ values: [...ramp, 1000, null] }, { values: ramp }]),
    short: most([{ values: [0, 1000] }]),
    logarithmic: [
      quality("FD", 3, { run: scores(100, 4) }).isLogarithmic,
      quality("FD", 80, { run: scores(100, 90) }).isLogarithmic,
      quality("KID", null, { run: scores(1, -0.001) }).isLogarithmic,
    ],
  };
}"""


def test_axes_show_what_most_values_are(studio_page):
    """Outliers of long curves leave the plot; scores far apart have a logarithmic axis."""
    studio_page.open("")
    found = studio_page.evaluate(AXES)
    low, high = found["spike"]
    assert -1 < low < 0 and 9 < high < 10
    assert found["short"] == pytest.approx([-50, 1050])
    assert found["logarithmic"] == [True, False, False]


def test_a_training_is_stopped_and_resumed(studio_page, studio_server):
    page = studio_page
    started = studio_server.post(
        "/train", {"data": "digits", "size": "16", "images": 10**7, "name": "stopped"}
    )
    page.open(f"runs/{started['run']}")
    page.get_by_text(re.compile("images/s")).wait_for()
    page.get_by_role("button", name="Stop and save").click()
    resume = page.get_by_role("button", name=re.compile(r"^Resume \(9,\d{3},\d{3} left of 10,0"))
    resume.wait_for()
    assert page.get_by_text("Stopped · digits").is_visible()
    more = page.get_by_label("More images seen")
    more.fill("")
    page.get_by_role("button", name="Train longer").click()
    page.get_by_text("Enter a number above 0").wait_for()
    more.fill("9999999999999")
    page.get_by_text("Enter a number above 0").wait_for(state="detached")
    page.get_by_role("button", name="Train longer").click()
    page.get_by_text("Images seen: use a whole number from 1 to 1,000,000,000,000").wait_for()
    resume.click()
    resume.wait_for(state="detached")
    assert page.get_by_text("What to do next").count() == 0, "it is starting"
    page.get_by_text("Training · digits").wait_for()
    page.get_by_role("button", name="Stop and save").click()
    resume.wait_for()


def test_a_server_that_is_gone_is_noticed_and_the_page_recovers(
    studio_page, studio_server, trained
):
    page = studio_page
    page.open(f"runs/{identifier(trained)}")
    page.get_by_role("slider").wait_for()
    studio_server.stop()
    page.get_by_text("The studio does not answer.").wait_for()
    assert page.violations() == []
    studio_server.start()
    page.get_by_text("The studio does not answer.").wait_for(state="detached")
    add_line(trained, 320_032)
    page.get_by_role("img", name="Losses. After 320,032 images seen").wait_for()


def test_home_says_that_the_server_is_gone_and_keeps_its_list(studio_page, studio_server, trained):
    page = studio_page
    page.clock.install()
    page.open("")
    page.get_by_role("link", name="long", exact=True).wait_for()
    studio_server.stop()
    page.clock.fast_forward(LOOK_EVERY)
    page.get_by_text("Is dcgan studio still running?").wait_for()
    assert page.get_by_role("link", name="long", exact=True).is_visible()
    assert page.violations() == []
    studio_server.start()
    page.clock.fast_forward(LOOK_EVERY)
    page.get_by_text("Is dcgan studio still running?").wait_for(state="detached")


def test_a_hidden_page_needs_no_connection_and_catches_up(studio_page, trained):
    page = studio_page
    asked = []
    page.on("request", lambda request: "/events" in request.url and asked.append(request.url))
    page.open(f"runs/{identifier(trained)}")
    page.get_by_role("img", name=re.compile("^Losses. After")).wait_for()
    for is_hidden in ("true", "false"):
        page.evaluate(
            f"""() => {{
              Object.defineProperty(document, "hidden", {{value: {is_hidden}, configurable: true}});
              document.dispatchEvent(new Event("visibilitychange")); }}"""
        )
        add_line(trained, 330_000)
    page.get_by_role("img", name="Losses. After 330,000 images seen").wait_for()
    page.locator(".plot").first.press("Home")
    assert page.locator(".chart .at").first.inner_text() == "160 images seen", "old lines are kept"
    assert len(asked) == 2
    assert re.search(r"\?after=200\d-320\d+$", asked[1]), "only new lines are asked for"


def add_line(run, images):
    line = {"images": images, "seconds": 2000.0, "loss_d": 1.0, "loss_g": 1.0}
    with (run / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def test_the_slider_goes_through_all_samples(studio_page, trained):
    page = studio_page
    page.open(f"runs/{identifier(trained)}")
    slider, shown = page.get_by_role("slider"), page.locator(".sheets output")
    assert shown.inner_text() == "320,000 images seen, newest"
    slider.press("ArrowLeft")
    assert shown.inner_text() == "160,000 images seen"
    assert page.get_by_alt_text("Samples after 160,000 images seen").evaluate(
        "async (image) => { await image.decode(); return image.naturalWidth; }"
    )
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "0 images seen"
    page.get_by_role("button", name="Play").click()
    page.get_by_text("320,000 images seen, newest").wait_for()
    page.get_by_role("button", name="Play").wait_for()


def test_all_plots_have_one_cursor_and_stay_smooth(studio_page, trained, record_property):
    page = studio_page
    page.open(f"runs/{identifier(trained)}")
    page.locator(".plot canvas").nth(2).wait_for()
    plots, at = page.locator(".plot"), page.locator(".chart .at")
    plots.first.press("Home")
    for _ in range(3):
        plots.first.press("ArrowRight")
    assert at.all_inner_texts()[:3] == ["480 images seen"] * 3
    box = plots.nth(1).bounding_box()
    page.evaluate(
        """() => { window.times = []; const tick = (time) => {
             times.push(time); requestAnimationFrame(tick); }; requestAnimationFrame(tick); }"""
    )
    for step in range(30):
        page.mouse.move(box["x"] + 80 + 12 * step, box["y"] + 100)
    frames = np.diff(page.evaluate("times"))
    record_property("frame_ms", [float(np.median(frames)), float(frames.max())])
    seen = {int(text.split()[0].replace(",", "")) for text in at.all_inner_texts()[:3]}
    assert len(seen) == 1 and seen.pop() > 480
    assert page.violations() == []


def test_a_deleted_run_comes_back(studio_page, studio_server):
    write_run(studio_server.runs / "gone", KINDS["plain"])
    page = studio_page
    page.open("")
    page.get_by_role("button", name="Delete gone").click()
    page.get_by_text("gone is in the bin (runs/.studio/bin).").wait_for()
    page.get_by_role("link", name="gone", exact=True).wait_for(state="detached")
    assert page.violations() == []
    page.get_by_role("link", name="Labs").click()
    page.get_by_role("heading", name="Labs", exact=True).wait_for()
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("button", name="Undo deleting gone").click()
    page.get_by_role("link", name="gone", exact=True).wait_for()
    assert (studio_server.runs / "gone" / "networks.json").is_file()


def test_two_runs_are_compared(studio_page, studio_server, trained):
    write_run(studio_server.runs / "other", KINDS["plain"])
    config = "{recipe: auto, data: {source: photos, size: 16}, optim: {batch: 7}}"
    (studio_server.runs / "other" / "config.yaml").write_text(config)
    page = studio_page
    page.open("")
    page.get_by_role("checkbox", name="Compare long").check()
    page.get_by_text("choose another run").wait_for()
    page.get_by_role("checkbox", name="Compare other").check()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_text("Technical settings").click()
    values = page.get_by_role("row", name="optim.batch").locator("td")
    values.first.wait_for()
    assert values.all_inner_texts() == ["none", "7"]
    assert page.get_by_role("row", name="Images", exact=False).locator("td").first.is_visible()
    assert page.violations() == []
    assert fits(page)
    page.get_by_role("link", name="All runs").click()
    for model in ("mnist-demo", "shapes-demo"):
        page.get_by_role("checkbox", name=f"Compare {model}").check()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_text("These runs learned different images").wait_for()
    page.open(f"compare/{identifier(Path('mnist-demo'))}/{identifier(Path('mnist-demo'))}")
    chart = page.get_by_role("img", name=re.compile("^Quality: Fréchet distance. After"))
    chart.wait_for()
    assert re.search(r"\(left\) \d.*, mnist-demo \d", chart.get_attribute("aria-label"))
    assert page.violations() == []


def test_a_training_that_cannot_start_shows_the_line_of_its_command(studio_page, studio_server):
    empty = studio_server.folder / "empty"
    empty.mkdir()
    started = studio_server.post("/train", {"data": str(empty), "name": "failed"})
    page = studio_page
    page.open(f"runs/{started['run']}")
    line = page.get_by_role("alert")
    line.wait_for()
    assert line.inner_text().startswith(f"{empty}: ")
    assert page.violations() == []


def test_files_are_sent_and_names_are_shown_as_text(studio_page, studio_server):
    evil = "<img src=x onerror=alert(1)>.png"
    rng = np.random.default_rng(0)
    pixels = png(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    page = studio_page
    page.open("new")
    page.get_by_label("Upload files").check()
    page.locator("input[type=file][accept]").set_input_files(
        [
            {"name": "a.png", "mimeType": "image/png", "buffer": pixels},
            {"name": evil, "mimeType": "image/png", "buffer": b"no image"},
        ]
    )
    page.get_by_text(f"{evil}: not a readable image").wait_for()
    page.get_by_text("1 of 2 files sent").wait_for()
    assert page.violations() == []
    page.get_by_role("button", name="Inspect these images").click()
    page.get_by_text("Your files: 1 image").wait_for()
    dropped = page.evaluate_handle(
        """(bytes) => { const made = new DataTransfer();
             made.items.add(new File([Uint8Array.from(bytes)], "b.png")); return made; }""",
        list(pixels),
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    page.get_by_text("1 of 1 file sent").wait_for()
    empty = page.evaluate_handle("() => new DataTransfer()")
    page.dispatch_event(".drop", "drop", {"dataTransfer": empty})
    page.get_by_text("No images found. Choose images").wait_for()
    page.get_by_text("1 of 1 file sent").wait_for()
    labels = studio_server.folder / "photos" / "<b>bold</b>".replace("/", "_")
    labels.mkdir(parents=True)
    (labels / "a.png").write_bytes(pixels)
    page.open("new")
    page.get_by_label("A folder on this machine").check()
    page.get_by_label("Path").fill(str(labels.parent))
    page.get_by_role("button", name="Open").press("Enter")
    page.get_by_role("button", name="<b>bold<_b>/").wait_for()
    assert page.violations() == []
    page.get_by_role("button", name="Inspect the images of this folder").press("Enter")
    page.get_by_text("<b>bold<_b> (1)").or_(page.get_by_text("<b>bold<_b>")).first.wait_for()
    assert page.locator("main b, main img[src=x]").count() == 0


def test_a_folder_is_typed_and_what_was_wrong_with_one_is_forgotten(
    studio_page, studio_server, monkeypatch
):
    from playwright.sync_api import expect

    monkeypatch.setenv("HOME", str(studio_server.folder))
    (studio_server.folder / "none here").mkdir()
    page = studio_page
    path = page.get_by_label("Path")

    def answer_late(route):
        page.get_by_label("A folder on this machine").check()
        path.focus()
        route.continue_()

    page.route("**/api/folders?*", answer_late, times=1)
    page.open("new")
    page.get_by_text("directly in this folder").wait_for()
    page.keyboard.type("nowhere")  # not after the path of the folder that has come
    path.press("Enter")
    page.get_by_text("nowhere is missing, or the studio may not read it.").wait_for()
    assert path.input_value() == "nowhere", "it can be corrected"
    assert page.violations() == []
    for typed in ("none here", "..", "~/none here"):
        path.fill(typed)
        path.press("Enter")
        there = studio_server.folder if typed == ".." else studio_server.folder / "none here"
        expect(path).to_have_value(str(there))
    page.get_by_role("button", name="Inspect the images of this folder").click()
    problem = page.get_by_text("none here: ")
    problem.wait_for()
    assert problem.evaluate("(line) => Boolean(line.closest('fieldset'))"), "at the choice"
    page.get_by_label("Upload files").check()
    problem.wait_for(state="detached")
    page.get_by_label("A folder on this machine").check()
    assert path.input_value() == str(studio_server.folder / "none here"), "it is kept"


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def test_a_table_of_layers_stays_until_it_is_right(studio_page, studio_server, tmp_path):
    import torch

    layers = {
        f"{name}.weight": torch.randn(wide, narrow, 4, 4)
        for name, wide, narrow in (("a", 20, 8), ("b", 8, 4), ("c", 4, 1))
    }
    torch.save(layers, tmp_path / "netG.pth")
    page = studio_page
    page.open("")
    page.get_by_text("Import a model").click()
    page.get_by_label("Weights of the generator").set_input_files(tmp_path / "netG.pth")
    page.get_by_label("Name of the run").fill("unknown")
    page.get_by_role("button", name="Import", exact=True).click()
    table = page.get_by_label("The layers.")
    text = table.input_value()
    for key, value in {"stride": "2", "padding": "1", "scaling": "symmetric"}.items():
        text = text.replace(f"{key}: FILL_IN", f"{key}: {value}")
    use = page.get_by_role("button", name="Import with these layers")
    table.fill(text)  # activations are missing
    page.route("**/api/import", lambda route: route.fulfill(status=409, json={"problem": "busy"}))
    use.click()
    page.get_by_text("busy").wait_for()
    assert table.input_value() == text
    page.unroute("**/api/import")
    use.click()
    page.get_by_text("still say FILL_IN").wait_for()
    assert table.input_value() == text
    table.fill(text.replace("activation: FILL_IN", "activation: tanh"))
    use.click()
    page.get_by_text("The model is a run now.").wait_for()
    assert table.count() == 0


def test_weights_of_another_program_become_a_run(studio_page, studio_server, tmp_path):
    import torch

    layers = {}
    sizes = [(20, 32, 4), (32, 16, 4), (16, 8, 4), (8, 4, 4), (4, 3, 4)]
    for number, (wide, narrow, kernel) in enumerate(sizes):
        layers[f"main.{3 * number}.weight"] = torch.randn(wide, narrow, kernel, kernel)
        if number < len(sizes) - 1:
            for name in ("weight", "bias", "running_mean", "running_var"):
                layers[f"main.{3 * number + 1}.{name}"] = torch.ones(narrow)
    torch.save(layers, tmp_path / "netG.pth")
    page = studio_page
    page.open("")
    page.get_by_text("Import a model").click()
    page.get_by_label("Weights of the generator").set_input_files(tmp_path / "netG.pth")
    page.get_by_label("Name of the run").fill("foreign")
    assert page.violations() == []
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("The model is a run now.").wait_for()
    page.get_by_role("link", name="Open it").click()
    page.get_by_role("heading", name="foreign").wait_for()
    assert (studio_server.runs / "foreign" / "networks.json").is_file()
