// The diagram: both networks from left to right, with the tensors of one image.

import { html, useRef } from "../../ui.js";
import { digits } from "../../words.js";
import { Arrows } from "./arrows.js";
import { MapGrid } from "./painting.js";
import { mapsOf, networkOf, STAGES } from "./stages.js";

export function Diagram({ state, image, chosen, onChoose, children }) {
  const frame = useRef(null);
  const { generated, real } = state.probability;
  return html`<div class="diagram" ref=${frame}>
    <${Arrows} frame=${frame} state=${state} />
    ${children}
    ${STAGES.map((one) => html`<${Stage} key=${one.id} stage=${one} state=${state} image=${image}
      isChosen=${chosen === one.id} onChoose=${onChoose} />`)}
    <${Verdict} id="verdict" kind="generated" probability=${generated[image]} />
    <${Verdict} id="verdictreal" kind="real" probability=${real[image]} />
  </div>`;
}

function Stage({ stage, state, image, isChosen, onChoose }) {
  const { id, title, path, columns, colors } = stage;
  const { maps, gradient } = stage.part(state);
  const { list, scale } = mapsOf(stage, state, image);
  const shape = stage.shape(maps);
  return html`<button type="button" class=${`stage ${path} at-${id}`} data-stage=${id}
      aria-pressed=${isChosen} onClick=${() => onChoose(id)}>
    <span class="stage-title"><span class="stage-network">${networkOf(stage)}</span>${" "}${title}</span>
    <${MapGrid} maps=${list} columns=${columns} scale=${scale} colors=${colors}
      label=${`${title}: ${shape}`} />
    <span class="stage-note">${shape}</span>
    ${gradient !== undefined && html`<span class="stage-note gradient">
      gradient ${strength(gradient)}</span>`}
  </button>`;
}

function Verdict({ id, kind, probability }) {
  return html`<div class=${`stage verdict ${kind} at-${id}`} data-stage=${id}>
    <span class="stage-title">Verdict</span>
    <span class="verdict-number">${Math.round(100 * probability)}<small> % real</small></span>
    <span class="verdict-bar"><span style=${{ width: `${100 * probability}%` }}></span></span>
    <span class="stage-note">
      ${judged(probability, kind)} (the image is ${kind})
    </span>
  </div>`;
}

/** Whether a verdict is right; one that is shown as 50 % says nothing. */
export function judged(probability, kind) {
  if (Math.round(100 * probability) === 50) return "undecided";
  return probability > 0.5 === (kind === "real") ? "right" : "wrong";
}

/** Two digits, without an exponent down to a millionth. */
const strength = (value) => digits(Number(value.toPrecision(2)));
