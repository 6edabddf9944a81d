"""The exported page in a real browser: what a visitor sees and does."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.exchange.web import write_web
from dcgan.exchange.web.model_file import SavedDirection, model_file
from dcgan.models import plan_generator
from dcgan.models.latents import LatentSpace
from dcgan.runtime.files import StrPath
from tests.exchange.web.chromium import CHROMIUM, answer_of, needs_chromium
from tests.exchange.web.tables import networks

pytestmark = [pytest.mark.slow, needs_chromium]

LONG = "a_class_with_a_rather_long_name_without_a_space_that_never_seems_to_come_to_an_end"

SPACE = LatentSpace(dim=6, classes=(0.5, 0.5), categorical=(3,), continuous=1)

SCRIPT = """
const found = {wide: {}};
const open = async (width) => {
  const frame = document.createElement("iframe");
  Object.assign(frame, {width, height: 900, src: "index.html"});
  frame.style.border = 0;
  document.body.append(frame);
  while (!frame.contentDocument?.URL.endsWith("index.html")) await wait(1);
  const page = frame.contentDocument;
  const problems = [];
  page.addEventListener("securitypolicyviolation", (event) => problems.push(event.violatedDirective));
  frame.contentWindow.addEventListener("error", (event) => problems.push(event.message));
  while (!page.querySelector(".dcgan-note")?.textContent.includes("ms per image")) await wait(10);
  return {frame, page, problems};
};
for (const width of [1280, 768, 390]) {
  const {frame, page} = await open(width);
  found.wide[width] = [page.documentElement.scrollWidth, ...[...page.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > width + 1)
    .map((one) => `${one.tagName}.${one.className}`)];
  frame.remove();
}

const {frame, page, problems} = await open(1280);
const inner = frame.contentWindow;
inner.Element.prototype.setPointerCapture = () => {}; // pointers of a script cannot be captured
const settle = async () => {
  for (let i = 0; i < 10; i++) await new Promise((done) => inner.requestAnimationFrame(done));
};
await settle();
const image = page.querySelector(".dcgan-image");
const map = page.querySelector(".dcgan-map");
const samples = map.querySelector("canvas");
const pixels = (canvas, x = 0, y = 0, width = canvas.width, height = canvas.height) =>
  String(canvas.getContext("2d").getImageData(x, y, width, height).data);
const sample = (column, row) =>
  pixels(samples, column * image.width, row * image.height, image.width, image.height);
const place = () => ["left", "top"].map((side) => parseFloat(map.querySelector(".dcgan-marker")
  .style[side]) / 20 - 0.5).map((value) => Math.round(100 * value) / 100);
const point = (type, column, row) => {
  const {left, top, width, height} = map.getBoundingClientRect();
  map.dispatchEvent(new inner.PointerEvent(type, {bubbles: true, pointerId: 1, button: 0,
    clientX: left + (column + 0.5) / 5 * width, clientY: top + (row + 0.5) / 5 * height}));
};
const press = (key, shiftKey = false) =>
  map.dispatchEvent(new inner.KeyboardEvent("keydown", {key, shiftKey, cancelable: true}));
const labeled = (text) => [...page.querySelectorAll("label")]
  .find((label) => label.querySelector("span")?.textContent === text).querySelector("input, select");
const set = async (field, value, event = "input") => {
  field.value = value;
  field.dispatchEvent(new inner.Event(event));
  await settle();
};
const button = (text) => [...page.querySelectorAll("button")].find((one) => one.textContent === text);

found.start = {place: place(), isSample: pixels(image) === sample(2, 2), samples: pixels(samples)};
const first = pixels(image);
point("pointerdown", 4.2, 0.1); point("pointerup", 4.2, 0.1);
await settle();
found.picked = {place: place(), isSample: pixels(image) === sample(4, 0)};
point("pointerdown", 4, 0); point("pointermove", 1.5, 2.5);
await settle();
found.dragged = {place: place(), isSample: [1, 2].some((column) => [2, 3].some((row) =>
  pixels(image) === sample(column, row)))};
point("pointermove", -3, 9);
found.beyond = place();
point("pointerup", -3, 9); point("pointermove", 2, 2);
found.released = place();
press("ArrowRight"); press("ArrowUp");
found.keys = place();
press("ArrowRight", true); press("ArrowUp", true);
found.shifted = place();
await wait(400);
found.spoken = map.querySelector("[aria-live]").textContent;
point("pointerdown", 2, 2); point("pointerup", 2, 2);

const seed = page.querySelector("input[type=number]");
await set(seed, "7", "change");
found.seven = pixels(samples) !== found.start.samples;
button("New samples").click();
found.eight = seed.value;
found.wrong = [];
for (const wrong of ["-5", "1.5", "99999999999999999999"]) {
  await set(seed, wrong, "change");
  const shown = [...page.querySelectorAll("[role=alert]")].map((one) => one.textContent).join("");
  found.wrong.push([seed.value, seed.ariaInvalid, shown]);
}
await set(seed, "0", "change");
found.right = [seed.ariaInvalid, page.querySelector("[role=alert]").textContent];
found.zero = pixels(samples) === found.start.samples && pixels(image) === first;

found.changes = {};
const fields = ["Variety", "Class", "Code 1", "Code 2", "slant", "Component 1"];
const values = {Variety: "0.5", Class: "0", "Code 1": "0", "Code 2": "1", slant: "3",
  "Component 1": "-3"};
for (const name of fields) {
  const field = labeled(name);
  await set(field, values[name], field.tagName === "SELECT" ? "change" : "input");
  found.changes[name] = [pixels(image) !== first, pixels(samples) !== found.start.samples,
    field.closest("label").querySelector("output")?.textContent ?? ""];
  button("Reset").click();
  await settle();
  found.changes[name].push(pixels(image) === first && pixels(samples) === found.start.samples);
}
found.classes = [...labeled("Class").options].map((option) => option.textContent);

found.smooth = [];
for (let i = 0; i < 2; i++) {
  found.smooth.push(inner.getComputedStyle(image).imageRendering);
  page.querySelector("input[type=checkbox]").click();
}
found.touch = inner.getComputedStyle(map).touchAction;
found.names = [...page.querySelectorAll("input, select, button, canvas, [tabindex]")].map((one) =>
  one.ariaLabel || one.closest("label")?.textContent || one.textContent ||
  one.parentElement.ariaLabel);

let link;
inner.HTMLAnchorElement.prototype.click = function () { link = this; };
button("Download PNG").click();
while (!link) await wait(10);
const file = new Uint8Array(await (await fetch(link.href)).arrayBuffer());
found.download = {name: link.download, bytes: Array.from(file), shown: first.split(",").map(Number)};
found.problems = problems;

// as a component of another page
const { mount } = await import("./explorer.js");
const element = document.createElement("div");
document.body.append(element);
const bytes = async (name) => (await fetch(name)).arrayBuffer();
const explorer = await mount(element, await bytes("model.safetensors"),
  {wasm: await bytes("engine.wasm"), seed: 3});
found.component = {seed: explorer.seed, latent: explorer.latent.length,
  size: [explorer.model.image(explorer.latent).width, explorer.model.image(explorer.latent).height],
  there: element.childElementCount};
const { shelf, latents } = explorer;
const near = (a, b) => a.length === b.length && [...a].every((one, i) => Math.abs(one - b[i]) < 1e-5);
const [one, two, three] = [0, 1, 2].map((number) => latents.sample(9, number));
for (const point of [one, two]) shelf.keep(point);
const pushed = (name, place) => element.querySelectorAll(`.dcgan-${name}`)[place].click();
found.shelf = {kept: shelf.latents.map((latent) => [...latent])};
pushed("plus", 0); pushed("minus", 1);
const keepResult = () => [...element.querySelectorAll(".dcgan-result button")].at(-1).click();
keepResult();
keepResult();
found.shelf.sum = [...shelf.latents[2]];
found.shelf.count = shelf.latents.length;
element.querySelector(".dcgan-result .dcgan-pick").click();
found.shelf.result = near(explorer.latent, shelf.latents[2]);
pushed("pick", 1);
found.shelf.picked = near(explorer.latent, shelf.latents[1]);
// dragging: the second kept image from Minus to Plus, and the image that is shown to Minus, once as
// a new image, and once as one that is kept already
const drag = (from, title) => {
  const dataTransfer = new DataTransfer();
  const to = element.querySelector(`.dcgan-term[aria-label=${title}]`);
  from.dispatchEvent(new DragEvent("dragstart", {dataTransfer, bubbles: true}));
  const over = new DragEvent("dragover", {dataTransfer, bubbles: true, cancelable: true});
  const isAccepted = !to.dispatchEvent(over);
  if (isAccepted) to.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
  return isAccepted;
};
const members = () => ["Plus", "Minus"].map((title) =>
  [...element.querySelectorAll(`.dcgan-term[aria-label=${title}] button`)].map((one) => one.ariaLabel));
explorer.edit(latents.toInput(three));
found.shelf.dragged = [drag(element.querySelectorAll(".dcgan-pick")[1], "Plus"),
  drag(element.querySelector(".dcgan-image"), "Minus"),
  drag(element.querySelector(".dcgan-note"), "Minus")];
const said = () => element.querySelector(".dcgan-shelf [role=status]").textContent;
found.shelf.said = [said()];
found.shelf.shown = near(shelf.latents[3], latents.toInput(three));
found.shelf.members = members();
explorer.edit(shelf.latents[0]);
drag(element.querySelector(".dcgan-image"), "Minus");
found.shelf.again = [shelf.latents.length, members()];
found.shelf.said.push(said());
element.querySelectorAll(".dcgan-plus")[0].click();
element.querySelector(".dcgan-term[aria-label=Minus] button").click();
found.shelf.afterwards = members();
element.querySelector(".dcgan-entry:last-child .dcgan-signs button:last-child").click();
explorer.edit(shelf.latents[0]);
found.shelf.edited = near(explorer.latent, shelf.latents[0]);
explorer.map.move(1, 1);
found.shelf.left = near(explorer.latent, latents.toInput(explorer.map.point()));
found.loop = {two: [0, 0.25, 0.5].map((share) => [...latents.onLoop([one, two], share).noise]),
  of: [one, two].map(({ conditions }) => conditions),
  conditions: [0, 0.25, 0.5].map((share) => latents.onLoop([one, two], share).conditions),
  three: [0, 1 / 6, 1 / 3, 1].map((share) => [...latents.onLoop([one, two, three], share).noise])};
const play = [...element.querySelectorAll("button")].find((button) => button.textContent === "Play loop");
play.click();
const frames = explorer.frames;
while (explorer.frames < frames + 3) await wait(10);
found.loop.label = play.textContent;
found.loop.moves = !near(explorer.latent, latents.toInput(explorer.map.point()));
play.click();
found.loop.ends = near(explorer.latent, latents.toInput(explorer.map.point()));
element.querySelector(".dcgan-entry .dcgan-signs button:last-child").click();
found.shelf.removed = shelf.latents.length;
explorer.destroy();
found.component.left = element.childElementCount;
found.failed = {};
for (const name of ["nothing.bin", "engine.wasm"]) {
  await mount(element, name).catch(() => {});
  found.failed[name] = element.querySelector("[role=alert]").textContent;
}
found.globals = Object.keys(window).filter((name) => /dcgan|explorer|model/i.test(name));
return found;
"""


def write_page(folder: StrPath, run):
    """A page with everything that a run can have."""
    write_web(run, folder)
    torch.manual_seed(0)
    case = networks(plan_generator((16, 20), 3, width=4), SPACE)
    case = type(case)(**vars(case) | {"class_names": (LONG, "<b>bold</b>")})
    direction = SavedDirection("slant", "from two groups", torch.eye(6)[0])
    model = model_file(
        case, case.build_generator("he").eval(), name="run", images_seen=1, saved=[direction]
    )
    (folder / "model.safetensors").write_bytes(model)


@pytest.fixture(scope="module")
def found(small_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("web") / "page"
    write_page(folder, small_run)
    return answer_of(folder, SCRIPT, tmp_path_factory.mktemp("profile"), "--hide-scrollbars")


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_nothing_is_wider_than_the_window(found, width):
    assert found["wide"][str(width)] == [width]


def test_it_starts_at_the_middle_sample(found):
    assert (found["start"]["place"], found["start"]["isSample"]) == ([2, 2], True)


def test_a_click_picks_a_sample(found):
    assert found["picked"] == {"place": [4, 0], "isSample": True}


def test_dragging_moves_between_samples_and_not_beyond(found):
    assert found["dragged"] == {"place": [1.5, 2.5], "isSample": False}
    assert found["beyond"] == found["released"] == [0, 4]


def test_arrow_keys_move(found):
    assert found["keys"] == [0.1, 3.9]
    assert found["shifted"] == [1, 3]
    assert found["spoken"] == "Column 2.0, row 4.0"


def test_a_seed_gives_the_same_samples(found):
    assert found["seven"] and found["eight"] == "8" and found["zero"]


def test_a_wrong_seed_is_said(found):
    said = "Seed: use a whole number from 0 to 9,007,199,254,740,991."
    assert found["wrong"] == [
        [wrong, "true", said] for wrong in ("-5", "1.5", "99999999999999999999")
    ]
    assert found["right"] == ["false", ""]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Variety", "0.50"),
        ("Class", ""),
        ("Code 1", ""),
        ("Code 2", "1.00"),
        ("slant", "3.00 σ"),
        ("Component 1", "−3.00 σ"),
    ],
)
def test_every_setting_changes_image_and_samples_until_it_is_reset(found, name, text):
    assert found["changes"][name] == [True, True, text, True]


def test_names_are_text(found):
    assert found["classes"] == ["varies", LONG, "<b>bold</b>"]


def test_smooth_or_pixelated(found):
    assert found["smooth"] == ["pixelated", "auto"]


def test_it_works_with_touch_and_screen_readers(found):
    assert found["touch"] == "none"
    assert all(found["names"]) and len(found["names"]) > 15


def test_the_image_can_be_downloaded(found, tmp_path):
    path = tmp_path / found["download"]["name"]
    assert path.name == "run-0.png"
    path.write_bytes(bytes(found["download"]["bytes"]))
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGBA"))
    assert pixels.ravel().tolist() == found["download"]["shown"]


def test_nothing_breaks_the_policy(found):
    assert found["problems"] == []


def test_it_is_a_component(found):
    component = found["component"]
    assert (component["seed"], component["latent"], component["size"]) == (3, SPACE.width, [20, 16])
    assert (component["there"], component["left"]) == (1, 0)
    assert found["globals"] == []


def test_a_model_that_cannot_be_read_is_named(found):
    assert "nothing.bin: 404" in found["failed"]["nothing.bin"]
    assert "model file" in found["failed"]["engine.wasm"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_single_file_opens_from_disk(small_run, tmp_path, theme):
    page = write_web(small_run, tmp_path / "page.html", single_file=True)
    shot = tmp_path / "page.png"
    theme_words = ["--blink-settings=preferredColorScheme=0"] if theme == "dark" else []
    dump = subprocess.run(
        [
            *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,900"),
            *("--virtual-time-budget=5000", "--dump-dom", f"--screenshot={shot}"),
            *(*theme_words, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert 'class="dcgan-explorer"' in dump and "ms per image" in dump
    with Image.open(shot) as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels[0, 0] > 240 if theme == "light" else pixels[0, 0] < 40
    # the generator has hardly learned, but its image is not of one color
    assert pixels[200:500, 150:500].std() > 5


def test_kept_images_are_added_and_subtracted(found):
    kept, shelf = np.array(found["shelf"]["kept"]), found["shelf"]
    noise = (kept[0, :6] - kept[1, :6]) / np.sqrt(2)
    np.testing.assert_allclose(shelf["sum"], [*noise, *kept[0, 6:]], atol=1e-6)
    assert shelf["count"] == 3, "what is kept already is not kept twice"
    assert shelf["result"]
    assert shelf["removed"] == 2
    assert shelf["dragged"] == [True, True, False] and shelf["shown"]
    assert shelf["said"] == ["Kept as image 4.", ""]
    names = [f"Take kept image {number} out of the sum" for number in (1, 2, 4)]
    assert shelf["members"] == [names[:2], names[2:]] and shelf["afterwards"] == [names[:2], []]
    assert shelf["again"] == [4, [names[1:2], [names[0], names[2]]]]


def test_a_kept_image_is_changed_until_the_map_is_used(found):
    assert all(found["shelf"][key] for key in ("picked", "edited", "left"))


def test_the_loop_goes_through_the_kept_images(found):
    start, quarter, half = np.array(found["loop"]["two"])
    np.testing.assert_allclose(start, found["shelf"]["kept"][0][:6], atol=1e-6)
    np.testing.assert_allclose(quarter, found["shelf"]["kept"][1][:6], atol=1e-6)
    np.testing.assert_allclose(half, -start, atol=1e-9)
    of_start, of_quarter = found["loop"]["of"]
    assert of_start != of_quarter
    np.testing.assert_allclose(
        found["loop"]["conditions"], [of_start, of_quarter, of_start], atol=1e-9
    )
    first, between, second, end = np.array(found["loop"]["three"])
    np.testing.assert_allclose([first, end], [start, start], atol=1e-9)
    np.testing.assert_allclose(second, quarter, atol=1e-6)
    # halfway on the great circle: the same angle to both ends, and the mean of both lengths
    length = np.linalg.norm
    angles = [between @ one / length(one) for one in (first, second)]
    np.testing.assert_allclose(angles[0], angles[1], atol=1e-6)
    np.testing.assert_allclose(length(between), (length(first) + length(second)) / 2, atol=1e-6)
    assert found["loop"]["label"] == "Stop"
    assert found["loop"]["moves"] and found["loop"]["ends"]
