// Explore: the explorer of the web export in the studio, with what only a server can do beside it.

import { bytes, film, post } from "../api.js";
import { mount } from "../explorer/explorer.js";
import { ActionButton, html, ProblemLine, useEffect, useRef, useState } from "../ui.js";
import { digits, grouped } from "../words.js";
import { save } from "../save.js";

const LEAST = 2;

/** Training images without which nothing is said of a copy, and the part of them that is rare. */
const FEWEST = 20;
const RARE = 0.02;

/** The explorer of a run. `start` is a latent to begin with, `onReady(explorer)` is optional. */
export function Explorer({ run, start, onReady }) {
  const element = useRef(null);
  const [problem, setProblem] = useState("");
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let explorer;
    let isGone = false;
    bytes(`/runs/${run}/model`)
      .then((model) => mount(element.current, model, { wasm: "/static/explorer/engine.wasm" }))
      .then((mounted) => {
        explorer = mounted;
        if (isGone) return explorer.destroy();
        setReady(true);
        if (start) explorer.edit(start);
        return onReady?.(explorer);
      })
      .catch((error) => setProblem(error.message));
    return () => {
      isGone = true;
      explorer?.destroy();
    };
  }, [run, start]);
  return html`<${ProblemLine} problem=${problem} />
    ${!problem && !isReady && html`<p class="soft" aria-busy="true">Loading the model …</p>`}
    <div ref=${element} class=${isReady ? "" : "explorer"}></div>`;
}

export function Explore({ run, details }) {
  const [explorer, setExplorer] = useState(null);
  const [kept, setKept] = useState(0);
  const ready = (mounted) => {
    // those of an earlier model of the same place may have another length
    const fitting = remembered(run).filter((latent) => latent.length === mounted.latent.length);
    for (const latent of fitting) mounted.shelf.keep(mounted.latents.fromInput(latent));
    const changed = () => {
      remember(run, mounted.shelf.latents);
      setKept(mounted.shelf.latents.length);
    };
    mounted.shelf.onChange = changed;
    changed();
    setExplorer(mounted);
  };
  return html`<div class="tab-content">
    <${Explorer} run=${run} onReady=${ready} />
    ${explorer &&
    html`<section class="tools" aria-label="More about these images">
      <${Nearest} run=${run} explorer=${explorer} card=${details?.card} />
      <${Film} run=${run} explorer=${explorer} kept=${kept} name=${details?.card.name} />
      <h2>Take it away</h2>
      <p>
        One web page with this explorer and the model inside. It opens by double click, needs no
        network, and sends nothing anywhere.
      </p>
      <a class="button main" href=${`/api/runs/${run}/web-page`} download>Download the web page</a>
    </section>`}
  </div>`;
}

const key = (run) => `dcgan-kept-${run}`;

/** The latents that were kept of a run, in this browser. */
function remembered(run) {
  try {
    return JSON.parse(localStorage.getItem(key(run))) ?? [];
  } catch {
    return []; // the browser keeps nothing, or something else wrote there
  }
}

function remember(run, latents) {
  try {
    localStorage.setItem(key(run), JSON.stringify(latents.map((latent) => [...latent])));
  } catch {
    // the browser keeps nothing: they are lost when the page is left
  }
}

function Nearest({ run, explorer, card }) {
  const [found, setFound] = useState(null);
  if (card?.built_in) return null; // the dataset need not be on this machine
  const search = async () => {
    const latent = [...explorer.latent];
    setFound(await post(`/runs/${run}/nearest`, { latent }));
  };
  return html`<h2>Is it a copy?</h2>
    <p>Find the training image that is nearest to the image above, by its pixels.</p>
    <${ActionButton} act=${search}>Find the nearest training image<//>
    ${found &&
    html`<figure class="nearest">
      <img class="sheet" src=${found.image} alt="The nearest training image" width="128" />
      <figcaption>
        Mean difference ${digits(found.distance)} of 1; searched ${grouped(found.searched)} of
        ${" "}${grouped(found.of)} training images
      </figcaption>
    </figure>
    <p>${judged(found)}</p>`}`;
}

/** Whether the nearest training image is nearer than training images are to each other. */
function judged({ as_near: near, compared, distance }) {
  if (distance === 0) return "This is a copy: all pixels are equal.";
  if (compared < FEWEST) return "There are too few training images to say how near that is.";
  const count = `${near || "None"} of ${compared} training images ${near === 1 ? "is" : "are"}`;
  return near / compared < RARE
    ? `${count} as near to another one. Look whether this is a copy; smooth images are near, too.`
    : `${count} as near to another one. This is no sign of a copy.`;
}

function Film({ run, explorer, kept, name }) {
  const make = (kind) => async () => {
    const content = { latents: explorer.shelf.latents.map((one) => [...one]), kind };
    save(await film(`/runs/${run}/film`, content), `${name ?? "loop"}.${kind}`);
  };
  return html`<h2>Loop as a film</h2>
    <p>
      ${kept < LEAST
        ? "Keep two images or more: the film is the loop through them that the explorer plays."
        : `A film through the ${kept} kept images.`}
    </p>
    <div class="row">
      <${ActionButton} act=${make("gif")} disabled=${kept < LEAST}>Download GIF<//>
      <${ActionButton} act=${make("mp4")} disabled=${kept < LEAST}>Download MP4<//>
    </div>`;
}
