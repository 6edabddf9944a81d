// Inside: both networks of a small DCGAN at work, step by step, with a lesson.

import { html, ProblemLine, useEffect, useRef, useState } from "../ui.js";
import { Charts } from "./inside/charts.js";
import { Controls, PlayerHead } from "./inside/controls.js";
import { Detail } from "./inside/detail.js";
import { Diagram } from "./inside/diagram.js";
import { History } from "./inside/history.js";
import { Lesson } from "./inside/lesson.js";
import { MapGrid } from "./inside/painting.js";
import { Session } from "./inside/session.js";

/** A session that is there while the page is. */
function useSession() {
  const [, redraw] = useState(0);
  const session = useRef(null);
  session.current ??= new Session(() => redraw((count) => count + 1));
  useEffect(() => {
    session.current.restart(0);
    return () => session.current.close();
  }, []);
  return session.current;
}

export function Inside() {
  const session = useSession();
  const [seed, setSeed] = useState(0);
  const [image, setImage] = useState(0);
  const [chosen, setChosen] = useState("generated");
  const { state } = session;
  const changeSeed = (field) => {
    const value = Math.min(999999, Math.max(0, Math.floor(Number(field.value)) || 0));
    field.value = String(value);
    setSeed(value);
    session.restart(value);
  };
  return html`<div class="inside">
    <h1>Inside a GAN</h1>
    <p class="soft">A small GAN learns handwritten digits on this computer. Everything you see
      is what its two networks compute.</p>
    <${Lesson} session=${session} seed=${seed} onChoose=${setChosen} />
    <${Controls} session=${session} seed=${seed} image=${image} onSeed=${changeSeed} />
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
