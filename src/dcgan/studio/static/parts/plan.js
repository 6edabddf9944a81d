// How to train: time, size and recipe, with the recommended values preset.

import { post } from "../api.js";
import { ProblemLine, html, useState } from "../ui.js";

const SIZES = ["28", "32", "48", "64", "96", "128"];
const FITS = {
  crop: "crop: cut off the edges",
  pad: "pad: add a border",
  stretch: "stretch: change the shape",
  "cover-random": "cover-random: another part each time",
};

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
  });
  const [state, setState] = useState({});
  const set = (key) => (event) => setAsked({ ...asked, [key]: event.target.value });
  const start = async (event) => {
    event.preventDefault();
    setState({ isBusy: true });
    try {
      const started = await post("/train", {
        data: result.data,
        inspection: job.id,
        name: asked.name,
        recipe: asked.recipe,
        // a recipe may have its own; what it does not say is to crop
        fit: asked.fit === "crop" && result.fit === "crop" ? null : asked.fit,
        size: asked.size || null,
        ...(asked.images ? { images: Number(asked.images) } : { minutes: Number(asked.minutes) }),
        seed: Number(asked.seed),
      });
      location.hash = `#/runs/${started.run}`;
    } catch (error) {
      setState({ problem: error.message });
    }
  };
  const areDifferent = result.aspect["0"] !== result.aspect["1"];
  return html`<form class="panel" onSubmit=${start} aria-labelledby="plan">
    <h2 id="plan">3. Training</h2>
    <div class="fields">
      <label>Name of the run
        <input type="text" maxlength="80" required value=${asked.name} onInput=${set("name")} />
      </label>
      <label>Minutes of training
        <input type="number" min="0.1" max="100000" step="any" required=${!asked.images}
          disabled=${asked.images} value=${asked.minutes} onInput=${set("minutes")}
          aria-describedby="about-minutes" />
        <small id="about-minutes">${sentence(result.reasons.time.split("; ").pop())}. You can train
          longer afterwards.</small>
      </label>
      <label>Size of the images
        <select value=${asked.size} onChange=${set("size")} aria-describedby="about-size">
          <option value="">Automatic</option>
          ${[...new Set([size, ...SIZES].filter(Boolean))].map(
            (one) => html`<option value=${one}>${nameOf(one)}${recommended(one === size)}</option>`,
          )}
        </select>
        <small id="about-size">Smaller images need less time. Automatic: the largest size that
          becomes recognizable in this time.</small>
      </label>
      ${areDifferent &&
      html`<label>Images of another shape
        <select value=${asked.fit} onChange=${set("fit")} aria-describedby="about-fit">
          ${Object.entries(FITS).map(
            ([one, text]) =>
              html`<option value=${one}>${text}${recommended(one === result.fit)}</option>`,
          )}
        </select>
        <small id="about-fit">${sentence(result.reasons.fit)}.</small>
      </label>`}
      <label>Recipe
        <select value=${asked.recipe} onChange=${set("recipe")} aria-describedby="about-recipe">
          ${Object.keys(recipes).map(
            (one) => html`<option value=${one}>${one}${recommended(one === "auto")}</option>`,
          )}
        </select>
        <small id="about-recipe">${recipes[asked.recipe]}.</small>
      </label>
    </div>
    <details>
      <summary>More settings</summary>
      <div class="fields">
        <label>Images seen, instead of minutes
          <input type="number" min="1" step="1" value=${asked.images} onInput=${set("images")}
            aria-describedby="about-images" />
          <small id="about-images">Training stops after so many real images, with
            repetitions.</small>
        </label>
        <label>Seed
          <input type="number" min="0" step="1" required value=${asked.seed} onInput=${set("seed")}
            aria-describedby="about-seed" />
          <small id="about-seed">The same seed repeats a run. Another seed gives a different
            one.</small>
        </label>
      </div>
    </details>
    <button class="main" disabled=${state.isBusy}>Start training</button>
    <${ProblemLine} problem=${state.problem} />
  </form>`;
}

const recommended = (isSo) => isSo && " (recommended)";
const sentence = (text) => text[0].toUpperCase() + text.slice(1).replace(/\.$/, "");
const nameOf = (size) => (size.includes("x") ? size.replace("x", "×") : `${size}×${size}`);
