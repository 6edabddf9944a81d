// How good the images of a run are: a grade, by `dcgan evaluate`.

import { post } from "../api.js";
import { ActionButton, html, useState } from "../ui.js";
import { Failure, Waiting, isOpen, useJob } from "./job.js";

export function Evaluation({ run, details }) {
  const [started, setStarted] = useState();
  const { job } = useJob(started);
  const start = async () => setStarted((await post(`/runs/${run}/evaluate`)).id);
  const { judgement } = details;
  return html`<h3>Quality of the images</h3>
    ${judgement && html`<p>${judgement}</p>`}
    ${isOpen(job)
      ? html`<${Waiting} job=${job} doing="Evaluating" />`
      : html`<p class="soft">
            An evaluation compares the images of the best checkpoint with real ones, and grades
            them: poor, fair, good or very good. It takes minutes.
          </p>
          <${ActionButton} act=${start}>${judgement ? "Evaluate again" : "Evaluate"}<//>`}
    <${Failure} job=${job} />`;
}
