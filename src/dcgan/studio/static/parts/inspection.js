// What `dcgan inspect` says of a dataset, in its own words, with the sheet of what a network sees.

import { Prose, html } from "../ui.js";

/** What the next part of the page says or does, and what needs a terminal. */
const LEFT_OUT = new Set(["train", "  time", "  start"]);

/** Where the studio keeps files that were sent to it. */
const UPLOADED = /^\S*[/\\]\.studio[/\\]uploads[/\\]\S*(?=: )/;

export function Inspection({ job }) {
  const { report, warnings } = job.result;
  const parts = inParts(report.filter(([label]) => !LEFT_OUT.has(label)));
  return html`<section class="panel inspection" aria-labelledby="inspected">
    <h2 id="inspected">2. What was found</h2>
    <div class="columns">
      <div>
        ${parts.map(
          ({ title, rows }, place) => html`
            ${title.map((line) => html`<p>${line.replace(UPLOADED, "Your files")}</p>`)}
            ${place === 0 && warnings.length > 0 && html`<${Warnings} lines=${warnings} />`}
            ${rows.length > 0 &&
            html`<dl>
              ${rows.map(
                ([label, text]) => html`<dt>${label}</dt><dd><${Prose} text=${text} /></dd>`,
              )}
            </dl>`}
          `,
        )}
      </div>
      <figure>
        <img
          class="sheet"
          src=${`/api/jobs/${job.id}/sheet`}
          alt="Training images as the networks will see them"
        />
        <figcaption class="soft">Training images as the networks will see them</figcaption>
      </figure>
    </div>
  </section>`;
}

const Warnings = ({ lines }) => html`<ul class="dangers" aria-label="Warnings">
  ${lines.map((line) => html`<li><${Prose} text=${line} /></li>`)}
</ul>`;

/** An empty line ends a part. Warnings stand elsewhere. */
function inParts(report) {
  const parts = [{ title: [], rows: [] }];
  let isWarning = false;
  for (const [label, text] of report) {
    isWarning = label === "warning" || (isWarning && label === " ");
    if (isWarning) continue;
    if (!label && !text) parts.push({ title: [], rows: [] });
    else if (label) parts.at(-1).rows.push([label.trim(), text]);
    else parts.at(-1).title.push(text);
  }
  return parts;
}
