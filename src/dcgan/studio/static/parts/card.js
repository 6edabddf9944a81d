// A run or a model in a list.

import { html, Progress, Prose, Severity } from "../ui.js";
import { about, endOf, lengthOf, progressOf, scoreOf } from "./progress.js";

/** The address of the newest sheet of a run, or of generated images where there is none. */
export const sheetOf = (card) =>
  card.sheet === null && card.state === "model"
    ? `/api/runs/${card.id}/preview`
    : card.sheet !== null && `/api/runs/${card.id}/sheets/${card.sheet}`;

/** `children` are the actions below the card. */
export function Card({ card, address = `#/runs/${card.id}`, children }) {
  const sheet = sheetOf(card);
  const progress = card.state === "training" && progressOf(card);
  return html`<li class="card">
    <a class="card-image" href=${address} tabindex="-1" aria-hidden="true">
      ${sheet ? html`<img class="sheet" src=${sheet} alt="" />` : "No sample sheet yet"}
    </a>
    <div class="card-text">
      <h3><a href=${address}>${card.name}</a></h3>
      <p class="soft">${about(card).join(", ")}</p>
      ${progress
        ? html`<${Progress} part=${progress.part} text=${progress.text} />`
        : html`<p>${card.images > 0 ? lengthOf(card) : stateOf(card)}</p>`}
      ${card.quality && html`<p>${scoreOf(card)}</p>`}
      ${card.state !== "model" &&
      html`<p class="card-verdict"><${Severity} level=${card.severity} />${" "}
        <${Prose} text=${firstSentence(card.verdict)} /></p>`}
    </div>
    <div class="card-actions row">${children}</div>
  </li>`;
}

/** In a word, of a run whose training has not begun, or a model. */
const stateOf = (card) => (card.state === "model" ? "Model" : endOf(card));

const firstSentence = (text) => text.match(/^.*?[.:](?=\s|$)/)?.[0].replace(/:$/, ".") ?? text;
