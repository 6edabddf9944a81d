// What the user sets: pace, seed, and for each network freezing and learning rate.

import { ActionButton, html } from "../../ui.js";
import { digits } from "../../words.js";
import { RATE_POWERS } from "./session.js";

const PACES = [["slow", "Run slowly"], ["fast", "Run fast"]];

export function Controls({ session, seed, image, onSeed }) {
  const { pace, state } = session;
  const isRunning = pace !== "paused";
  return html`<div class="row controls" role="group" aria-label="Training">
    <${ActionButton} kind="main" disabled=${isRunning} act=${() => session.step()}>
      Step
    <//>
    ${PACES.map(([name, words]) => html`<button type="button" aria-pressed=${pace === name}
      onClick=${() => session.run(name)}>${words}</button>`)}
    <button type="button" disabled=${!isRunning} onClick=${() => session.run("paused")}>
      Pause
    </button>
    <${ActionButton} act=${() => session.restart(seed)}>Restart<//>
    <label class="seed">Seed
      <input type="number" min="0" max="999999" step="1" value=${seed}
        onChange=${(event) => onSeed(event.target)} />
    </label>
    <span class="step-count">${state ? `Step ${state.step}` : ""}</span>
    <p class="hidden" role="status">${state && !isRunning ? inWords(state, image) : ""}</p>
  </div>`;
}

/** What a screen reader says after a step. */
function inWords({ step, probability: { generated, real } }, image) {
  const [ofGenerated, ofReal] = [generated, real].map((all) => Math.round(100 * all[image]));
  return `Step ${step}. The discriminator finds the generated image ${ofGenerated} % real, `
    + `and the real image ${ofReal} % real.`;
}

/** The head of one network in the diagram. */
export function PlayerHead({ session, player }) {
  const name = player === "generator" ? "Generator" : "Discriminator";
  const rate = session.rates[player];
  const isFrozen = session.freeze[player];
  return html`<div class=${`player ${player}`}>
    <h2>${name}</h2>
    <label class="check">
      <input type="checkbox" checked=${isFrozen}
        onChange=${(event) => session.setFreeze(player, event.target.checked)} />
      Freeze<span class="hidden">${` the ${player}`}</span>
    </label>
    <span class="loss">Loss after the step ${session.state.loss[player].toFixed(2)}</span>
    <label class="rate">
      <span>Learning rate<span class="hidden">${` of the ${player}`}</span></span>
      <input type="range" min=${RATE_POWERS[0]} max=${RATE_POWERS[1]} step="0.01"
        value=${Math.log10(rate)} aria-valuetext=${digits(rate)} disabled=${isFrozen}
        onInput=${(event) => session.setRate(player, 10 ** Number(event.target.value))} />
      <output>${rateText(rate)}</output>
    </label>
  </div>`;
}

const rateText = (rate) => String(Number(rate.toPrecision(2)));
