// Import: the weights of another program become a run.

import { get, post, send } from "../api.js";
import { ProblemLine, html, useEffect, useLoaded, useState } from "../ui.js";
import { Failure, Waiting, isOpen, useJob } from "./job.js";
import { newBatch } from "./upload.js";

export const Importer = () => html`<details class="panel">
  <summary><h2>Import a model</h2></summary>
  <${Form} />
</details>`;

function Form() {
  const recipes = useLoaded(() => get("/recipes"), "");
  const endings = recipes.value?.weights.join();
  const [files, setFiles] = useState({});
  const [asked, setAsked] = useState({ name: "", like: "" });
  const [state, setState] = useState({});
  const [layers, setLayers] = useState(null); // a table, kept until an import with it succeeds
  const { job, problem } = useJob(state.job);
  const isBusy = state.isBusy || isOpen(job);
  const start = async (isWithLayers = false) => {
    setState((old) => ({ ...(isWithLayers && old), isBusy: true }));
    if (!isWithLayers) setLayers(null);
    try {
      const batch = isWithLayers ? state.batch : newBatch();
      for (const [part, file] of isWithLayers ? [] : Object.entries(files)) {
        await send("PUT", `/models/${batch}/${part}/${encodeURIComponent(file.name)}`, file);
      }
      const table = isWithLayers ? { table: layers, like: "" } : {};
      const started = await post("/import", { ...asked, batch, ...table });
      setState({ batch, job: started.id, run: started.run });
    } catch (error) {
      setState((old) => ({ ...old, isBusy: false, problem: error.message }));
    }
  };
  const file = (part) => (event) => {
    const { [part]: _, ...others } = files;
    setFiles(event.target.files[0] ? { ...others, [part]: event.target.files[0] } : others);
  };
  return html`
    <form
      onSubmit=${(event) => {
        event.preventDefault();
        start();
      }}
    >
      <p class="soft">
        The studio makes a run of a generator that another program has trained. It reads the weights
        only, and runs nothing in the files. It recognizes the layers of the DCGAN example of
        PyTorch, of PyTorch-GAN, of the tutorial of TensorFlow and of the code of the DCGAN authors.
      </p>
      <div class="fields">
        <label>Weights of the generator
          <input type="file" accept=${endings} required onChange=${file("generator")} />
        </label>
        <label>Weights of the discriminator (may be left out)
          <input type="file" accept=${endings} onChange=${file("discriminator")} />
        </label>
        <label>Name of the run
          <input type="text" maxlength="80" placeholder="imported" value=${asked.name}
            onInput=${(event) => setAsked({ ...asked, name: event.target.value })} />
        </label>
        <label>Layers
          <select
            value=${asked.like}
            onChange=${(event) => setAsked({ ...asked, like: event.target.value })}
          >
            <option value="">Recognize them</option>
            ${Object.keys(recipes.value?.recipes ?? {}).map(
              (name) => html`<option value=${name}>As in the recipe ${name}</option>`,
            )}
          </select>
        </label>
      </div>
      <button class="main" disabled=${isBusy || !files.generator}>Import</button>
      <${ProblemLine} problem=${state.problem ?? problem} />
    </form>
    ${isBusy && html`<${Waiting} job=${job} doing="Importing" />`}
    <${Failure} job=${job} />
    ${job?.state === "failed" && html`<${Table}
      key=${job.id}
      job=${job.id}
      text=${layers}
      change=${setLayers}
      use=${() => start(true)}
    />`}
    ${job?.state === "done" &&
    html`<p role="status">The model is a run now. <a href=${`#/runs/${state.run}`}>Open it</a></p>`}
  `;
}

/** The layers as far as the weights tell, to be filled in; nothing after any other failure. */
function Table({ job, text, change, use }) {
  const loaded = useLoaded(() => get(`/jobs/${job}/table`), job);
  useEffect(() => {
    if (loaded.value?.table) change(loaded.value.table);
  }, [loaded.value]);
  if (text === null) return null;
  return html`<div class="fields wide">
    <label>The layers. Replace each FILL_IN by its value in the program that trained the model
      <textarea
        rows="14"
        spellcheck="false"
        value=${text}
        onInput=${(event) => change(event.target.value)}
      />
    </label>
    <span><button type="button" onClick=${use}>Import with these layers</button></span>
  </div>`;
}
