// The chosen stage, enlarged: all its maps or one of them, and what it is.

import { html, useEffect, useState } from "../../ui.js";
import { digits } from "../../words.js";
import { MapGrid } from "./painting.js";
import { mapsOf, networkOf, stage } from "./stages.js";

/** "Generator, layer 1", "Discriminator, layer 1, on the real image". */
function fullTitle(about) {
  const network = networkOf(about);
  if (!network) return about.title;
  const ending = network === "Generator" ? "" : `, on the ${about.path} image`;
  return `${network}, ${about.title.toLowerCase()}${ending}`;
}

export function Detail({ state, image, chosen }) {
  const [number, setNumber] = useState(null);
  useEffect(() => setNumber(null), [chosen]);
  const about = stage(chosen);
  const { maps } = about.part(state);
  const { list, scale } = mapsOf(about, state, image);
  const isOne = number !== null && number < list.length;
  const shown = isOne ? [list[number]] : list;
  const hasMaps = list.length > 1 && chosen !== "latent";
  const title = fullTitle(about);
  const move = (by) => setNumber(((number ?? (by > 0 ? -1 : 0)) + by + list.length) % list.length);
  const columns = isOne || !hasMaps ? about.columns : Math.ceil(Math.sqrt(list.length));
  const isChange = chosen === "change";
  return html`<section class=${isChange ? "detail beside" : "detail"}
      aria-labelledby="detail-title">
    ${isChange && html`<${Unchanged} state=${state} image=${image} />`}
    <div class=${`detail-image ${hasMaps && !isOne ? "can-pick" : ""}`}>
      <${MapGrid} maps=${shown} columns=${isOne ? 1 : columns} scale=${scale}
        colors=${about.colors} label=${isOne ? `${title}: map ${number + 1}` : title}
        onPick=${hasMaps && !isOne ? setNumber : undefined} />
    </div>
    <div>
      <h2 id="detail-title">${title}</h2>
      <p><strong>${about.shape(maps)}.</strong> ${about.about}</p>
      <p class="soft">${range(shown, about)}</p>
      ${hasMaps && html`<div class="row">
        <button type="button" onClick=${() => move(-1)}>Previous map</button>
        <button type="button" onClick=${() => move(1)}>Next map</button>
        ${isOne && html`<button type="button" onClick=${() => setNumber(null)}>All maps</button>
          <span role="status">Map ${number + 1} of ${list.length}</span>`}
      </div>`}
    </div>
  </section>`;
}

/** The generated image that the gradient is for. */
function Unchanged({ state, image }) {
  const about = stage("generated");
  const { list, scale } = mapsOf(about, state, image);
  return html`<div class="detail-image">
    <${MapGrid} maps=${list} columns=${1} scale=${scale} colors=${about.colors}
      label=${about.title} />
  </div>`;
}

function range(maps, { colors }) {
  const values = maps.flatMap(({ values: one }) => [...one]);
  const [low, high] = [Math.min(...values), Math.max(...values)].map((one) => digits(one));
  if (colors === "image") return `Pixels from ${low} to ${high}; -1 is black and 1 is white.`;
  if (colors === "change") return "Left: the generated image. Right: green pixels"
    + " should be brighter, violet ones darker, black ones stay.";
  return `Numbers from ${low} to ${high}. Blue is below zero, black zero, orange above.`;
}
