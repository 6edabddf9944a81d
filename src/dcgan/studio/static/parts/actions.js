// What can be done with a run: stop it, resume it, train it longer.

import { post } from "../api.js";
import { ActionButton, html, useEffect, useState } from "../ui.js";
import { Field } from "./field.js";
import { isOpen } from "./job.js";
import { endOf, leftOf } from "./progress.js";

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
  const { card } = details;
  return html`
    ${endOf(card) === "Stopped" &&
    html`<div class="row">
      <${ActionButton} kind="main" act=${() => post(`/runs/${run}/resume`)}>
        Resume (${leftOf(card)})
      <//>
    </div>`}
    <${Longer} run=${run} card=${card} />
  `;
}

/** Continue for some more minutes or images, in the unit that the run has. */
function Longer({ run, card }) {
  const unit = card.minutes ? "minutes" : "images";
  const now = unit === "minutes" ? card.seconds / 60 : card.images;
  // as long again; a run that was trained longer has minutes such as 3.02
  const again = card.minutes && Number(card.minutes.toPrecision(2));
  const [more, setMore] = useState(String(again ?? (card.images || card.planned || 1)));
  const [state, setState] = useState({});
  const start = async (event) => {
    event.preventDefault();
    if (!(Number(more) > 0)) {
      setState({ problem: "Enter a number above 0" });
      return;
    }
    setState({ isBusy: true });
    try {
      const length = now + Number(more);
      await post(`/runs/${run}/resume`, {
        [unit]: unit === "minutes" ? Math.ceil(100 * length) / 100 : length,
      });
      setState({});
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  return html`<form class="row longer" onSubmit=${start} noValidate>
    <${Field} name="more" label=${`More ${unit}${unit === "images" ? " seen" : ""}`}
      problem=${state.problem}>
      ${(attributes) => html`<input type="number" min="0" value=${more}
        step=${unit === "images" ? 1 : "any"} ...${attributes}
        onInput=${(event) => {
          setMore(event.target.value);
          setState({});
        }} />`}
    <//>
    <button disabled=${state.isBusy}>Train longer</button>
  </form>`;
}
