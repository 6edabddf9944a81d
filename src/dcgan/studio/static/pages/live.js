// A run as it trains: samples, what is right and wrong, curves.

import { html } from "../ui.js";
import { Advice, Findings } from "../parts/findings.js";
import { Curves } from "../parts/curves.js";
import { Evaluation } from "../parts/evaluation.js";
import { Output, isOpen } from "../parts/job.js";
import { Sheets } from "../parts/sheets.js";

export function Live({ run, watched }) {
  const { details, columns, job } = watched;
  const isBusy = details.card.state === "training" || isOpen(job);
  // that nothing stands out says nothing of a run that is too young
  const isTold = details.findings.length > 0 || details.card.severity !== "early";
  const hasHealth =
    isTold || (!isBusy && (details.advice.text || details.checkpoints.length > 0));
  return html`
    <div class="columns live">
      <section aria-labelledby="samples">
        <h2 id="samples">Samples</h2>
        <${Sheets} run=${run} sheets=${details.sheets} isTraining=${isBusy} />
      </section>
      ${hasHealth &&
      html`<section aria-labelledby="health">
        <h2 id="health">How it goes</h2>
        ${isTold && html`<${Findings} findings=${details.findings} />`}
        <${Advice}
          run=${run}
          advice=${details.advice}
          isTraining=${isBusy}
        />
        ${!isBusy &&
        details.checkpoints.length > 0 &&
        html`<${Evaluation} run=${run} details=${details} />`}
      </section>`}
    </div>
    <h2>Curves</h2>
    <${Curves} columns=${columns} scores=${details.scores} isTraining=${isBusy} />
    ${job && html`<${Output} job=${job} />`}
  `;
}
