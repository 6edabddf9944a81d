import { html } from "../ui.js";

export const Inside = () => html`<h1>Inside</h1>`;
