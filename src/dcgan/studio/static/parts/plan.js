// How to train: time, size and recipe, with the recommended values preset.

import { Problem, get, post } from "../api.js";
import { ProblemAnswer, html, useAnswer, useState } from "../ui.js";
import { counted, sentence } from "../words.js";
import { Field, showInvalid } from "./field.js";

const SIZES = ["28", "32", "48", "64", "96", "128"];
const FITS = {
  crop: "crop: cut off the edges",
  pad: "pad: add a border",
  stretch: "stretch: change the shape",
  "cover-random": "cover-random: another part each time",
};
const FIELDS = ["name", "minutes", "size", "fit", "recipe", "images", "seed"];

/** The value of an option in a command line; "" without it. */
const optionOf = (command, name) => command.match(new RegExp(`${name} (\\S+)`))?.[1] ?? "";

export function Plan({ job, name, recipes }) {
  const { result } = job;
  const size = optionOf(result.command, "--size");
  const [asked, setAsked] = useState({
    name,
    minutes: optionOf(result.command, "--minutes") || "10",
    size,
    fit: result.fit,
    recipe: "auto",
    images: "",
    seed: "0",
    duplicates: optionOf(result.command, "--data.duplicates") === "drop",
    blank: optionOf(result.command, "--data.blank") === "drop",
    transparency: false,
    start: false,
  });
  const [state, setState] = useState({});
  const change = (key, value) => {
    setAsked({ ...asked, [key]: value });
    setState({});
  };
  const set = (key) => (event) => change(key, event.target.value);
  const address = `/name?name=${encodeURIComponent(asked.name)}`;
  const called = useAnswer(() => get(address), asked.name.trim());
  // a model has its own size, networks and channels
  const canStart = result.start && !asked.size && asked.recipe === "auto" && !asked.transparency;
  const start = canStart && asked.start ? result.start : null;
  const fromRandom = useOutlook(job.id, asked);
  const outlook = start ? `The first images look like those of ${result.start}.` : fromRandom;
  const begin = async (event) => {
    event.preventDefault();
    setState({ isBusy: true });
    try {
      const now = await get(address);
      if (now.name !== now.checked && now.name !== (state.told ?? called.value?.name)) {
        // pressed before the answer was there, or the name was taken meanwhile
        const line = `${nameHelp(now, asked.name)} Press Start training again to use it.`;
        const problem = new Problem(line, "name");
        setState({ problem, told: now.name });
        return;
      }
      const started = await post("/train", {
        data: result.data,
        inspection: job.id,
        name: asked.name,
        recipe: asked.recipe,
        // a recipe may have its own; what it does not say is to crop
        fit: asked.fit === "crop" && result.fit === "crop" ? null : asked.fit,
        size: asked.size || null,
        ...(asked.images ? { images: asked.images } : { minutes: asked.minutes }),
        seed: asked.seed, // as text: a number of JavaScript would lose digits
        drop: ["duplicates", "blank"].filter((one) => asked[one]),
        keep_transparency: asked.transparency,
        start,
      });
      location.hash = `#/runs/${started.run}`;
    } catch (problem) {
      setState({ problem });
    }
  };
  const problemOf = (field) =>
    state.problem?.field === field ? state.problem.message : undefined;
  const areDifferent = result.aspect["0"] !== result.aspect["1"];
  return html`<form
    class="panel"
    onSubmit=${begin}
    onInvalidCapture=${showInvalid}
    aria-labelledby="plan"
  >
    <h2 id="plan">3. Training</h2>
    <div class="fields">
      <${Field} name="name" label="Name of the run" help=${nameHelp(called.value, asked.name)}
        problem=${problemOf("name") ?? called.problem?.message}>
        ${(more) => html`<input type="text" maxlength="80" required value=${asked.name}
          onInput=${set("name")} ...${more} />`}
      <//>
      <${Field} name="minutes" label="Minutes of training" problem=${problemOf("minutes")}
        help=${html`<span role="status">${!asked.images && outlook}</span> You can train longer
          afterwards.`}>
        ${(more) => html`<input type="number" min="0.1" max="100000" step="any"
          required=${!asked.images} disabled=${asked.images} value=${asked.minutes}
          onInput=${set("minutes")} ...${more} />`}
      <//>
      <${Field} name="size" label="Size of the images" problem=${problemOf("size")}
        help=${"Smaller images need less time. Automatic: the largest size that becomes" +
        " recognizable in this time."}>
        ${(more) => html`<select value=${asked.size} onChange=${set("size")} ...${more}>
          <option value="">Automatic${recommended(!size)}</option>
          ${sizesOf(result, size).map(
            (one) => html`<option value=${one}>${nameOf(one)}${recommended(one === size)}</option>`,
          )}
        </select>`}
      <//>
      ${areDifferent &&
      html`<${Field} name="fit" label="Images of another shape" problem=${problemOf("fit")}
        help=${sentence(result.reasons.fit)}>
        ${(more) => html`<select value=${asked.fit} onChange=${set("fit")} ...${more}>
          ${Object.entries(FITS).map(
            ([one, text]) =>
              html`<option value=${one}>${text}${recommended(one === result.fit)}</option>`,
          )}
        </select>`}
      <//>`}
      ${result.classics.length > 0 &&
      html`<${Field} name="recipe" label="Recipe" problem=${problemOf("recipe")}
        help=${`${recipes[asked.recipe]}.`}>
        ${(more) => html`<select value=${asked.recipe} onChange=${set("recipe")} ...${more}>
          ${["auto", ...result.classics].map(
            (one) => html`<option value=${one}>${one}${recommended(one === "auto")}</option>`,
          )}
        </select>`}
      <//>`}
    </div>
    ${choicesOf(result).map(
      ([key, text]) => html`<p><label class="check">
        <input type="checkbox" checked=${asked[key]}
          onChange=${(event) => change(key, event.target.checked)} />
        ${text}
      </label></p>`,
    )}
    ${canStart &&
    html`<p><label class="check">
      <input type="checkbox" checked=${asked.start}
        onChange=${(event) => change("start", event.target.checked)} />
      Start from the trained model ${result.start}, at ${result.size.join("×")}: with few images,
      better ones sooner, unless yours are like those of that model
    </label></p>`}
    <details>
      <summary>More settings</summary>
      <div class="fields">
        <${Field} name="images" label="Images seen, instead of minutes"
          problem=${problemOf("images")}
          help=${html`Training stops after so many real images, with repetitions.${" "}
            <span role="status">${asked.images && outlook}</span>`}>
          ${(more) => html`<input type="number" min="1" step="1" value=${asked.images}
            onInput=${set("images")} ...${more} />`}
        <//>
        <${Field} name="seed" label="Seed" problem=${problemOf("seed")}
          help="The same seed repeats a run. Another seed gives a different one.">
          ${(more) => html`<input type="number" min="0" step="1" required value=${asked.seed}
            onInput=${set("seed")} ...${more} />`}
        <//>
      </div>
    </details>
    <button class="main" disabled=${state.isBusy}>Start training</button>
    ${state.problem &&
    !FIELDS.includes(state.problem.field) &&
    html`<${ProblemAnswer} problem=${state.problem.message} />`}
  </form>`;
}

/** What to expect of the length and size that are set, in the words of the training itself. */
function useOutlook(job, { minutes, images, size, recipe }) {
  const length = images ? `images=${images}` : `minutes=${minutes}`;
  const isKnown = recipe === "auto" && Number(images || minutes) > 0;
  const path = `/jobs/${job}/outlook?${length}${size && `&size=${size}`}`;
  const { value } = useAnswer(() => get(path), isKnown && path);
  return value?.outlook && sentence(value.outlook);
}

/** The name that the run will have, if it is not the one that was typed. */
function nameHelp(called, typed) {
  if (!called || called.name === typed.trim()) return undefined;
  return called.name === called.checked
    ? `The run will be ${called.name}.`
    : `This name is taken; the run will be ${called.name}.`;
}

function sizesOf(result, size) {
  const measured = result.expectations.map(({ size: [high, wide] }) =>
    high === wide ? String(high) : `${high}x${wide}`,
  );
  const all = new Set([size, ...measured, ...SIZES].filter(Boolean));
  return [...all].sort((one, other) => parseInt(one, 10) - parseInt(other, 10));
}

/** Decisions about images that need one, each with its number of images. */
const choicesOf = ({ copies, blank, transparent }) =>
  [
    [
      "duplicates",
      copies.near > 0 ? "Drop copies and near copies" : "Drop copies",
      copies.exact + copies.near,
    ],
    ["blank", "Drop blank images", blank.length],
    ["transparency", "Keep transparency", transparent],
  ]
    .filter(([, , count]) => count > 0)
    .map(([key, text, count]) => [key, `${text} (${counted(count, "image")})`]);

const recommended = (isSo) => isSo && " (recommended)";
const nameOf = (size) => (size.includes("x") ? size.replace("x", "×") : `${size}×${size}`);
