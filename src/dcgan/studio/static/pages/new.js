import { html } from "../ui.js";

export const NewRun = () => html`<h1>NewRun</h1>`;
