// Two runs side by side: samples, quality, settings that differ.

import { get } from "../api.js";
import { Loaded, Prose, Severity, html, useLoaded, useTitle } from "../ui.js";
import { sheetOf } from "../parts/card.js";
import { lengthOf, scoreOf } from "../parts/progress.js";
import { grouped } from "../words.js";

export function Compare({ first, second }) {
  useTitle("Compare");
  const addresses = [`/runs/${first}`, `/runs/${second}`, `/compare/${first}/${second}`];
  const loaded = useLoaded(() => Promise.all(addresses.map(get)), `${first} ${second}`);
  return html`<h1>Compare</h1>
    <${Loaded} loaded=${loaded}>
      ${([one, other, found]) => html`
        <div class="columns even">
          ${[one, other].map((details) => html`<${Side} card=${details.card} />`)}
        </div>
        ${one.card.quality &&
        other.card.quality &&
        !found.comparable &&
        html`<p>
          The scores cannot be compared: they were computed on different images or features.
        </p>`}
        <${Settings} names=${[one.card.name, other.card.name]} settings=${found.settings} />
        <p class="soft">dcgan compare RUN RUN in a terminal also scores both on the same images.</p>
      `}
    <//>`;
}

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
    <p>
      ${card.quality
        ? `${scoreOf(card.quality)}, after ${grouped(card.quality.images)} images seen`
        : "No score yet"}
    </p>
    ${card.state !== "model" &&
    html`<p><${Severity} level=${card.severity} />${" "}<${Prose} text=${card.verdict} /></p>`}
  </section>`;
}

function Settings({ names, settings }) {
  if (settings === null) return html`<p>The settings of a model are not known.</p>`;
  if (settings.length === 0) return html`<p>No setting differs.</p>`;
  return html`<h2>Settings that differ</h2>
    <div class="table" tabindex="0" role="group" aria-label="Settings that differ">
      <table>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            ${names.map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${settings.map(
            ([key, ...values]) => html`<tr>
              <th scope="row"><code>${key}</code></th>
              ${values.map((value) => html`<td>${value}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
