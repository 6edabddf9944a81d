// Arrows between the stages of the diagram, wherever the layout puts these.

import { html, useEffect, useState } from "../../ui.js";
import { ARROWS, BACK_ARROWS, stage } from "./stages.js";

/** Gradients between which arrows get thicker, by their logarithm. */
const [WEAKEST, STRONGEST] = [1e-5, 3e-2];
const THINNEST = 1.5;
const THICKEST = 6;

export function Arrows({ frame, state }) {
  const boxes = useBoxes(frame);
  const arrow = (words, from, to, width, back) => {
    if (!boxes[from] || !boxes[to]) return null;
    const path = curve(boxes[from], boxes[to], back);
    return html`<g class=${words} key=${`${from}-${to}`}>
      <path d=${path} stroke-width=${width} marker-end=${`url(#head-${back ? "back" : "on"})`} />
      ${/* a new key starts the animation again */ ""}
      <path class="moving" key=${state.step} d=${path} stroke-width=${width + 1.5}
        pathLength="100" />
    </g>`;
  };
  return html`<svg class="arrows" aria-hidden="true">
    <defs>${["on", "back"].map((kind) => html`<marker id=${`head-${kind}`} class=${kind}
      viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" orient="auto"
      markerUnits="userSpaceOnUse"><path d="M0 0 8 4 0 8z" /></marker>`)}</defs>
    ${ARROWS.map(([from, to]) => arrow("on", from, to, 2, false))}
    ${BACK_ARROWS.map(([from, to, at]) =>
      arrow("back", from, to, thickness(stage(at).part(state).gradient), true))}
  </svg>`;
}

function thickness(gradient) {
  const part = Math.log(gradient / WEAKEST) / Math.log(STRONGEST / WEAKEST);
  return THINNEST + (THICKEST - THINNEST) * Math.min(1, Math.max(0, part));
}

/** Where each stage is in the frame, kept up to date. */
function useBoxes(frame) {
  const [boxes, setBoxes] = useState({});
  useEffect(() => {
    const measure = () => {
      const origin = frame.current.getBoundingClientRect();
      const found = {};
      for (const element of frame.current.querySelectorAll("[data-stage]")) {
        const { left, top, width, height } = element.getBoundingClientRect();
        found[element.dataset.stage] = {
          left: left - origin.left, top: top - origin.top, width, height,
        };
      }
      setBoxes(found);
    };
    const watch = new ResizeObserver(measure);
    watch.observe(frame.current);
    measure();
    return () => watch.disconnect();
  }, []);
  return boxes;
}

/** A curve from the edge of one box to that of the next; the gradient's a little beside it. */
function curve(from, to, isBack) {
  const shift = isBack ? 14 : -14;
  const x = (box, part) => box.left + part * box.width;
  const y = (box, part) => box.top + part * box.height;
  const isRight = to.left >= from.left + from.width;
  const isLeft = to.left + to.width <= from.left;
  if (isRight || isLeft) {
    const start = [x(from, isRight ? 1 : 0), y(from, 0.5) + shift];
    const end = [x(to, isRight ? 0 : 1), y(to, 0.5) + shift];
    const middle = (start[0] + end[0]) / 2;
    return `M${start} C${middle},${start[1]} ${middle},${end[1]} ${end}`;
  }
  const isDown = to.top >= from.top;
  const start = [x(from, 0.5) + shift, y(from, isDown ? 1 : 0)];
  const end = [x(to, 0.5) + shift, y(to, isDown ? 0 : 1)];
  const middle = (start[1] + end[1]) / 2;
  return `M${start} C${start[0]},${middle} ${end[0]},${middle} ${end}`;
}
