// Labs: claims about GANs with their verdicts; a quick one can be started.

import { get, post } from "../api.js";
import { ActionButton, html, Loaded, useEvery, useLoaded, useState, useTitle } from "../ui.js";
import { counted } from "../words.js";

const PERIOD = 5000;

const VERDICTS = ["holds", "does not hold", "cannot be told"];

export function Labs() {
  const loaded = useLoaded(() => get("/labs"), "labs");
  useEvery(PERIOD, loaded.reload);
  useTitle("Labs");
  return html`<div class="labs">
    <h1>Labs</h1>
    <p>
      These are claims about GANs, not facts. A lab tests one: it trains small networks that differ
      only in what the claim is about, each with several seeds, and compares their images. A
      verdict is about small networks, small images and short trainings.
    </p>
    <p class="soft">
      The Fréchet distance says how far generated images are from real ones; lower is better. An
      interval contains the true value in 95% of such experiments. “Cannot be told” means that the
      lab was too small to decide: with more images or more seeds, it may be told.
    </p>
    <${Loaded} loaded=${loaded}>${(labs) => html`<${List} labs=${labs} />`}<//>
  </div>`;
}

const told = (lab) => lab.own ?? lab.published;

function List({ labs }) {
  const [verdict, setVerdict] = useState("");
  const shown = verdict ? labs.filter((lab) => told(lab)?.verdict === verdict) : labs;
  const subjects = [...new Set(shown.map((lab) => lab.subject))];
  const count = (one) => labs.filter((lab) => told(lab)?.verdict === one).length;
  return html`
    <label class="row">
      Show
      <select value=${verdict} onChange=${(event) => setVerdict(event.target.value)}>
        <option value="">all ${counted(labs.length, "claim")}</option>
        ${VERDICTS.map((one) => html`<option value=${one}>${one} (${count(one)})</option>`)}
      </select>
    </label>
    ${subjects.map((subject) => html`<section key=${subject}>
      <h2>${subject || "Others"}</h2>
      ${shown.filter((lab) => lab.subject === subject)
        .map((lab) => html`<${Lab} key=${lab.name} lab=${lab} />`)}
    </section>`)}
    ${shown.length === 0 && html`<p class="empty">No claim has this verdict.</p>`}
  `;
}

function Lab({ lab }) {
  const start = () => post(`/labs/${lab.name}`);
  const found = told(lab);
  const terms = Object.entries(lab.terms);
  const expectations = found?.expectations ?? [];
  return html`<article class="lab">
    <h3>“${lab.claim}”</h3>
    ${found
      ? html`<p><${Verdict} found=${found} chance=${lab.chance} /></p>
          ${expectations.length > 1 && html`<${Expectations} all=${expectations} />`}
          <p class="soft">${basisOf(lab, found)}</p>`
      : html`<p><span class="lab-verdict">Not tested yet</span></p>`}
    ${terms.length > 0 && html`<dl class="terms">
      ${terms.map(([term, about]) => html`<div><dt>${term}</dt><dd>${about}</dd></div>`)}
    </dl>`}
    <div class="row">
      ${lab.has_page &&
      html`<a class="button" href=${`/api/labs/${lab.name}/page`} target="_blank" rel="noopener"
        aria-label=${`Open the page of ${lab.name}`}>
        Open the page
      </a>`}
      ${lab.job
        ? html`<span class="soft" aria-live="polite">${lab.job.line || "Starting …"}</span>`
        : html`<${ActionButton} act=${start}>
            Test it here<span class="hidden">: ${lab.name}</span>
          <//>
          <span class="soft">about ten minutes on two cores: <code>dcgan lab ${lab.name}</code></span>`}
    </div>
  </article>`;
}

/** The beginning of the sentence, such as "Holds", as a badge; then the numbers. */
function Verdict({ found: { verdict, sentence }, chance }) {
  const [opening, ...numbers] = (sentence || verdict).split(": ");
  const text = numbers.join(": ");
  const badge = chance ? `${opening.split(" (")[0]}, not certain` : opening;
  const kind = chance ? "" : verdict.replaceAll(" ", "-");
  return html`<span class=${`lab-verdict ${kind}`}>${badge}</span>
    ${" "}${text.slice(0, 1).toUpperCase()}${text.slice(1)}
    ${chance && ` It ${chance}.`}`;
}

/** Of a claim that expects several things. */
const Expectations = ({ all }) => html`<details>
  <summary>${all.length} expectations</summary>
  <ul>
    ${all.map(
      ({ expected, verdict, in_words: numbers }) =>
        html`<li>${expected}: <strong>${verdict}</strong>; ${numbers}.</li>`,
    )}
  </ul>
</details>`;

function basisOf({ own }, { data, budget, date }) {
  const source = own ? "Your own verdict" : "Published: measured for this version";
  const place = [date && `on ${date}`, data && `with the dataset ${data}`].filter(Boolean).join(" ");
  return `${source}${place && ` ${place}`}; ${budget}.`;
}
