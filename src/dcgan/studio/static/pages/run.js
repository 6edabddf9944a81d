import { html } from "../ui.js";

export const RunPage = () => html`<h1>RunPage</h1>`;
