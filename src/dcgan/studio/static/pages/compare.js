// Two runs side by side: samples, quality, settings that differ.

import { get } from "../api.js";
import { Loaded, Prose, Severity, html, useLoaded, useTitle } from "../ui.js";
import { sheetOf } from "../parts/card.js";
import { Chart } from "../parts/chart.js";
import { quality } from "../parts/curves.js";
import { lengthOf, scoreOf } from "../parts/progress.js";
import { grouped } from "../words.js";

export function Compare({ first, second }) {
  useTitle("Compare");
  const addresses = [`/runs/${first}`, `/runs/${second}`, `/compare/${first}/${second}`];
  const loaded = useLoaded(() => Promise.all(addresses.map(get)), `${first} ${second}`);
  return html`<p><a href="#/">All runs</a></p>
    <h1>Compare</h1>
    <${Loaded} loaded=${loaded}>
      ${([one, other, found]) => html`
        <div class="columns even">
          ${[one, other].map((details) => html`<${Side} card=${details.card} />`)}
        </div>
        ${areOfOneDataset(one, other, found)
          ? html`<${Scores} one=${one} other=${other} comparable=${found.comparable} />`
          : html`<p>
              These runs learned different images, so no score says which is better. Look at the
              sheets.
            </p>`}
        <${Settings} names=${[one.card.name, other.card.name]} settings=${found.settings} />
      `}
    <//>`;
}

/** By their settings; a model has only the name of its dataset. */
const areOfOneDataset = (one, other, { settings }) =>
  settings === null
    ? one.card.data === other.card.data
    : settings.every(([key]) => key !== "data.source");

function Scores({ one, other, comparable }) {
  const areScored = one.card.quality && other.card.quality;
  return html`
    ${areScored && comparable && html`<${Chart} ...${qualityOfBoth(one, other)} />`}
    ${areScored &&
    !comparable &&
    html`<p>The scores cannot be compared: they were computed on different images or features.</p>`}
    <p class="soft">dcgan compare RUN RUN in a terminal also scores both on the same images.</p>
  `;
}

/** The scores of both runs over images seen, which are of one metric. */
function qualityOfBoth(one, other) {
  const { label, real } = one.card.quality;
  const runs = {
    [nameOf(one.card, other.card)]: scoresOf(one),
    [other.card.name]: scoresOf(other),
  };
  const chart = quality(label, real, runs);
  return { ...chart, end: chart.images.at(-1) };
}

/** A model has the best score only. */
const scoresOf = ({ scores, card }) => (scores.length > 0 ? scores : [card.quality]);

/** Runs in different folders may have one name. */
const nameOf = (card, other) => (card.name === other.name ? `${card.name} (left)` : card.name);

function Side({ card }) {
  const sheet = sheetOf(card);
  return html`<section>
    <h2><a href=${`#/runs/${card.id}`}>${card.name}</a></h2>
    <div class="sheet-place">
      ${sheet
        ? html`<img class="sheet" src=${sheet} alt=${`Samples of ${card.name}`} />`
        : html`<p class="soft">No samples yet</p>`}
    </div>
    <p>${lengthOf(card)}</p>
    <p>${card.quality ? scoreOf(card) : "No score yet"}</p>
    ${card.state !== "model" &&
    html`<p><${Severity} level=${card.severity} />${" "}<${Prose} text=${card.verdict} /></p>`}
  </section>`;
}

/** The settings that the page has fields for. */
const NAMES = {
  "data.source": "Images",
  "data.size": "Size of the images",
  "data.fit": "Images of another shape",
  "length.minutes": "Planned length in minutes",
  "length.images": "Planned length in images seen",
  recipe: "Recipe",
  seed: "Seed",
};

/** A whole number of five digits or more, such as images seen. */
const COUNT = /^\d{5,}$/;

function Settings({ names, settings }) {
  if (settings === null) return html`<p>The settings of a model are not known.</p>`;
  if (settings.length === 0) return html`<p>No setting differs.</p>`;
  const named = settings.filter(([key]) => NAMES[key]);
  const technical = settings.filter(([key]) => !NAMES[key]);
  return html`<h2>Settings that differ</h2>
    ${named.length > 0 && html`<${Table} title="Settings that differ" names=${names} rows=${named} />`}
    ${technical.length > 0 &&
    html`<details>
      <summary>Technical settings (${technical.length})</summary>
      <${Table} title="Technical settings that differ" names=${names} rows=${technical} />
    </details>`}`;
}

const Table = ({ title, names, rows }) =>
  html`<div class="table" tabindex="0" role="group" aria-label=${title}>
    <table>
      <thead>
        <tr>
          <th scope="col">Setting</th>
          ${names.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([key, ...values]) => html`<tr>
            <th scope="row">${NAMES[key] ?? html`<code>${key}</code>`}</th>
            ${values.map((value) => html`<td>${COUNT.test(value) ? grouped(Number(value)) : value}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
