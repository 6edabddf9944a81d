// Generated images over time: a strip of one image, and all shown images at any step.

import { html, useState } from "../../ui.js";
import { MapGrid } from "./painting.js";

const STRIP = 12;

export function History({ memory, image }) {
  const [place, setPlace] = useState(null); // null: the latest
  const last = memory.length - 1;
  const at = place === null ? last : Math.min(place, last);
  const { step, maps } = memory[at];
  const strip = memory.length <= STRIP ? memory : Array.from({ length: STRIP }, (_, k) =>
    memory[Math.round((k * last) / (STRIP - 1))]);
  const images = Array.from({ length: maps.shape[0] }, (_, k) => maps.map(k, 0));
  return html`<section class="history" aria-labelledby="history-title">
    <h2 id="history-title">Generated images over time</h2>
    <ol class="strip" aria-label=${`Image ${image + 1} over time`}>
      ${strip.map((one) => html`<li key=${one.step}>
        <${MapGrid} maps=${[one.maps.map(image, 0)]} columns=${1} scale=${1} colors="image"
          label=${`Image ${image + 1} at step ${one.step}`} />
        <span>${one.step}</span>
      </li>`)}
    </ol>
    <label class="time">
      <span>All ${images.length} images at step <strong>${step}</strong></span>
      <input type="range" min="0" max=${Math.max(1, last)} step="1" value=${at}
        aria-valuetext=${`step ${step}`} disabled=${last === 0}
        onInput=${({ target }) =>
          setPlace(Number(target.value) === last ? null : Number(target.value))} />
    </label>
    <div class="all-images">
      ${images.map((one, k) => html`<${MapGrid} key=${k} maps=${[one]} columns=${1} scale=${1}
        colors="image" label=${`Image ${k + 1} at step ${step}`} />`)}
    </div>
  </section>`;
}
