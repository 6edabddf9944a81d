import { html } from "../ui.js";

export const Labs = () => html`<h1>Labs</h1>`;
