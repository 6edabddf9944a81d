import { html } from "../ui.js";

export const Home = () => html`<h1>Home</h1>`;
