// A job that this page has started: its state, asked for until it has ended.

import { get, post } from "../api.js";
import { ActionButton, ProblemLine, html, useEffect, useState } from "../ui.js";

const LOOK_EVERY = 700;
const KILLED = "The process ended without a message. It may have run out of memory.";

export const isOpen = (job) => job?.state === "waiting" || job?.state === "running";

/** The job of an identifier as it changes: `{job, problem}`. Nothing without an identifier. */
export function useJob(id) {
  const [state, setState] = useState({});
  useEffect(() => {
    setState({});
    if (!id) return undefined;
    let timer;
    let isCurrent = true;
    const look = async () => {
      let again = true;
      try {
        const job = await get(`/jobs/${id}`);
        again = isOpen(job);
        if (isCurrent) setState({ job });
      } catch (error) {
        if (isCurrent) setState((old) => ({ ...old, problem: error.message }));
      }
      if (again && isCurrent) timer = setTimeout(look, LOOK_EVERY);
    };
    look();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [id]);
  return state;
}

/** What a training that has not begun is doing. Its folder, which it names first, is no news. */
export const starting = ({ line }) =>
  line && !line.startsWith("run folder: ") ? `Starting: ${line}` : "Starting …";

/** What a job that has not ended is doing, with a button to stop it. */
export const Waiting = ({ job, doing }) => html`<div class="row waiting">
  <span class="spinner" aria-hidden="true"></span>
  <span role="status">${doing}${job?.line ? `: ${job.line}` : " …"}</span>
  ${job && html`<${ActionButton} act=${() => post(`/jobs/${job.id}/stop`)}>Stop<//>`}
</div>`;

/** Why a job has failed: the line that its command printed. */
export function Failure({ job }) {
  if (job?.state === "failed") return html`<${ProblemLine} problem=${withoutName(job.line)} />`;
  if (job?.state === "killed") {
    return html`<${ProblemLine} problem=${KILLED} />`;
  }
  if (job?.state === "stopped") return html`<p class="soft" role="status">Stopped.</p>`;
  return null;
}

export const Output = ({ job }) => html`<details>
  <summary>What the command printed</summary>
  <pre tabindex="0" aria-label="What the command printed">${job.output}</pre>
</details>`;

const withoutName = (line) => line.replace(/^dcgan: /, "");
