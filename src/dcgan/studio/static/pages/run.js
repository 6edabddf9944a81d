// A run: its head with state and actions, and the tabs below it.

import { Progress, Prose, Severity, html, useState, useTitle } from "../ui.js";
import { Explore } from "./explore.js";
import { Invert } from "./invert.js";
import { Live } from "./live.js";
import { Actions } from "../parts/actions.js";
import { Failure, Output, isOpen, starting } from "../parts/job.js";
import { about, endOf, lengthOf, progressOf } from "../parts/progress.js";
import { useRun } from "../parts/watch.js";
import { grouped, sentence } from "../words.js";

const TABS = [
  ["", "Live"],
  ["explore", "Explore"],
  ["invert", "Invert"],
];

export function RunPage({ run, tab }) {
  const watched = useRun(run);
  const { details, job, gone, connection } = watched;
  useTitle(details?.card.name ?? "Run");
  return html`
    <div role="status">
      ${connection === "lost" &&
      html`<p class="notice problem">
        The studio does not answer. The page shows what it knew last, and connects again by itself.
        A training continues without the studio.
      </p>`}
    </div>
    ${shown(run, tab, watched, { details, job, gone })}
  `;
}

function shown(run, tab, watched, { details, job, gone }) {
  if (gone) {
    return html`<h1>No such run</h1>
      <p class="problem" role="alert">${gone}</p>
      <p><a href="#/">All runs</a></p>`;
  }
  if (!details && !job) return html`<p class="soft" aria-busy="true">Loading …</p>`;
  if (!details) return html`<${Starting} run=${run} job=${job} />`;
  const tabs = details.card.state === "model" ? TABS.slice(1) : TABS;
  const current = tabs.some(([one]) => one === tab) ? tab : tabs[0][0];
  return html`
    <${Head} run=${run} details=${details} job=${job} />
    <nav class="tabs" aria-label="Parts of the run">
      ${tabs.map(
        ([one, text]) => html`<a
          href=${`#/runs/${run}${one && `/${one}`}`}
          aria-current=${one === current ? "page" : undefined}
        >${text}</a>`,
      )}
    </nav>
    ${content(current, run, watched)}
  `;
}

function content(tab, run, watched) {
  const { details } = watched;
  if (tab === "") return html`<${Live} run=${run} watched=${watched} />`;
  if (details.card.state !== "model" && details.checkpoints.length === 0) {
    return html`<p>
      There is no checkpoint yet. The training saves the first one after some minutes, or when you
      stop it.
    </p>`;
  }
  return html`
    ${details.card.state !== "model" && html`<${Checkpoint} details=${details} />`}
    ${tab === "explore"
      ? html`<${Explore} run=${run} details=${details} />`
      : html`<${Invert} run=${run} details=${details} />`}
  `;
}

/** Which state of the run this tab uses. It stays while the tab is open, also in a training. */
function Checkpoint({ details }) {
  const [{ best, newest }] = useState({
    best: details.card.quality?.images,
    newest: details.checkpoints.at(-1),
  });
  const isNewest = best === undefined || best === newest;
  return html`<p class="soft">
    Images here are of the ${isNewest ? "newest" : "best"} checkpoint, after
    ${" "}${grouped(isNewest ? newest : best)} images seen.
    ${!isNewest && ` The newest checkpoint is after ${grouped(newest)}.`}
  </p>`;
}

/** A run whose folder is not there yet, or never will be. */
function Starting({ run, job }) {
  const name = job.subject.split(/[/\\]/).pop();
  if (job.state === "done") {
    return html`<h1>${name}</h1><p>This run is not there any more. <a href="#/">All runs</a></p>`;
  }
  return html`<h1>${name}</h1>
    ${isOpen(job)
      ? html`<p class="row waiting"><span class="spinner" aria-hidden="true"></span>
          <span role="status">${starting(job)}</span></p>
          <${Actions} run=${run} job=${job} />`
      : html`<p><strong>The training did not start.</strong></p>
          <${Failure} job=${job} />
          <p class="row"><a class="button main" href="#/new">New run</a></p>
          <${Output} job=${job} />`}`;
}

function Head({ run, details, job }) {
  const { card } = details;
  const isTraining = card.state === "training";
  const { part, text } = progressOf(card, details.speed);
  return html`<div class="run-head">
    <h1>${card.name}</h1>
    <p class="soft">${[stateOf(card, job), ...about(card)].join(" · ")}</p>
    ${card.state !== "model" &&
    html`<p><${Severity} level=${card.severity} />${" "}<${Prose} text=${card.verdict} /></p>`}
    ${details.outlook &&
    (isTraining || card.severity === "early") &&
    html`<p>${sentence(details.outlook)}</p>`}
    ${isTraining &&
    (part === undefined
      ? html`<p>${text}</p>`
      : html`<${Progress} part=${part} text=${text} />`)}
    ${!isTraining && card.images > 0 && html`<p>${lengthOf(card)}</p>`}
    ${!isTraining && !isOpen(job) && html`<${Ended} job=${job} />`}
    ${card.state !== "model" && html`<${Actions} run=${run} job=${job} details=${details} />`}
  </div>`;
}

function Ended({ job }) {
  if (job?.state === "failed") return html`<${Failure} job=${job} />`;
  if (job?.state === "killed") {
    return html`<p class="problem">
      The training process has ended without saving. Resume continues from the last checkpoint.
    </p>`;
  }
  return null;
}

function stateOf(card, job) {
  if (card.state === "training") return "Training";
  if (isOpen(job)) return starting(job);
  if (card.state === "model") return card.built_in ? "Built-in model" : "Model";
  return endOf(card);
}
