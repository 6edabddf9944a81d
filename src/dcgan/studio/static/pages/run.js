import { get } from "../api.js";
import { html, Loaded, useLoaded } from "../ui.js";
import { Explore } from "./explore.js";
import { Invert } from "./invert.js";

export function RunPage({ run, tab }) {
  const loaded = useLoaded(() => get(`/runs/${run}`), run);
  return html`<${Loaded} loaded=${loaded}>${(details) => html`<h1>${details.card.name}</h1>
    ${tab === "invert" ? html`<${Invert} run=${run} details=${details} />` : html`<${Explore} run=${run} details=${details} />`}`}<//>`;
}
