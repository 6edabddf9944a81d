// Labs: claims about GANs with their verdicts; a quick one can be started.

import { get, post } from "../api.js";
import { ActionButton, html, Loaded, useEvery, useLoaded } from "../ui.js";

const PERIOD = 5000;

const WORDS = { holds: "note", "does not hold": "failure", "cannot be told": "warning" };

export function Labs() {
  const loaded = useLoaded(() => get("/labs"), "labs");
  useEvery(PERIOD, loaded.reload);
  return html`
    <h1>Labs</h1>
    <p class="soft">
      Each lab tests one claim about GANs with several short trainings, and gives a verdict with its
      interval. A quick lab takes about ten minutes on two cores.
    </p>
    <${Loaded} loaded=${loaded}>${(labs) => labs.map((lab) => html`<${Lab} lab=${lab} />`)}<//>
  `;
}

function Lab({ lab }) {
  const start = () => post(`/labs/${lab.name}`);
  return html`<article class="lab">
    <h2>${lab.claim}</h2>
    <p class="soft"><code>dcgan lab ${lab.name}</code></p>
    <div class="row">
      ${lab.verdict && html`<span class=${`severity ${WORDS[lab.verdict] ?? ""}`}>${lab.words}</span>`}
      ${lab.has_page &&
      html`<a class="button" href=${`/api/labs/${lab.name}/page`} target="_blank" rel="noopener">
        Open the page
      </a>`}
      ${lab.job
        ? html`<span class="soft" aria-live="polite">${lab.job.line || "Starting …"}</span>`
        : html`<${ActionButton} act=${start}>Run it (quick)<//>`}
    </div>
  </article>`;
}
