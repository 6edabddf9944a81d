// Invert: drop an image, see the latent that generates it, and change it.

import { send } from "../api.js";
import { html, ProblemLine, useEffect, useRef, useState } from "../ui.js";
import { counted, digits } from "../words.js";
import { Explorer } from "./explore.js";

/**
 * What to say up to an error, relative to that of images without the content of the image: the
 * average of generated images, or its own mean color, whichever is nearer. Beyond √½, the image that
 * was found has less than half of the variance of the content (docs/guide/studio.md has measurements).
 */
const WORDS = [
  [0.25, "The model can generate your image."],
  [0.5, "The model generates something similar."],
  [Math.SQRT1_2, "The closest image found is only roughly similar."],
  [Infinity,
    "This is the closest image found. It is not similar: the model cannot generate your image."],
];
const SIMILAR = 0.5;

/** The search of each run: it stays while another part of the studio is shown. */
const searches = new Map();
let redraw = () => {};

function note(run, search) {
  searches.set(run, search);
  redraw();
}

async function start(run, file, label) {
  const old = searches.get(run);
  if (old?.picture) URL.revokeObjectURL(old.picture);
  const search = { picture: URL.createObjectURL(file), name: file.name, since: Date.now() };
  note(run, { ...search, isBusy: true, last: old?.took ?? old?.last });
  try {
    const asked = new URLSearchParams({ name: file.name, ...(label && { label }) });
    const found = await send("POST", `/runs/${run}/invert?${asked}`, file);
    note(run, { ...search, found, took: (Date.now() - search.since) / 1000 });
  } catch (error) {
    note(run, { ...search, problem: error.message });
  }
}

export function Invert({ run, details }) {
  const [, count] = useState(0);
  useEffect(() => {
    redraw = () => count((old) => old + 1);
    return () => {
      redraw = () => {};
    };
  }, []);
  const [label, setLabel] = useState("");
  const labels = details?.labels ?? [];
  const { isBusy, problem, found, ...search } = searches.get(run) ?? {};
  return html`<div class="tab-content">
    <p>
      Choose an image like those of the training. The studio searches the latent whose generated
      image is most similar. Then you can change it with sliders.
    </p>
    ${labels.length > 0 &&
    html`<label class="row">
      It shows
      <select value=${label} onChange=${(event) => setLabel(event.target.value)}>
        <option value="">any class</option>
        ${labels.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>`}
    <${Drop} onFile=${(file) => file && start(run, file, label)} isBusy=${isBusy} />
    <${ProblemLine} problem=${problem} />
    ${isBusy && html`<${Searching} ...${search} />`}
    ${found && html`<${Found} run=${run} found=${found} />`}
  </div>`;
}

/** An area to drop one image on, which is also a button to choose a file. */
function Drop({ onFile, isBusy }) {
  const field = useRef(null);
  const [isOver, setOver] = useState(false);
  const over = (event) => {
    event.preventDefault();
    setOver(true);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    if (!isBusy) onFile(event.dataTransfer.files[0]);
  };
  return html`<div
    class=${isOver ? "drop over" : "drop"}
    onDragOver=${over}
    onDragLeave=${() => setOver(false)}
    onDrop=${drop}
  >
    <input
      ref=${field}
      type="file"
      accept="image/*"
      hidden
      onChange=${(event) => {
        onFile(event.target.files[0]);
        event.target.value = ""; // the same file can be chosen again
      }}
    />
    <button type="button" class="main" disabled=${isBusy} onClick=${() => field.current.click()}>
      Choose an image
    </button>
    <span class="row soft" role="status">
      ${isBusy
        ? html`<span class="spinner" aria-hidden="true"></span>Searching for its latent …`
        : "or drop it here"}
    </span>
  </div>`;
}

/** The image of the user while the search runs, and for how long it does. */
function Searching({ picture, name, since, last }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const [hasPicture, setPicture] = useState(true); // a browser cannot show every kind
  const usual = last ? `The last search took ${counted(last, "second")}.`
    : "It usually takes 10 to 40 seconds, and longer if the machine is busy.";
  return html`<div class="pair">
    ${hasPicture && html`<figure>
      <img class="sheet" src=${picture} alt=${`Your image ${name}`} width="160"
        onError=${() => setPicture(false)} />
      <figcaption>Your image</figcaption>
    </figure>`}
    <p class="soft">
      ${counted(Math.max(0, (now - since) / 1000), "second")} so far. ${usual} You can look at other
      parts of the studio meanwhile.
    </p>
  </div>`;
}

function Found({ run, found }) {
  const part = found.error / Math.max(found.baseline, Number.MIN_VALUE);
  const [, words] = WORDS.find(([most]) => part <= most);
  return html`
    <div class="pair">
      <figure>
        <img class="sheet" src=${found.target} alt="Your image, at the size of the model" width="160" />
        <figcaption>Your image, as the model would see it</figcaption>
      </figure>
      <figure>
        <img class="sheet" src=${found.image} alt="The generated image" width="160" />
        <figcaption>Generated from the latent that was found</figcaption>
      </figure>
    </div>
    <p role="status"><strong>${words}</strong></p>
    <p class="soft">
      Mean difference of the pixels: ${digits(found.error)}. The same image has 0. An image without the
      content of yours (the average of this model's images, or one color) has
      ${" "}${digits(found.baseline)}. Similar images have less than half of that,
      ${" "}${digits(SIMILAR * found.baseline)}.
    </p>
    <h2>Change it</h2>
    <${Explorer} run=${run} start=${found.latent} />
  `;
}
