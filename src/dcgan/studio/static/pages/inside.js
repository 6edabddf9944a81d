// Inside: both networks of a small DCGAN at work, step by step, with a lesson.

import { html, ProblemLine, useEffect, useState, useTitle } from "../ui.js";
import { grouped } from "../words.js";
import { Charts } from "./inside/charts.js";
import { Controls, PlayerHead } from "./inside/controls.js";
import { Detail } from "./inside/detail.js";
import { Diagram } from "./inside/diagram.js";
import { History } from "./inside/history.js";
import { Lesson } from "./inside/lesson.js";
import { MapGrid } from "./inside/painting.js";
import { Session } from "./inside/session.js";

const MOST_SEED = 999_999;

/** The lesson stays while another part of the studio is shown. */
const session = new Session();

export function Inside() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const stop = session.watch(() => redraw((count) => count + 1));
    session.open();
    return stop;
  }, []);
  const [image, setImage] = useState(0);
  const [chosen, setChosen] = useState("generated");
  const [seedProblem, setSeedProblem] = useState("");
  const { state, seed } = session;
  const changeSeed = (field) => {
    const value = Number(field.value);
    const isSeed = field.value !== "" && Number.isInteger(value) && value >= 0 && value <= MOST_SEED;
    setSeedProblem(isSeed ? "" : `Seed: use a whole number from 0 to ${grouped(MOST_SEED)}.`);
    if (isSeed) session.restart(value);
  };
  useTitle("Inside");
  return html`<div class="inside">
    <h1>Inside a GAN</h1>
    <p class="soft">A small GAN learns handwritten digits on this computer. Everything you see
      is what its two networks compute.</p>
    <${Lesson} session=${session} seed=${seed} onChoose=${setChosen} />
    <${Controls} session=${session} seed=${seed} image=${image} onSeed=${changeSeed} />
    <${ProblemLine} problem=${seedProblem} />
    <${ProblemLine} problem=${session.problem} />
    ${state === null
      ? html`<p class="soft waiting" aria-busy=${!session.problem}>
          ${session.problem ? "There is nothing to show." : "Making two networks …"}</p>`
      : html`
        <${Diagram} state=${state} image=${image} chosen=${chosen} onChoose=${setChosen}>
          <${PlayerHead} session=${session} player="generator" />
          <${PlayerHead} session=${session} player="discriminator" />
          <${Samples} state=${state} image=${image} onChoose=${setImage} />
        <//>
        <${Detail} state=${state} image=${image} chosen=${chosen} />
        <${Charts} records=${session.records} state=${state} />
        <${History} memory=${session.memory} image=${image} />`}
  </div>`;
}

/** The generated images that can be followed. */
function Samples({ state, image, onChoose }) {
  const { maps } = state.generated;
  return html`<div class="samples" role="group" aria-labelledby="samples-title">
    <p id="samples-title"><strong>Choose a latent</strong> to follow its image:</p>
    <div class="sample-grid">
      ${Array.from({ length: maps.shape[0] }, (_, number) => html`<button type="button"
        aria-pressed=${number === image} onClick=${() => onChoose(number)}>
        <${MapGrid} maps=${[maps.map(number, 0)]} columns=${1} scale=${1} colors="image"
          label=${`Image ${number + 1}`} />
      </button>`)}
    </div>
  </div>`;
}
