// Invert: drop an image, see the latent that generates it, and change it.

import { send } from "../api.js";
import { html, ProblemLine, useRef, useState } from "../ui.js";
import { digits } from "../words.js";
import { Explorer } from "./explore.js";

const GOOD = 0.1;
const FAIR = 0.2;

export function Invert({ run, details }) {
  const [state, setState] = useState({});
  const [label, setLabel] = useState("");
  const labels = details?.labels ?? [];
  const take = async (file) => {
    if (!file) return;
    setState({ isBusy: true });
    try {
      const asked = new URLSearchParams({ name: file.name, ...(label && { label }) });
      setState({ found: await send("POST", `/runs/${run}/invert?${asked}`, file) });
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  return html`
    <p>
      Choose an image like those of the training. The studio searches the latent whose generated
      image is most similar. Then you can change it, for example along a direction.
    </p>
    ${labels.length > 0 &&
    html`<label class="row">
      It shows
      <select value=${label} onChange=${(event) => setLabel(event.target.value)}>
        <option value="">any class</option>
        ${labels.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>`}
    <${Drop} onFile=${take} isBusy=${state.isBusy} />
    <${ProblemLine} problem=${state.problem} />
    ${state.found && html`<${Found} run=${run} found=${state.found} />`}
  `;
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
    onFile(event.dataTransfer.files[0]);
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
      onChange=${(event) => onFile(event.target.files[0])}
    />
    <button type="button" class="main" disabled=${isBusy} onClick=${() => field.current.click()}>
      Choose an image
    </button>
    <span class="soft" aria-live="polite">
      ${isBusy ? "Searching. This can take half a minute …" : "or drop it here"}
    </span>
  </div>`;
}

function Found({ run, found }) {
  const words =
    found.error < GOOD
      ? "The model can generate it well."
      : found.error < FAIR
        ? "The model generates something similar."
        : "The model cannot generate this image: it knows only images like those of its training.";
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
    <p>${words} Mean difference of the pixels: ${digits(found.error)} of 1.</p>
    <h2>Change it</h2>
    <${Explorer} run=${run} start=${found.latent} />
  `;
}
