// New run: choose images, see what is in them, then train.

import { get, post } from "../api.js";
import { Loaded, ProblemAnswer, html, useLoaded, useState, useTitle } from "../ui.js";
import { DatasetChoice } from "../parts/dataset.js";
import { Inspection } from "../parts/inspection.js";
import { Failure, Waiting, isOpen, useJob } from "../parts/job.js";
import { Plan } from "../parts/plan.js";

/** `inspection`: the job of an inspection that the page was left with, from its address. */
export function NewRun({ inspection }) {
  useTitle("New run");
  const known = useLoaded(() => get("/recipes"), "");
  const [state, setState] = useState({ job: inspection });
  const { job, problem } = useJob(state.job);
  const isBusy = state.isBusy || isOpen(job);
  const inspect = async ({ data, name }) => {
    setState({ isBusy: true, name });
    try {
      const started = await post("/inspect", { data });
      // so that a reloaded page shows it again
      history.replaceState(null, "", `#/new/${started.id}`);
      setState({ job: started.id, name });
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  /** What went wrong with one dataset says nothing of the next one. */
  const forget = () => {
    const hasFailed = job && !isOpen(job) && !job.result;
    if (!state.problem && !problem && !hasFailed) return;
    history.replaceState(null, "", "#/new");
    setState({});
  };
  return html`<h1>New run</h1>
    <p class="soft">
      A GAN learns from images to generate new ones like them. They should be of one kind, such as
      faces or icons. 1,000 images are enough to start; more are better.
    </p>
    <${Loaded} loaded=${known}>
      ${({ datasets, recipes }) => html`
        <${DatasetChoice} datasets=${datasets} choose=${inspect} change=${forget} isBusy=${isBusy}>
          <${ProblemAnswer} problem=${state.problem ?? problem} />
          ${isBusy && html`<${Waiting} job=${job} doing="Looking at the images" />`}
          <${Failure} job=${job} />
        <//>
        ${job?.result &&
        html`<${Inspection} job=${job} />
          <${Plan}
            key=${job.id}
            job=${job}
            name=${state.name ?? nameFrom(job.subject)}
            recipes=${recipes}
          />`}
      `}
    <//>`;
}

/** What to call a run of a dataset; files that were sent have no name of their own. */
const nameFrom = (data) =>
  data.includes("/.studio/") ? "my-images" : data.split("/").pop().replace(/\.[a-z]+$/i, "");
