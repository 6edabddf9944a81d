// The samples of a run over time: one sheet with a slider over all, which can be played.

import { html, useEffect, useState } from "../ui.js";
import { grouped } from "../words.js";

const FRAME = 250;

export function Sheets({ run, sheets, isTraining }) {
  const [chosen, setChosen] = useState(null); // null: always the newest
  const [isPlaying, setIsPlaying] = useState(false);
  const last = sheets.length - 1;
  const place = chosen === null ? last : Math.min(chosen, last);
  const move = (to) => setChosen(to >= last ? null : to);
  const address = (one) => `/api/runs/${run}/sheets/${sheets[one]}`;
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (place >= last) {
      setIsPlaying(false);
      return undefined;
    }
    // the next one is shown once it is there, so that nothing flickers
    const next = new Image();
    next.src = address(place + 1);
    const timer = setTimeout(() => {
      const show = () => move(place + 1);
      next.decode().then(show, show);
    }, FRAME);
    return () => clearTimeout(timer);
  }, [isPlaying, place, last]);
  if (last < 0) {
    return html`<div class="sheet-place soft">
      <p>${isTraining ? "The first samples come in a moment." : "There are no samples."}</p>
    </div>`;
  }
  const play = () => {
    if (!isPlaying && place >= last) setChosen(0);
    setIsPlaying(!isPlaying);
  };
  const text = `${grouped(sheets[place])} images seen${place === last ? ", newest" : ""}`;
  return html`<figure class="sheets">
    <div class="sheet-place">
      <img class="sheet" src=${address(place)} alt=${`Samples after ${text}`} />
    </div>
    <figcaption>
      <button type="button" disabled=${last === 0} onClick=${play}>
        ${isPlaying ? "Pause" : "Play"}
      </button>
      <input
        type="range"
        min="0"
        max=${last}
        step="1"
        disabled=${last === 0}
        value=${place}
        aria-label="Samples over time"
        aria-valuetext=${text}
        onInput=${(event) => {
          setIsPlaying(false);
          move(Number(event.target.value));
        }}
      />
      <output>${text}</output>
    </figcaption>
  </figure>`;
}
