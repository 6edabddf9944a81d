// Choose a dataset: by name, a folder of this machine, or files dropped on the page.

import { ProblemLine, Progress, html, useRef, useState } from "../ui.js";
import { Folders } from "./folders.js";
import { filesOf, imagesOf, partSent, sendAll, uploadText } from "./upload.js";

const WAYS = [
  ["named", "A known dataset"],
  ["folder", "A folder on this machine"],
  ["files", "Upload files"],
];

const ABOUT = {
  digits: "1,797 small images of handwritten digits, part of dcgan",
  shapes: "drawn shapes, part of dcgan",
  mnist: "70,000 images of handwritten digits, 28×28 gray",
  "fashion-mnist": "70,000 images of clothes, 28×28 gray",
  cifar10: "60,000 photographs of ten kinds, 32×32 color",
  celeba: "200,000 photographs of faces; you have to download it yourself",
};

/**
 * `choose({data, name})` is called with the dataset, and what to call it; `change` when something
 * else is looked at. `children` are what came of the last choice.
 */
export function DatasetChoice({ datasets, choose, change, isBusy, children }) {
  const [way, setWay] = useState("named");
  return html`<fieldset class="panel">
    <legend>1. Images</legend>
    <div class="row ways">
      ${WAYS.map(
        ([value, text]) => html`<label class="check">
          <input
            type="radio"
            name="way"
            value=${value}
            checked=${way === value}
            onChange=${() => {
              setWay(value);
              change();
            }}
          />
          ${text}
        </label>`,
      )}
    </div>
    ${/* all are there, so that each keeps what was chosen in it */ Object.entries(PARTS).map(
      ([one, Part]) => html`<div hidden=${way !== one}>
        <${Part} datasets=${datasets} choose=${choose} change=${change} isBusy=${isBusy} />
      </div>`,
    )}
    ${children}
  </fieldset>`;
}

function Named({ datasets, choose, change, isBusy }) {
  const [name, setName] = useState(datasets[0]);
  return html`<div class="row">
    <label>Dataset${" "}
      <select
        value=${name}
        onChange=${(event) => {
          setName(event.target.value);
          change();
        }}
      >
        ${datasets.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>
    <span class="soft">${ABOUT[name]}</span>
    <button
      type="button"
      class="main"
      disabled=${isBusy}
      onClick=${() => choose({ data: name, name })}
    >
      Inspect these images
    </button>
  </div>`;
}

function Files({ choose, change, isBusy }) {
  const [state, setState] = useState({});
  const [isOver, setIsOver] = useState(false);
  const input = useRef();
  const folder = useRef();
  const send = async (files) => {
    change();
    if (files.length === 0) {
      const problem = "No images found. Choose images, a folder of images, or a single .zip";
      setState((old) => ({ ...old, problem }));
      return;
    }
    if (files.length > 1 && files.some((file) => /\.zip$/i.test(file.name))) {
      setState({ problem: "Choose images, or a single .zip of images" });
      return;
    }
    setState({ sent: 0, of: files.length, refused: [] });
    const data = await sendAll(files, setState);
    setState((old) => ({ ...old, data, isDone: true }));
  };
  const drop = async (event) => {
    event.preventDefault();
    setIsOver(false);
    send(await filesOf(event.dataTransfer));
  };
  const isSending = state.of && !state.isDone;
  return html`<div
      class=${isOver ? "drop over" : "drop"}
      onDragOver=${(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave=${() => setIsOver(false)}
      onDrop=${drop}
    >
      <input
        ref=${input}
        type="file"
        multiple
        accept="image/*,.zip"
        hidden
        onChange=${(event) => send(taken(event.target))}
      />
      <input
        ref=${folder}
        type="file"
        webkitdirectory
        hidden
        onChange=${(event) => send(imagesOf(taken(event.target)))}
      />
      <button type="button" disabled=${isSending} onClick=${() => input.current.click()}>
        Choose files
      </button>
      <button type="button" disabled=${isSending} onClick=${() => folder.current.click()}>
        Choose a folder
      </button>
      <span class="soft">or drop images, a folder of images, or a .zip here</span>
    </div>
    <${ProblemLine} problem=${state.problem} />
    ${state.of &&
    (isSending || state.data) &&
    html`<${Progress} part=${partSent(state)} text=${uploadText(state)} />`}
    ${state.refused?.length > 0 && html`<${Refused} lines=${state.refused} />`}
    ${state.data &&
    html`<button type="button" class="main" disabled=${isBusy || isSending}
      onClick=${() => choose({ data: state.data, name: "my-images" })}>
      Inspect these images
    </button>`}`;
}

/** The chosen files. The input is emptied, or choosing the same ones again would be no change. */
function taken(input) {
  const files = [...input.files];
  input.value = "";
  return files;
}

const PARTS = { named: Named, folder: Folders, files: Files };

const SHOWN = 10;

const Refused = ({ lines }) => html`<div role="status">
  <p class="problem">Refused:</p>
  <ul>
    ${lines.slice(0, SHOWN).map((line) => html`<li>${line}</li>`)}
    ${lines.length > SHOWN && html`<li>and ${lines.length - SHOWN} more</li>`}
  </ul>
</div>`;
