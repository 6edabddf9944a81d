// How good the images of a run are: a grade, by `dcgan evaluate`.

import { post } from "../api.js";
import { ActionButton, html, useState } from "../ui.js";
import { grouped, sentence } from "../words.js";
import { Failure, Waiting, isOpen, useJob } from "./job.js";

const BEST = "Very good";

export function Evaluation({ run, details }) {
  const [started, setStarted] = useState();
  const { job } = useJob(started);
  const start = async () => setStarted((await post(`/runs/${run}/evaluate`)).id);
  const { judgement, judged, card } = details;
  const best = card.quality?.images;
  return html`<h3>Quality of the images</h3>
    ${judgement && html`<${Judgement} text=${judgement} images=${judged} isBest=${judged === best}
      isNewest=${judged === details.sheets.at(-1)} />`}
    ${isOpen(job)
      ? html`<${Waiting} job=${job} doing="Evaluating" />`
      : html`<p class="soft">
            An evaluation compares the images of the best checkpoint with real ones, and grades
            them: poor, fair, good or very good. It takes minutes.
          </p>
          <${ActionButton} act=${start}>${judgement ? "Evaluate again" : "Evaluate"}<//>`}
    <${Failure} job=${job} />`;
}

/** The grade, which checkpoint it is about, then the weak point. */
function Judgement({ text, images, isBest, isNewest }) {
  const [grade, ...reason] = text.split(": ");
  const where = [
    isBest && "best checkpoint",
    images !== null && `after ${grouped(images)} images seen`,
  ].filter(Boolean);
  const place = where.join(", ") + (isNewest ? "" : "; the sheet shows the newest");
  return html`<p>
    <strong>${grade}</strong>${where.length > 0 && ` (${place})`}.
    ${reason.length > 0 &&
    ` ${sentence((grade === BEST ? "" : "weak point: ") + reason.join(": "))}`}
  </p>`;
}
