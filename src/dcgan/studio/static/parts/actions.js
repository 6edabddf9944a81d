// What can be done with a run: stop it, resume it, train it longer.

import { post } from "../api.js";
import { ActionButton, html, useEffect, useState } from "../ui.js";
import { isOpen } from "./job.js";
import { isComplete } from "./progress.js";

export function Actions({ run, job, details }) {
  const state = details?.card.state;
  const isBusy = state === "training" || isOpen(job);
  const [isStopping, setIsStopping] = useState(false);
  useEffect(() => {
    if (!isBusy) setIsStopping(false);
  }, [isBusy]);
  const stop = async () => {
    await post(`/runs/${run}/stop`);
    setIsStopping(true);
  };
  if (isBusy) {
    return html`<div class="row">
      <${ActionButton} act=${stop} disabled=${isStopping}>
        ${isStopping ? "Stopping …" : "Stop and save"}
      <//>
      ${isStopping &&
      html`<span class="soft" role="status">The training saves a checkpoint, then ends.</span>`}
    </div>`;
  }
  return html`<div class="row">
    ${!isComplete(details.card) &&
    html`<${ActionButton} kind="main" act=${() => post(`/runs/${run}/resume`)}>Resume<//>`}
    <${Longer} run=${run} card=${details.card} />
  </div>`;
}

/** Continue up to a larger length, in the unit that the run has. */
function Longer({ run, card }) {
  const unit = card.minutes ? "minutes" : "images";
  const least = card.minutes ?? Math.max(card.images, card.planned ?? 0);
  const [length, setLength] = useState(2 * least || 1);
  return html`<span class="row longer">
    <label class="row">Train until
      <input type="number" min=${least} step=${unit === "images" ? 1 : "any"} value=${length}
        onInput=${(event) => setLength(Number(event.target.value))} />
      ${unit === "minutes" ? "minutes" : "images seen"} in all
    </label>
    <${ActionButton}
      disabled=${!(length > least)}
      act=${() => post(`/runs/${run}/resume`, { [unit]: length })}
    >
      Train longer
    <//>
  </span>`;
}
